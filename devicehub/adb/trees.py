"""Whole folders to and from a phone, file by file."""

from __future__ import annotations

import os
import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING

from devicehub.adb import shell
from devicehub.errors import AdbProtocolError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from devicehub.adb.sync import RemoteEntry, Sync

_MKDIR_S = 30.0
_MKDIR_BATCH = 50


@dataclass(frozen=True, slots=True)
class TreeOutcome:
    """What was copied."""

    files: int
    size: int
    """Bytes."""
    skipped: tuple[str, ...] = ()
    """Paths on the phone that are neither files nor folders, and links that lead to no file."""


async def push_tree(
    sync: Sync, local: Path, remote: str, *, progress: Callable[[int], None] | None = None
) -> TreeOutcome:
    """Copy the content of a local folder into the folder `remote`, which is made where it is missing.

    A second time it writes to the same places. Links are followed; empty folders are made, too.

    Raises:
        InputError: the folder cannot be read, holds what is neither file nor folder, or a link leads back
            into a folder above it.
    """
    folders, files = _walk(local)
    wanted = [posixpath.join(remote, *folder) for folder in folders]
    for start in range(0, len(wanted), _MKDIR_BATCH):
        argv = ["mkdir", "-p", "--", *wanted[start : start + _MKDIR_BATCH]]
        await shell.check(sync.transport, argv, timeout_s=_MKDIR_S)
    size = 0
    for parts in files:
        path = local.joinpath(*parts)
        mode = path.stat().st_mode & 0o777
        size += await sync.push(path, posixpath.join(remote, *parts), mode=mode, progress=progress)
    return TreeOutcome(len(files), size)


async def pull_tree(
    sync: Sync, remote: str, local: Path, *, progress: Callable[[int], None] | None = None
) -> TreeOutcome:
    """Copy the content of a folder on the phone into the folder `local`, which is made where it is missing.

    Links to files are copied as those files; links to folders, devices and sockets are skipped and named.

    Raises:
        InputError: a local file or folder cannot be written.
        AdbProtocolError: the phone lists a name that would lead out of the folder.
    """
    files = size = 0
    skipped: list[str] = []
    waiting = [(remote, local)]
    while waiting:
        folder, into = waiting.pop()
        try:
            into.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(into, f"cannot be made: {error.strerror}") from error
        for entry in await sync.list(folder):
            path, target = posixpath.join(folder, entry.name), into / _safe(entry.name, folder)
            if entry.stat.is_folder:
                waiting.append((path, target))
            elif await _is_file(sync, path, entry):
                size += await sync.pull(path, target, progress=progress)
                files += 1
            else:
                skipped.append(path)
    return TreeOutcome(files, size, tuple(sorted(skipped)))


async def _is_file(sync: Sync, path: str, entry: RemoteEntry) -> bool:
    if not entry.stat.is_link:
        return entry.stat.is_file
    target = await sync.stat(path)
    return target is not None and target.is_file


def _safe(name: str, folder: str) -> str:
    if name in ("", ".", "..") or "/" in name or "\0" in name or (os.sep != "/" and os.sep in name):
        raise AdbProtocolError(f"{folder} lists a file with the name {name!r}", service="list")
    return name


def _walk(root: Path) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    """Folders and files under `root` as the parts of their relative paths, sorted; the root is `()`."""
    folders: list[tuple[str, ...]] = []
    files: list[tuple[str, ...]] = []
    for parts, is_folder in _visit(root, (), ()):
        (folders if is_folder else files).append(parts)
    return sorted(folders), sorted(files)


def _visit(
    path: Path, parts: tuple[str, ...], above: tuple[Path, ...]
) -> Iterator[tuple[tuple[str, ...], bool]]:
    try:
        real = path.resolve(strict=True)
        if real in above:
            raise InputError(path, "leads back into a folder above it", remedy="remove the link")
        if real.is_file():
            yield parts, False
            return
        names = sorted(child.name for child in path.iterdir())
    except OSError as error:
        raise InputError(path, f"cannot be read: {error.strerror}") from error
    yield parts, True
    for name in names:
        yield from _visit(path / name, (*parts, name), (*above, real))
