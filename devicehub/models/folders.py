"""Folders that the user wants watched: models that come to lie in them are found once they are whole."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from devicehub.errors import InputError
from devicehub.manifest import require_folder, unwritable
from devicehub.models.check import CONFIG, check_model
from devicehub.models.stillness import Facts, Stillness

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devicehub.settings import Home

_DEEP: Final = 3
"""Levels of folders below the one that is watched."""
_MOST_FOLDERS: Final = 2000
_STILL_S: Final = 0.5
_STILL_UNSURE_S: Final = 1.2
"""Where the system does not tell whether somebody has a file open for writing."""
_STILL_LACKING_S: Final = 10.0
"""For a model that lacks something it can do without: that may be on its way."""


class _Book(msgspec.Struct, frozen=True):
    """By watched folder, the models in it that were found, each with a digest of how it looked then."""

    folders: dict[str, dict[str, str]] = {}


class WatchedFolders:
    """Which folders are watched, and what was found in them; kept in one file of the home."""

    def __init__(self, home: Home) -> None:
        self._file = home.folders
        self._stillness = Stillness()

    def watched(self) -> list[Path]:
        """The folders, sorted; none where the file is damaged."""
        return [Path(folder) for folder in sorted(self._book().folders)]

    def add(self, folder: Path) -> None:
        """Watch a folder from now on; what lies in it already is found too.

        Raises:
            InputError: it is no folder.
        """
        if not folder.is_absolute():  # the hub's own folder says nothing to a client
            raise InputError(repr(str(folder)), "is no whole path", remedy="give the path from / on")
        require_folder(folder, remedy="give the folder that models come to lie in")
        folders = self._book().folders
        if str(folder) not in folders:
            self._write(_Book({**folders, str(folder): {}}))

    def remove(self, folder: Path) -> None:
        """Watch it no longer; models that were found stay in the catalogue.

        Raises:
            InputError: it is not watched.
        """
        folders = dict(self._book().folders)
        if folders.pop(str(folder), None) is None:
            known = ", ".join(folders) or "none"
            raise InputError(folder, "is not watched", remedy=f"watched: {known}")
        self._write(_Book(folders))

    def find(self, *, now_s: float) -> list[Path]:
        """Models that are whole and were not found as they are now; call it again and again.

        Args:
            now_s: on a clock that never steps.
        """
        book = self._book()
        found: dict[Path, Facts] = {}
        known: dict[Path, str] = {}
        for folder, seen in book.folders.items():
            for root in _candidates(Path(folder)):
                found[root] = _facts(root)
                known[root] = seen.get(str(root), "")
        self._stillness.see(found, now_s=now_s)
        still = self._stillness.still(now_s=now_s, for_s=_STILL_S)
        return [
            root
            for root, facts in still.items()
            if _digest(facts) != known[root] and self._is_whole(root, facts, now_s=now_s)
        ]

    def found(self, root: Path) -> None:
        """A model was dealt with: it is found again only when it has changed, also after it was removed."""
        folders = {folder: dict(seen) for folder, seen in self._book().folders.items()}
        for folder, seen in folders.items():
            if Path(folder) in (root, *root.parents):
                seen[str(root)] = _digest(_facts(root))
        self._write(_Book(folders))

    def _is_whole(self, root: Path, facts: Facts, *, now_s: float) -> bool:
        try:
            checked = check_model(root)
        except InputError:
            return False
        since_s = self._stillness.since_s(root)
        assert since_s is not None
        needed_s = _STILL_LACKING_S if checked.warnings else _STILL_S
        for path, *_ in facts:
            is_written = is_being_written(root / path)
            if is_written:
                return False
            if is_written is None:
                needed_s = max(needed_s, _STILL_UNSURE_S)
        return now_s - since_s >= needed_s

    def _book(self) -> _Book:
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=_Book)
        except (OSError, msgspec.MsgspecError):
            return _Book()

    def _write(self, book: _Book) -> None:
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            descriptor, temporary = tempfile.mkstemp(prefix=".folders-", dir=self._file.parent)
            try:
                with os.fdopen(descriptor, "wb") as stream:
                    stream.write(msgspec.json.format(msgspec.json.encode(book), indent=2))
                Path(temporary).replace(self._file)
            finally:
                Path(temporary).unlink(missing_ok=True)
        except OSError as error:
            raise unwritable(self._file, error) from error


def is_being_written(file: Path) -> bool | None:
    """Whether any process has a file open for writing; None where the system does not tell.

    Linux grants a read lease on a file of one's own only while nobody has it open for writing.
    """
    if not hasattr(fcntl, "F_SETLEASE"):
        return None
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        # Who opens it for writing in this moment makes the kernel send a signal, by default one that kills.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return True
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return False


def _candidates(folder: Path) -> Iterator[Path]:
    """The folder and those below it that hold a config.json; none within another one."""
    waiting = [(folder, 0)]
    looked = 0
    while waiting and looked < _MOST_FOLDERS:
        here, depth = waiting.pop()
        looked += 1
        if (here / CONFIG).is_file():
            yield here
            continue
        if depth >= _DEEP:
            continue
        with contextlib.suppress(OSError):
            waiting += [
                (Path(entry.path), depth + 1)
                for entry in os.scandir(here)
                if entry.is_dir(follow_symlinks=False) and not entry.name.startswith(".")
            ]


def _facts(root: Path) -> Facts:
    facts: list[tuple[str, int, int, int]] = []
    for folder, _, names in os.walk(root):
        for name in names:
            file = Path(folder, name)
            with contextlib.suppress(OSError):
                stat = file.stat()
                path = file.relative_to(root).as_posix()
                facts.append((path, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns))
    return tuple(sorted(facts))


def _digest(facts: Facts) -> str:
    return hashlib.sha256(repr(facts).encode("utf-8", "surrogateescape")).hexdigest()[:16]
