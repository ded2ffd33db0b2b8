"""Which lines of a phone's log to show. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from devicehub.android.logcat import Entry, LogLines

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable, Iterator

    from devicehub.android.logcat import Item

LEVELS: Final = ("V", "D", "I", "W", "E", "F")
_OURS: Final = "--------- interrupted: "
"""What the hub itself puts between two parts of a log."""


@dataclass(frozen=True)
class Shown:
    """A line that is shown, and what it says where it is an entry."""

    text: str
    entry: Entry | None

    def fields(self) -> dict[str, Any]:
        """Its fields for JSON."""
        entry = self.entry
        if entry is None:
            return {"level": None, "tag": None, "pid": None, "tid": None, "stamp": None, "message": self.text}
        return {
            "level": entry.level,
            "tag": entry.tag,
            "pid": entry.pid,
            "tid": entry.tid,
            "stamp": entry.stamp,
            "message": entry.message,
        }


class LogFilter:
    """The lines of one phone that a person asked for.

    Args:
        level: the least grave that passes; None for all.
        pattern: what a line must hold; None for anything.
    """

    def __init__(self, level: str | None, pattern: re.Pattern[str] | None) -> None:
        self._least = LEVELS.index(level.upper()) if level else 0
        self._pattern = pattern
        self._reader = LogLines()
        self._passes = not self._least

    def take(self, lines: Iterable[str]) -> Iterator[Shown]:
        """The lines to show; one that is no entry goes with the entry before it."""
        for line in lines:
            item = self._reader.take(line)
            entry = item if isinstance(item, Entry) else None
            if line.startswith(_OURS) or (self._has_level(item) and self._is_found(line)):
                yield Shown(_printable(line), entry)

    def _has_level(self, item: Item) -> bool:
        if isinstance(item, Entry):
            # S is silent, graver than all; a level that is not told passes.
            known = item.level in LEVELS
            self._passes = not known or LEVELS.index(item.level or "F") >= self._least
        return self._passes

    def _is_found(self, line: str) -> bool:
        return self._pattern is None or self._pattern.search(line) is not None


def _printable(line: str) -> str:
    """Without what would steer the terminal: apps log what they like."""
    return "".join(char if char.isprintable() or char == "\t" else "\ufffd" for char in line)
