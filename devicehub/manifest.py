"""Files with their hashes: one form for models, engines and the agent."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from devicehub.errors import InputError
from devicehub.units import MIB

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_BLOCK: Final = 4 * MIB
_NAME_BYTES: Final = 255
"""What ext4 and f2fs, the file systems of phones, take for one name."""
EXECUTABLE_MODE: Final = 0o755
DATA_MODE: Final = 0o644


@dataclass(frozen=True)
class FileEntry:
    """One file of a bundle."""

    path: str
    """Relative to the bundle's folder, with `/`."""
    size: int
    sha256: str
    """64 lower-case hex digits."""
    mode: int
    """0o755 where the owner may execute it, 0o644 elsewhere."""


@dataclass(frozen=True)
class Manifest:
    """A bundle of files, sorted by path."""

    files: tuple[FileEntry, ...]

    @cached_property
    def id(self) -> str:
        """SHA-256 over paths, modes and contents, in hex: equal bundles have equal ids, wherever they lie."""
        digest = hashlib.sha256()
        for entry in self.files:
            digest.update(f"{entry.sha256} {entry.mode:o} {entry.path}\0".encode())
        return digest.hexdigest()

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(entry.size for entry in self.files)


def build_manifest(
    root: Path, paths: Iterable[str], *, progress: Callable[[int], None] | None = None
) -> Manifest:
    """Hash files below a folder.

    Args:
        root: the folder.
        paths: relative to it, with `/`; symbolic links stand for the files they lead to.
        progress: called with the size of each block that was hashed.

    Raises:
        InputError: a path leads out of the folder or to no readable regular file, or no phone can hold it.
    """
    entries = [build_entry(root, path, progress=progress) for path in sorted(set(paths))]
    return Manifest(tuple(entries))


def build_entry(root: Path, path: str, *, progress: Callable[[int], None] | None = None) -> FileEntry:
    """Hash one file below a folder; raises as `build_manifest` does."""
    check_relative(root, path)
    file = root / path
    try:
        with open(file, "rb", buffering=0, opener=_open_without_waiting) as stream:
            facts = os.fstat(stream.fileno())
            if not stat.S_ISREG(facts.st_mode):
                raise InputError(file, "is not a regular file", remedy="remove it from the folder")
            digest = hashlib.sha256()
            size = 0
            while block := stream.read(_BLOCK):
                digest.update(block)
                size += len(block)
                if progress is not None:
                    progress(len(block))
    except OSError as error:
        raise unreadable(file, error) from error
    mode = EXECUTABLE_MODE if facts.st_mode & stat.S_IXUSR else DATA_MODE
    return FileEntry(path=path, size=size, sha256=digest.hexdigest(), mode=mode)


def check_relative(root: Path, path: str) -> None:
    """Refuse a path that leads out of its folder or that a phone's file system cannot hold.

    Raises:
        InputError: says which.
    """
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or "/".join(parts) != path:
        raise InputError(
            root, f"the path {path!r} leads out of the folder", remedy="use plain relative paths"
        )
    for part in parts:
        problem = name_problem(part)
        if problem:
            raise InputError(root / path, f"the name {part!r} {problem}", remedy="rename the file")


def name_problem(name: str) -> str | None:
    """Why a phone cannot hold a file of this name, or None: spaces, quotes and UTF-8 are fine."""
    if any(ord(char) < 0x20 or ord(char) == 0x7F for char in name):
        return "holds control characters"
    try:
        encoded = name.encode()
    except UnicodeEncodeError:
        return "is not valid UTF-8"
    return f"is longer than {_NAME_BYTES} bytes" if len(encoded) > _NAME_BYTES else None


def list_files(root: Path, *, skip_hidden: bool = True) -> list[str]:
    """The regular files below a folder, sorted, as relative paths with `/`; links to files count as files.

    Raises:
        InputError: a folder cannot be read, or a link leads nowhere or to a folder.
    """
    found: list[str] = []
    waiting = [root]
    while waiting:
        folder = waiting.pop()
        try:
            entries = list(os.scandir(folder))
        except OSError as error:
            raise unreadable(folder, error) from error
        for entry in entries:
            if skip_hidden and entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                waiting.append(Path(entry.path))
            elif entry.is_symlink() and not _is_file(entry):
                # Following a link to a folder can loop for ever; the app on the phone follows none at all.
                remedy = "put a copy in its place or remove it"
                raise InputError(entry.path, "is a link that leads to no file", remedy=remedy)
            elif entry.is_file():
                found.append(Path(entry.path).relative_to(root).as_posix())
    return sorted(found)


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:  # a link to itself
        return False


def require_folder(path: Path, *, remedy: str) -> None:
    """Refuse what is not a folder.

    Raises:
        InputError: it is something else (then with `remedy`), is not there, or may not be looked at.
    """
    try:
        is_folder = stat.S_ISDIR(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InputError(path, "there is no such folder", remedy="check the path") from error
    except OSError as error:
        raise unreadable(path, error) from error
    except ValueError as error:
        raise InputError(repr(str(path)), "is no path", remedy="check the path") from error
    if not is_folder:
        raise InputError(path, "is not a folder", remedy=remedy)


def unreadable(place: Path, error: OSError) -> InputError:
    """The sentence for a file or folder that the system does not let us read."""
    reason = error.strerror or type(error).__name__
    remedy = "check its permissions" if isinstance(error, PermissionError) else "check the path"
    return InputError(place, f"cannot be read ({reason})", remedy=remedy)


def unwritable(place: Path, error: OSError) -> InputError:
    """The sentence for a file or folder of DeviceHub's own that the system does not let us write."""
    reason = error.strerror or type(error).__name__
    return InputError(
        place, f"cannot be written ({reason})", remedy="free it or set DEVICEHUB_HOME to another folder"
    )


def _open_without_waiting(path: str, flags: int) -> int:
    # A FIFO in the folder would block a plain open until somebody writes to it.
    return os.open(path, flags | os.O_NONBLOCK)
