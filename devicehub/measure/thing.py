"""One thing in which two runs are held against each other. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from devicehub.measure.pairs import in_one_list

if TYPE_CHECKING:
    from collections.abc import Callable

    from devicehub.runs.model import RunHeader


class Facet(msgspec.Struct, frozen=True, kw_only=True):
    """One thing of two runs, in words; None is unknown."""

    what: str
    a: str | None
    b: str | None


@dataclass(frozen=True)
class Thing:
    """One thing that is compared.

    Attributes:
        value: of a run's record, or of its header for what was asked of it; None where it is not known.
        follows: the factors that it belongs to or follows from.
        text: of a run in which it is known; None writes the value.
        like: whether two values that are known are alike; None asks for equal ones.
        told_of_both: a value that one half of a list tells of the other half too, whose launches may have
            been too short to be sampled.
    """

    what: str
    value: Callable[[Any], Any]
    follows: frozenset[str] = frozenset()
    text: Callable[[Any], str] | None = None
    like: Callable[[Any, Any], bool] | None = None
    told_of_both: Any = None

    def alike(self, a: RunHeader, b: RunHeader) -> bool:
        """Whether two runs are alike in it; what is known of one alone is not."""
        first, second = self.value(a), self.value(b)
        if first is None or second is None:
            known = second if first is None else first
            return known is None or (known == self.told_of_both and in_one_list(a, b))
        return self.like(first, second) if self.like else bool(first == second)

    def facet(self, a: RunHeader, b: RunHeader) -> Facet:
        """Both values in words."""
        return Facet(what=self.what, a=self._words(a), b=self._words(b))

    def _words(self, run: RunHeader) -> str | None:
        value = self.value(run)
        if value is None:
            return None
        return self.text(run) if self.text else str(value)


def yes_no(value: bool | None) -> str | None:
    """In words; None stays unknown."""
    return None if value is None else "yes" if value else "no"
