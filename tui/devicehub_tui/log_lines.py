"""The logs of phones, merged: what is kept, and what is shown of it. Knows no Textual."""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

from devicehub_tui.columns import fit, shorten

if TYPE_CHECKING:
    from collections.abc import Iterable

    from devicehub_tui.format import Cell, Meaning

KEPT: Final = 20_000
_LONGEST: Final = 2_000
"""Characters kept of a line."""

LEVELS: Final = "VDIWEF"
_MEANINGS: Final[dict[str, Meaning]] = {"V": "dim", "D": "dim", "I": "", "W": "warn", "E": "bad", "F": "bad"}

# 11-23 09:41:07.123  1234  5678 W Tag     : message
_THREADTIME: Final = re.compile(r"\d\d-\d\d \d\d:\d\d:\d\d\.\d+\s+\d+\s+\d+ ([VDIWEF]) ")


class LogLine(NamedTuple):
    """One line of one phone; `level` is blank where it tells none."""

    device: str
    level: str
    text: str


def read_line(device: str, text: str) -> LogLine:
    """A line as logcat gives it."""
    found = _THREADTIME.match(text)
    return LogLine(device, found[1] if found else "", text[:_LONGEST])


class Log:
    """The newest lines of all phones, in the order in which they came, and those of them that are shown.

    Attributes:
        level: lines below it are not shown; those that tell none are.
        words: in lower case; all of them are somewhere in a line that is shown, or in its phone's name.
    """

    def __init__(self) -> None:
        self._kept: deque[LogLine] = deque(maxlen=KEPT)
        self.shown: list[LogLine] = []
        self.level = "V"
        self.words: tuple[str, ...] = ()
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, device: str, lines: Iterable[str]) -> None:
        """Take in what a phone said."""
        for text in lines:
            line = read_line(device, text)
            self._kept.append(line)
            if self._passes(line):
                self.shown.append(line)
        if (more := len(self.shown) - KEPT) > KEPT // 4:
            del self.shown[:more]
            self.dropped += more

    def choose(self, *, level: str | None = None, words: str | None = None) -> None:
        """Show other lines of those that are kept."""
        self.level = self.level if level is None else level
        self.words = self.words if words is None else tuple(words.lower().split())
        self.shown = [line for line in self._kept if self._passes(line)]

    def clear(self) -> None:
        """Forget all lines."""
        self._kept.clear()
        self.shown.clear()

    def _passes(self, line: LogLine) -> bool:
        if line.level and LEVELS.index(line.level) < LEVELS.index(self.level):
            return False
        if not self.words:
            return True
        text = f"{line.device} {line.text}".lower()
        return all(word in text for word in self.words)


def next_level(level: str) -> str:
    """The level after one; after the last the first."""
    return LEVELS[(LEVELS.index(level) + 1) % len(LEVELS)]


def cells(line: LogLine, names: dict[str, str], *, label: int) -> list[Cell]:
    """A line to show: its phone where there are several, and its text.

    Args:
        line: the line.
        names: what phones are called.
        label: columns for the phone; 0 leaves it out.
    """
    name = shorten(names.get(line.device, line.device), label)
    who: list[Cell] = [(f"{fit(name, label)} ", "busy")] if label else []
    return [*who, (line.text, _MEANINGS.get(line.level, ""))]
