"""What CMake, make, ninja, compilers and Gradle print: how far they are, and what went wrong. Pure."""

from __future__ import annotations

import re
from typing import Final

# "[ 37%] Building CXX object ..." of make, "[12/345] ..." of ninja, "<===--> 37% EXECUTING" of Gradle.
_PERCENT: Final = re.compile(r"^\[ *(\d{1,3})%\]")
_COUNT: Final = re.compile(r"^\[(\d{1,7})/(\d{1,7})\]")
_GRADLE: Final = re.compile(r"^<[=-]*> *(\d{1,3})%")
# The likelier reason first: a compiler's words before those of the program that called it.
_ERRORS: Final = (
    re.compile(r"(?:fatal )?error: ", re.IGNORECASE),
    re.compile(r"^CMake Error"),
    re.compile(r"undefined (?:reference|symbol)|cannot find -l|No space left|Killed|out of memory"),
    re.compile(r"^\* What went wrong:|FAILURE: |Could not |command not found|No such file"),
    re.compile(r"\*\*\* |ninja: error"),
)
_MOST: Final = 300


def share_of(line: str) -> float | None:
    """How much of a step is done, 0 to 1, by a line of its output; None where the line does not tell."""
    for pattern in (_PERCENT, _GRADLE):
        if found := pattern.match(line):
            return min(int(found[1]), 100) / 100
    found = _COUNT.match(line)
    if found and int(found[2]):
        return min(int(found[1]) / int(found[2]), 1.0)
    return None


class Complaint:
    """The line that tells best why a step failed, of all that were heard."""

    def __init__(self) -> None:
        self._lines: dict[int, str] = {}
        self._last = ""
        self._open: int | None = None

    def hear(self, line: str) -> None:
        """Take the next line."""
        line = line.strip()
        if not line:
            return
        self._last = line
        if self._open is not None:
            # CMake and Gradle put the reason on the line after.
            self._lines[self._open] += f" {line}"
            self._open = None
            return
        for rank, pattern in enumerate(_ERRORS):
            if rank not in self._lines and pattern.search(line):
                self._lines[rank] = line
                self._open = rank if line.endswith(":") else None
                return

    @property
    def sentence(self) -> str:
        """The line, or the last one of all where none complains."""
        best = self._lines[min(self._lines)] if self._lines else self._last
        return best[:_MOST]
