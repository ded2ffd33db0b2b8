"""Whether a regular expression is found in a text, within a number of steps that is known beforehand. Pure.

Python's own engine tries one way after the other, so `(a+)+$` takes longer than anybody waits on thirty
letters. Here all ways are walked at once (Thompson's construction): a text costs at most its length times the
expression's. What cannot be had so is refused: looking around, back references, groups that hold what they
have.
"""

from __future__ import annotations

import re
import warnings
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

MOST_TEXT: Final = 20_000
"""Characters of a text that is searched."""
_MOST_NODES: Final = 2_000
_MOST_STEPS: Final = 3_000_000
"""About a second."""

# Python's own reader of regular expressions, so that what is written means here what it means there.
_parser: Final = import_module("re._parser")
_UNBOUNDED: Final = import_module("re._constants").MAXREPEAT

_REFUSED: Final = {
    "ASSERT": "looks ahead or behind",
    "ASSERT_NOT": "looks ahead or behind",
    "FAILURE": "looks ahead or behind",
    "GROUPREF": "refers back to a group",
    "GROUPREF_EXISTS": "refers back to a group",
    "ATOMIC_GROUP": "holds an atomic group",
    "POSSESSIVE_REPEAT": "holds a possessive repeat",
}


class _Node(NamedTuple):
    """One place in the expression.

    Attributes:
        takes: whether it takes a character; None where it takes none.
        holds: whether it may be passed at a place of a text; None where it always may.
        to: where it goes on; empty for the end.
    """

    takes: Callable[[str], bool] | None
    holds: Callable[[str, int], bool] | None
    to: tuple[int, ...]


class BoundedRegex:
    """A regular expression in Python's syntax.

    Raises:
        ValueError: it is none, or one that cannot be searched for within bounds; the text says why.
    """

    def __init__(self, pattern: str, *, ignore_case: bool = False) -> None:
        flags = re.IGNORECASE if ignore_case else re.NOFLAG
        try:
            with warnings.catch_warnings():
                # Python warns of what it will read differently one day.
                warnings.simplefilter("error")
                flags = re.RegexFlag(re.compile(pattern, flags).flags)
                parsed = _parser.parse(pattern, flags & ~re.UNICODE)
            self._nodes: list[_Node] = [_Node(None, None, ())]
            self._start = self._sequence(parsed, flags, 0)
        except (re.error, OverflowError, Warning) as error:
            raise ValueError(f"is no regular expression: {error}") from error
        except RecursionError as error:
            raise ValueError("is nested too deeply") from error

    def is_in(self, text: str) -> bool | None:
        """Whether it is found anywhere in a text, as `re.search` finds it.

        None where the text is too long, or the expression branches too much on it.
        """
        if len(text) > MOST_TEXT:
            return None
        steps = 0
        reached: set[int] = set()
        for place in range(len(text) + 1):
            reached = self._spread({*reached, self._start}, text, place)
            if 0 in reached:
                return True
            steps += len(reached)
            if steps > _MOST_STEPS:
                return None
            if place < len(text):
                reached = self._take(reached, text[place])
        return False

    def _spread(self, begun: set[int], text: str, place: int) -> set[int]:
        """All nodes that are reached without taking a character."""
        reached = set(begun)
        waiting = list(begun)
        while waiting:
            node = self._nodes[waiting.pop()]
            if node.takes is None and (node.holds is None or node.holds(text, place)):
                waiting += [other for other in node.to if other not in reached]
                reached.update(node.to)
        return reached

    def _take(self, reached: set[int], char: str) -> set[int]:
        taking = (self._nodes[number] for number in reached)
        return {node.to[0] for node in taking if node.takes is not None and node.takes(char)}

    def _add(self, node: _Node) -> int:
        if len(self._nodes) >= _MOST_NODES:
            raise ValueError("repeats too often to be searched for; count less far")
        self._nodes.append(node)
        return len(self._nodes) - 1

    def _sequence(self, items: Iterable[tuple[Any, Any]], flags: int, after: int) -> int:
        """The node that begins a sequence, which goes on at another."""
        for op, value in reversed(list(items)):
            after = self._item(str(op), value, flags, after)
        return after

    def _item(self, op: str, value: Any, flags: int, after: int) -> int:
        if op in _REFUSED:
            raise ValueError(f"{_REFUSED[op]}, which cannot be searched for within bounds")
        if op == "SUBPATTERN":
            _, added, removed, items = value
            return self._sequence(items, (flags | added) & ~removed, after)
        if op == "BRANCH":
            ways = tuple(self._sequence(items, flags, after) for items in value[1])
            return self._add(_Node(None, None, ways))
        if op in ("MAX_REPEAT", "MIN_REPEAT"):
            return self._repeat(*value, flags=flags, after=after)
        if op == "AT":
            return self._add(_Node(None, _holds(str(value), flags), (after,)))
        return self._add(_Node(_takes(op, value, flags), None, (after,)))

    def _repeat(self, least: int, most: int, items: Any, *, flags: int, after: int) -> int:
        entry = after
        if most == _UNBOUNDED:
            entry = self._add(_Node(None, None, (after,)))
            self._nodes[entry] = _Node(None, None, (self._sequence(items, flags, entry), after))
        else:
            for _ in range(most - least):
                entry = self._add(_Node(None, None, (self._sequence(items, flags, entry), after)))
        for _ in range(least):
            before, entry = entry, self._sequence(items, flags, entry)
            if entry == before:
                break  # what is repeated is nothing, so no number of nodes would end this
        return entry


def _holds(where: str, flags: int) -> Callable[[str, int], bool]:
    """What an anchor demands of a place in a text."""
    by_line = bool(flags & re.MULTILINE)
    ascii_only = bool(flags & re.ASCII)

    def begins(text: str, place: int) -> bool:
        return place == 0 or (by_line and text[place - 1] == "\n")

    def ends(text: str, place: int) -> bool:
        rest = len(text) - place
        return rest == 0 or (text[place] == "\n" and (by_line or rest == 1))

    def parts(text: str, place: int) -> bool:
        before = place > 0 and _is_word(text[place - 1], ascii_only=ascii_only)
        return before != (place < len(text) and _is_word(text[place], ascii_only=ascii_only))

    return {
        "AT_BEGINNING": begins,
        "AT_BEGINNING_STRING": lambda _, place: place == 0,
        "AT_END": ends,
        "AT_END_STRING": lambda text, place: place == len(text),
        "AT_BOUNDARY": parts,
        "AT_NON_BOUNDARY": lambda text, place: not parts(text, place),
    }[where]


def _takes(op: str, value: Any, flags: int) -> Callable[[str], bool]:
    """Whether one part of an expression takes a character."""
    if op == "ANY":
        return (lambda _: True) if flags & re.DOTALL else (lambda char: char != "\n")
    parts = [(str(part), inner) for part, inner in value] if op == "IN" else [("LITERAL", value)]
    negated = op == "NOT_LITERAL" or parts[0][0] == "NEGATE"
    tests = [_test(part, inner, flags) for part, inner in parts if part != "NEGATE"]
    if not flags & re.IGNORECASE:
        return lambda char: any(test(char) for test in tests) != negated
    return lambda char: any(test(one) for one in _cases(char) for test in tests) != negated


def _cases(char: str) -> Sequence[str]:
    return [char, *(one for one in (char.lower(), char.upper()) if len(one) == 1 and one != char)]


def _test(part: str, value: Any, flags: int) -> Callable[[str], bool]:
    if part == "LITERAL":
        return lambda char: ord(char) == value
    if part == "RANGE":
        return lambda char: value[0] <= ord(char) <= value[1]
    ascii_only = bool(flags & re.ASCII)
    name, negated = str(value).removeprefix("CATEGORY_").removeprefix("NOT_"), "NOT_" in str(value)
    test = {"DIGIT": _is_digit, "SPACE": _is_space, "WORD": _is_word}[name]
    return lambda char: test(char, ascii_only=ascii_only) != negated


def _is_digit(char: str, *, ascii_only: bool) -> bool:
    return char.isdecimal() and (char.isascii() or not ascii_only)


def _is_space(char: str, *, ascii_only: bool) -> bool:
    return char in " \t\n\r\f\v" if ascii_only else char.isspace()


def _is_word(char: str, *, ascii_only: bool) -> bool:
    return (char.isalnum() or char == "_") and (char.isascii() or not ascii_only)
