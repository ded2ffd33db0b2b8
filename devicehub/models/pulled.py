"""The folder of pulled models: where each source goes, what is known of it, what is not whole."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from devicehub.errors import InputError
from devicehub.manifest import unwritable
from devicehub.models.hubs import RemoteFile, parse_source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devicehub.models.hubs import Source
    from devicehub.settings import Home

RECORD: Final = ".devicehub-pull.json"
"""Beside the files that were pulled; hidden, so no phone is given it."""
PARTIAL: Final = ".partial"
_GOING: Final = "going-"


class PullRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Where a pulled folder comes from.

    Attributes:
        source: as `parse_source` reads it.
        revision: the commit, or the branch where the hub tells no commit.
        files: with the hashes that were checked.
        pulled_s: when, in seconds since the epoch.
    """

    source: str
    revision: str
    kind: Literal["model", "checkpoint"]
    files: tuple[RemoteFile, ...]
    pulled_s: float


@dataclass(frozen=True)
class PulledFolder:
    """A whole one."""

    path: Path
    record: PullRecord


class PulledFolders:
    """All folders of one home; files are only ever seen here whole, since they come by rename."""

    def __init__(self, home: Home) -> None:
        self.root = home.pulled

    def place(self, source: Source) -> Path:
        """Where a source goes, whichever revision of it."""
        return self.root / source.hub / source.repo

    def part(self, source: Source) -> Path:
        """Where it is while it is not whole."""
        return self.root / PARTIAL / f"{source.hub}--{source.repo.replace('/', '--')}"

    def find(self, source: Source) -> PulledFolder | None:
        """What was pulled of a source; None where that is nothing, or no longer as it came."""
        place = self.place(source)
        record = read_record(place)
        if record is None or not all(_is_there(place, file) for file in record.files):
            return None
        return PulledFolder(place, record)

    def whole(self) -> list[PulledFolder]:
        """All that were pulled, by path."""
        found: list[PulledFolder] = []
        for place in sorted(self.root.glob("*/*/*")):
            if not place.relative_to(self.root).parts[0].startswith(".") and place.is_dir():
                record = read_record(place)
                if record is not None:
                    found.append(PulledFolder(place, record))
        return found

    def parts(self) -> list[Path]:
        """What is not whole: pulls that were cut, and what a removal left."""
        with contextlib.suppress(OSError):
            return sorted((self.root / PARTIAL).iterdir())
        return []

    def settle(self) -> None:
        """Give its name to what a killed process had fetched whole and taken the old one's name for."""
        for part in self.parts():
            record = read_record(part)
            place = self.place(parse_source(record.source)) if record is not None else part
            if not place.exists():
                with contextlib.suppress(OSError):  # the next pull tries it again
                    part.rename(place)

    def publish(self, source: Source, record: PullRecord) -> Path:
        """Give what was fetched its final name, in place of what was pulled before.

        Raises:
            InputError: the disk does not let us.
        """
        part, place = self.part(source), self.place(source)
        try:
            _drop_others(part, record)
            _write(part / RECORD, msgspec.json.encode(record))
            for folder in _folders(part):
                _sync(folder)
            place.parent.mkdir(parents=True, exist_ok=True)
            going = self._put_aside(place) if place.exists() else None
            part.rename(place)
            _sync(place.parent)
            if going is not None:
                shutil.rmtree(going)
        except OSError as error:
            raise unwritable(place, error) from error
        return place

    def remove(self, folder: Path) -> None:
        """Delete a folder, whole or not; nobody sees it half gone.

        Raises:
            InputError: it cannot be removed.
        """
        try:
            shutil.rmtree(self._put_aside(folder))
        except OSError as error:
            raise unwritable(folder, error) from error
        if self.root / PARTIAL not in folder.parents:
            with contextlib.suppress(OSError):
                folder.parent.rmdir()  # its owner's, once the last of it is gone

    def _put_aside(self, folder: Path) -> Path:
        """Take a folder's name away in one step; where it lies now."""
        partial = self.root / PARTIAL
        partial.mkdir(parents=True, exist_ok=True)
        going = Path(tempfile.mkdtemp(prefix=_GOING, dir=partial))
        folder.rename(going / folder.name)
        return going


def read_record(folder: Path) -> PullRecord | None:
    """What is known of a pulled folder; None where it is none."""
    try:
        record = msgspec.json.decode((folder / RECORD).read_bytes(), type=PullRecord)
        parse_source(record.source)
    except (OSError, msgspec.MsgspecError, InputError):
        return None
    return record


def _is_there(place: Path, file: RemoteFile) -> bool:
    with contextlib.suppress(OSError):
        return (place / file.path).stat().st_size == file.size
    return False


def _drop_others(part: Path, record: PullRecord) -> None:
    """Remove what the libraries left beside the files."""
    wanted = {file.path for file in record.files}
    for folder, _, names in os.walk(part, topdown=False):
        for name in names:
            file = Path(folder, name)
            if file.relative_to(part).as_posix() not in wanted:
                file.unlink()
        with contextlib.suppress(OSError):  # not empty
            Path(folder).rmdir()


def _folders(root: Path) -> Iterator[Path]:
    for folder, _, names in os.walk(root, topdown=False):
        for name in names:
            yield Path(folder, name)
        yield Path(folder)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write(file: Path, data: bytes) -> None:
    file.write_bytes(data)
