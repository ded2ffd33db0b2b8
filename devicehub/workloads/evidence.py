"""Lines that prove failures: found one by one, kept in small numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devicehub.workloads.failures import FAILURES

if TYPE_CHECKING:
    from devicehub.workloads.patterns import Failure, Pattern

_PATTERNS: Final = tuple((pattern, failure) for failure in FAILURES for pattern in failure.patterns)


@dataclass(frozen=True, slots=True)
class Hit:
    """A line that proves a failure.

    Attributes:
        process: the victim that the line names: a program or a pid.
    """

    failure: Failure
    line: str
    pattern: Pattern
    process: str | None = None


class HitBag:
    """The first lines that prove each failure."""

    _MOST_LINES = 3

    def __init__(self) -> None:
        self._hits: dict[str, list[Hit]] = {}

    def add(self, hit: Hit | None) -> None:
        """Keep a hit if it is among the first of its failure."""
        if hit is not None:
            hits = self._hits.setdefault(hit.failure.slug, [])
            if len(hits) < self._MOST_LINES:
                hits.append(hit)

    @property
    def all(self) -> list[Hit]:
        """Every hit, by failure."""
        return [hit for hits in self._hits.values() for hit in hits]


_LONGEST: Final = 2000
"""Characters of a line that are searched: the messages are short, and a search may cost their square."""


def find_failure(line: str, *, from_shell: bool = True) -> Hit | None:
    """The earliest failure that a line of the tool, the log or, where it may speak, the shell proves."""
    line = line[:_LONGEST]
    for pattern, failure in _PATTERNS:
        if pattern.needle in line and (from_shell or not pattern.shell_line):
            match = pattern.regex.search(line)
            if match:
                return Hit(failure, line, pattern, match.groupdict().get("process"))
    return None


def find_engine_line(line: str) -> Hit | None:
    """The failure that a line proves though the model's text surrounds it.

    The line must be exactly what the engine prints, or end in it right after a word of the text: the
    engine does not wait for the text's line end.
    """
    line = line[-_LONGEST:]
    for pattern, failure in _PATTERNS:
        if pattern.engine_line and pattern.needle in line:
            match = pattern.regex.search(line)
            if match and not line[match.end() :].strip() and _may_be_glued(line[: match.start()]):
                return Hit(failure, line, pattern)
    return None


def find_last_words(line: str) -> Hit | None:
    """The failure that a shell reports in the last line of an output that has no end."""
    line = line[-_LONGEST:]
    for pattern, failure in _PATTERNS:
        if pattern.shell_line and pattern.needle in line:
            words = line.removesuffix("(core dumped)").rstrip()
            if pattern.regex.search(line) or words.endswith(pattern.needle):
                return Hit(failure, line, pattern)
    return None


def _may_be_glued(before: str) -> bool:
    return not before or before[-1].isalnum() or before[-1] in ".,!?;"
