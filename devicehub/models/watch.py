"""What moved in the catalogue since one last looked, whoever moved it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from devicehub.models.catalog import Model, ModelEntry, find_change, model_of

if TYPE_CHECKING:
    from pathlib import Path

    from devicehub.settings import Home


@dataclass(frozen=True)
class _Seen:
    """An entry as it was: its file, whether its model was whole, its fixture."""

    stamp: tuple[int, int, int]
    entry: ModelEntry
    is_whole: bool
    fixture: int | None


class CatalogueWatch:
    """Looks at entries, at the files that they name, and at their fixtures; reads only what has changed."""

    def __init__(self, home: Home) -> None:
        self._folder = home.models
        self._seen: dict[str, _Seen] = {}

    def look(self) -> tuple[list[Model], list[str]]:
        """Models that came or changed since the last look, and the names of those that are gone.

        A damaged entry counts as gone.
        """
        now: dict[str, _Seen] = {}
        for file in sorted(self._folder.glob("*.json")):
            seen = None if file.name.startswith(".") else self._see(file)
            if seen is not None:
                now[seen.entry.name] = seen
        before, self._seen = self._seen, now
        changed = [model_of(seen.entry) for name, seen in now.items() if before.get(name) != seen]
        return changed, sorted(before.keys() - now.keys())

    def _see(self, file: Path) -> _Seen | None:
        try:
            facts = file.stat()
            stamp = (facts.st_ino, facts.st_size, facts.st_mtime_ns)
            before = self._seen.get(file.stem)
            if before is not None and before.stamp == stamp:
                entry = before.entry
            else:
                entry = msgspec.json.decode(file.read_bytes(), type=ModelEntry)
        except (OSError, msgspec.MsgspecError):
            return None
        return _Seen(stamp, entry, find_change(entry) is None, self._fixture(entry))

    def _fixture(self, entry: ModelEntry) -> int | None:
        try:
            file = self._folder / "fixtures" / f"{model_of(entry).manifest.id}.json"
            return file.stat().st_mtime_ns
        except OSError:
            return None
