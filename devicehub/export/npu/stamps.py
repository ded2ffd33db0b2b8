"""Remembers which steps are done: a stamp holds what went in and what came out, and appears by rename."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from devicehub.manifest import unreadable
from devicehub.units import MIB

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from devicehub.export.npu.steps import Step

_FOLDER: Final = "steps"
_HASHED_BYTES: Final = MIB
"""Larger files are known by size and time: hashing gigabytes would take longer than some steps."""
_NOT_LOOKED_AT: Final = ("__pycache__", ".git")


class Stamp(msgspec.Struct, frozen=True, kw_only=True):
    """A step that is done.

    Attributes:
        commands: their SHA-256, environment and folders included.
        inputs: what it was made of: path, and `SIZE HASH` or `SIZE mtime NANOSECONDS`.
        outputs: what it made, likewise.
        seconds: how long it took.
        peak_bytes: the most memory that one of its processes had.
    """

    commands: str
    inputs: dict[str, str]
    outputs: dict[str, str]
    seconds: float
    peak_bytes: int


class Stamps:
    """The stamps of one work place."""

    def __init__(self, work: Path) -> None:
        self._folder = work / _FOLDER

    def find(self, step: Step) -> Stamp | None:
        """The stamp of a step that need not be done again; None where anything differs, or cannot be read."""
        try:
            stamp = msgspec.json.decode(self._file(step).read_bytes(), type=Stamp)
            made_of, made = _describe(step.inputs), _describe([step.output])
        except (OSError, msgspec.DecodeError):
            return None
        same = (stamp.commands, stamp.inputs, stamp.outputs) == (_commands(step), made_of, made)
        return stamp if same and made else None

    def inputs(self, step: Step) -> dict[str, str]:
        """What a step is about to be made of; to be looked at before, and given to `put` after.

        Raises:
            InputError: something of it cannot be read.
        """
        try:
            return _describe(step.inputs)
        except OSError as error:
            raise unreadable(error.filename or step.output, error) from error

    def drop(self, step: Step) -> None:
        """A step is about to be done.

        Raises:
            OSError: its stamp cannot be removed.
        """
        self._file(step).unlink(missing_ok=True)

    def put(self, step: Step, inputs: dict[str, str], *, seconds: float, peak_bytes: int) -> Stamp:
        """A step is done, and what it made is on the disk.

        Raises:
            OSError: it cannot be noted.
        """
        stamp = Stamp(
            commands=_commands(step),
            inputs=inputs,
            outputs=_describe([step.output]),
            seconds=round(seconds, 3),
            peak_bytes=peak_bytes,
        )
        file = self._file(step)
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(".part")
        with part.open("wb") as stream:
            stream.write(msgspec.json.format(msgspec.json.encode(stamp), indent=1))
            stream.flush()
            os.fsync(stream.fileno())
        part.rename(file)
        return stamp

    def _file(self, step: Step) -> Path:
        return self._folder / f"{step.name}.json"


def _commands(step: Step) -> str:
    return hashlib.sha256("\n".join(map(str, step.commands)).encode()).hexdigest()


def _describe(places: Iterable[Path]) -> dict[str, str]:
    """The facts of files, and of all files below folders; a place that is not there raises OSError."""
    return {str(file): _facts(file) for place in places for file in _files(place)}


def _files(place: Path) -> Iterator[Path]:
    if not place.is_dir():
        yield place
        return
    for folder, folders, names in os.walk(place):
        folders[:] = sorted(name for name in folders if name not in _NOT_LOOKED_AT)
        for name in sorted(names):
            yield Path(folder, name)


def _facts(file: Path) -> str:
    found = file.stat()
    if found.st_size > _HASHED_BYTES:
        return f"{found.st_size} mtime {found.st_mtime_ns}"
    return f"{found.st_size} {hashlib.sha256(file.read_bytes()).hexdigest()}"


def remove_work(work: Path) -> None:
    """Remove a work place and all in it, as far as that can be done."""
    with contextlib.suppress(OSError):
        shutil.rmtree(work)
