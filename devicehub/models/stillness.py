"""When a folder that somebody fills has come to rest. Pure."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

Facts = tuple[tuple[str, int, int, int], ...]
"""Of each file below a folder: its relative path, size, mtime and ctime in nanoseconds; sorted."""

_COMING: Final = (
    *("*.incomplete", "*.part", "*.partial", "*.tmp"),
    *("*.crdownload", "*.download", "*.aria2", "*.filepart"),
)
# rsync: ".llm.mnn.weight.Xk3d9Q"
_RSYNC: Final = ".*.??????"


def names_what_comes(path: str) -> bool:
    """Whether a file is named as programs name what they have not yet got whole."""
    name = path.rpartition("/")[2]
    return fnmatch.fnmatch(name, _RSYNC) or any(fnmatch.fnmatch(name.lower(), one) for one in _COMING)


@dataclass(frozen=True)
class _Seen:
    facts: Facts
    since_s: float


class Stillness:
    """Remembers how folders looked, and since when they have looked so."""

    def __init__(self) -> None:
        self._seen: dict[Path, _Seen] = {}

    def see(self, found: Mapping[Path, Facts], *, now_s: float) -> None:
        """Take how folders look now; those that are not among them are forgotten."""
        self._seen = {
            path: before
            if (before := self._seen.get(path)) is not None and before.facts == facts
            else _Seen(facts, now_s)
            for path, facts in found.items()
        }

    def still(self, *, now_s: float, for_s: float) -> dict[Path, Facts]:
        """Those that have looked the same for so long, and hold nothing that is named as still coming."""
        return {
            path: seen.facts
            for path, seen in self._seen.items()
            if now_s - seen.since_s >= for_s and not any(names_what_comes(one[0]) for one in seen.facts)
        }

    def since_s(self, path: Path) -> float | None:
        """Since when a folder has looked as it does; None where it is not known."""
        seen = self._seen.get(path)
        return None if seen is None else seen.since_s

    def paths(self) -> Collection[Path]:
        """All that are remembered."""
        return self._seen.keys()
