"""Small files of the home that the fleet keeps for the next hub: whole or not at all, its owner's alone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

if TYPE_CHECKING:
    from pathlib import Path

_MOST_BYTES: Final = 1_000_000

T = TypeVar("T")


def read_kept(file: Path, kind: type[T]) -> T | None:
    """What the file holds; None where there is none, or none that can be read."""
    try:
        with file.open("rb") as opened:
            return msgspec.json.decode(opened.read(_MOST_BYTES), type=kind)
    except (OSError, msgspec.DecodeError):
        return None


def write_kept(file: Path, value: object) -> None:
    """Replace the file.

    Raises:
        OSError: it cannot be written.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    aside = file.with_name(f".{file.name}.{os.getpid()}")
    aside.unlink(missing_ok=True)
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
        opened.write(msgspec.json.encode(value))
    aside.replace(file)
