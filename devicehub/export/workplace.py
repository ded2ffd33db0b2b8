"""Where a model is made before it appears: a hidden folder beside its final place, published by one rename.

Such a folder belongs to the process that holds the lock on the file `owner` in it. Without one it is the rest
of an export that was killed, and the next export beside it removes it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from typing import TYPE_CHECKING, Final

from devicehub.errors import InputError
from devicehub.files import is_locked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_OWNER: Final = "owner"
_MARK: Final = ".export-"
_NPU_MARK: Final = ".npu"
"""Ends the name of a folder whose steps are not done again."""


@contextlib.contextmanager
def workplace(out: Path) -> Iterator[Path]:
    """A folder to make a model in, on the same file system as `out`; it is gone afterwards.

    Raises:
        InputError: `out` is there already, another process makes it, or its parent cannot be written.
    """
    if out.exists() or out.is_symlink():
        raise InputError(out, "is there already", remedy="name another folder, or remove it first")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        folder, lock = _claim(out)
    except OSError as error:
        problem = f"cannot be written: {error.strerror}"
        raise InputError(out.parent, problem, remedy="name another folder") from error
    try:
        yield folder
    finally:
        # The lock's file goes last: without it another process would take the rest for nobody's.
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name == _OWNER):
            _remove(entry)
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def find_rests(parent: Path) -> list[Path]:
    """What killed exports left in a folder; of these only a repeated export for an NPU takes one up."""
    try:
        with _alone_in(parent):
            left = [*_workplaces(parent), *parent.glob(f".*{_NPU_MARK}")]
            return [folder for folder in left if folder.is_dir() and not is_locked(folder / _OWNER)]
    except OSError:
        return []


def sync(made: Path) -> None:
    """Bring a folder and all files in it onto the disk.

    Raises:
        OSError: the disk refuses.
    """
    for entry in [*made.rglob("*"), made]:
        _sync(entry)


def publish(made: Path, out: Path) -> None:
    """Let a synced folder appear under its final name.

    Raises:
        InputError: something has appeared there meanwhile.
    """
    try:
        made.rename(out)
        _sync(out.parent)
    except OSError as error:
        raise InputError(
            out, f"cannot be put there: {error.strerror}", remedy="name another folder"
        ) from error


def _claim(out: Path) -> tuple[Path, int]:
    with _alone_in(out.parent):
        _sweep(out.parent)
        _refuse_second(out)
        folder = out.parent / tempfile.mkdtemp(prefix=f".{out.name}{_MARK}", dir=out.parent)
        lock = os.open(folder / _OWNER, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        return folder, lock


def _sweep(parent: Path) -> None:
    for folder in _workplaces(parent):
        if not is_locked(folder / _OWNER):
            shutil.rmtree(folder, ignore_errors=True)


def _refuse_second(out: Path) -> None:
    prefix = f".{out.name}{_MARK}"
    if any(folder.name.startswith(prefix) for folder in _workplaces(out.parent)):
        raise InputError(
            out, "another export is making it", remedy="wait for its end, or name another folder"
        )


def _workplaces(parent: Path) -> list[Path]:
    return [entry for entry in parent.glob(f".*{_MARK}*") if entry.is_dir() and not entry.is_symlink()]


@contextlib.contextmanager
def _alone_in(parent: Path) -> Iterator[None]:
    """For the time of the block no other process looks for work places in this folder."""
    descriptor = os.open(parent, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _remove(entry: Path) -> None:
    if entry.is_dir() and not entry.is_symlink():
        shutil.rmtree(entry, ignore_errors=True)
    else:
        entry.unlink(missing_ok=True)


def _sync(entry: Path) -> None:
    descriptor = os.open(entry, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
