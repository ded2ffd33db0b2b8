"""Terms such as `android>=14`: how they are read, and when they hold. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection

_TERM: Final = re.compile(r"(?P<key>[a-z_]+)\s*(?P<operator>>=|<=|!=|=|>|<)\s*(?P<value>[^<>=!].*)")
_MOST_DIGITS: Final = 18
"""Longer rows of digits are compared as words."""


@dataclass(frozen=True)
class Term:
    """One term; what is not known of a thing lets no term hold."""

    key: str
    operator: str
    value: str

    def holds(self, found: str | int | None) -> bool:
        """Whether what was found under the key agrees."""
        if found is None:
            return False
        left, right = _comparable(str(found)), _comparable(self.value)
        match self.operator:
            case "=":
                return left == right
            case "!=":
                return left != right
            case ">=":
                return left >= right
            case "<=":
                return left <= right
            case ">":
                return left > right
            case _:
                return left < right


def is_terms(text: str) -> bool:
    """Whether a text is meant as terms, not as a name."""
    return any(operator in text for operator in "=<>")


def parse_term(text: str, keys: Collection[str]) -> Term | None:
    """One term with one of these keys; None where it is none."""
    found = _TERM.fullmatch(text.strip())
    if found is None or found["key"] not in keys:
        return None
    return Term(found["key"], found["operator"], found["value"].strip())


def _comparable(value: str) -> tuple[tuple[int, int | str], ...]:
    """`8.1.0` orders by number and before 14; words order by letter, in lower case, after numbers."""
    parts = re.split(r"[.\s]+", value.lower())
    return tuple(
        (0, int(part)) if part.isdecimal() and len(part) <= _MOST_DIGITS else (1, part) for part in parts
    )
