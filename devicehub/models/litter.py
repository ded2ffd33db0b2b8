"""What the home holds of models that nothing needs: found first, removed when a person has seen it."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from devicehub.manifest import unwritable
from devicehub.models.provenance import read_provenance

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from devicehub.models.pulled import PulledFolders
    from devicehub.settings import Home

_TEMPORARY: Final = (".adding-*", "fixtures/.making-*")
_WRITTEN_S: Final = 3600.0
"""A file of a moment that is so old has lost its process."""


@dataclass(frozen=True)
class Litter:
    """One thing that may go.

    Attributes:
        id: its path below the home.
        kind: `part` of a pull, an export or a removal that was cut; a whole `model` or `checkpoint` that no
            entry of the catalogue names; a `file` of a process that died.
        size: of its files on the disk, in bytes.
        source: where it was pulled from, or the checkpoint that it was exported from.
    """

    id: str
    path: Path
    kind: Literal["part", "model", "checkpoint", "file"]
    size: int
    source: str | None = None


def find_litter(
    home: Home,
    folders: PulledFolders,
    named: Collection[Path],
    *,
    now_s: float,
    is_under_way: Callable[[Path], bool],
    rests: Iterable[Path] = (),
    is_quiet: bool = True,
) -> list[Litter]:
    """What may go, by path.

    Args:
        home: where it is looked for.
        folders: what was pulled there.
        named: the folders of the catalogue's models.
        now_s: seconds since the epoch.
        is_under_way: whether a part is being filled.
        rests: what killed exports left below the home.
        is_quiet: nothing takes models in or reads checkpoints just now; else what is whole is left alone.
    """
    parts = [part for part in folders.parts() if not is_under_way(part)]
    found = [Litter(_id(home, part), part, "part", _size(part)) for part in (*parts, *rests)]
    for whole in folders.whole() if is_quiet else ():
        if not _is_named(whole.path, named):
            size, source = _size(whole.path), whole.record.source
            found.append(Litter(_id(home, whole.path), whole.path, whole.record.kind, size, source))
    found += [
        Litter(_id(home, folder), folder, "model", _size(folder), _source(folder))
        for folder in (_exported(home) if is_quiet else ())
        if not _is_named(folder, named)
    ]
    for file in _temporary(home):
        with contextlib.suppress(OSError):
            facts = file.stat()
            if now_s - facts.st_mtime > _WRITTEN_S:
                found.append(Litter(_id(home, file), file, "file", facts.st_size))
    return sorted(found, key=lambda litter: litter.id)


def remove_litter(folders: PulledFolders, litter: Iterable[Litter]) -> None:
    """Delete what was found.

    Raises:
        InputError: something cannot be removed; what stood before it is gone.
    """
    for one in litter:
        if one.kind == "file":
            try:
                one.path.unlink(missing_ok=True)
            except OSError as error:
                raise unwritable(one.path, error) from error
        else:
            folders.remove(one.path)


def _temporary(home: Home) -> list[Path]:
    return [file for pattern in _TEMPORARY for file in home.models.glob(pattern) if file.is_file()]


def _exported(home: Home) -> list[Path]:
    return [one for one in home.exported.glob("*") if one.is_dir() and not one.name.startswith(".")]


def _source(folder: Path) -> str | None:
    made = read_provenance(folder)
    return made.source.name if made is not None else None


def _is_named(folder: Path, named: Collection[Path]) -> bool:
    real = folder.resolve()
    return any(real == one.resolve() or real in one.resolve().parents for one in named)


def _id(home: Home, path: Path) -> str:
    return path.relative_to(home.root).as_posix()


def _size(path: Path) -> int:
    size = 0
    for folder, _, names in os.walk(path):
        for name in names:
            with contextlib.suppress(OSError):
                size += Path(folder, name).lstat().st_size
    return size
