"""What a phone's loader will make of an ELF file, read from its headers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import TYPE_CHECKING, Final

from devicehub.errors import InputError
from devicehub.manifest import unreadable

if TYPE_CHECKING:
    from pathlib import Path

MAGIC: Final = b"\x7fELF"
HEXAGON: Final = "hexagon"
"""Libraries that the phone's DSP loads stand beside those of the CPU."""

_VERSION: Final = re.compile(rb"\x00([1-9]\d?\.\d{1,2}\.\d{1,2})(?=\x00)")


@unique
class ElfKind(StrEnum):
    """What a file is to the loader."""

    PROGRAM = "program"
    LIBRARY = "library"
    OTHER = "other"
    """Object files, core dumps."""


@dataclass(frozen=True)
class ElfFacts:
    """What the headers of one file say."""

    kind: ElfKind
    abi: str
    """Android's name of it, `hexagon` for the DSP, the ELF name of any other machine."""
    bits: int
    interpreter: str | None
    """The program loader it asks for; None for libraries and static programs."""
    needed: tuple[str, ...]
    """DT_NEEDED, in the file's order."""
    page_align: int | None
    """The smallest alignment of its load segments, bytes: what pages of the phone may be at most."""
    imports_log: bool
    """It calls the function that writes to logcat."""


def read_head(path: Path, size: int) -> bytes:
    """The first bytes of a file; raises InputError where it cannot be read."""
    try:
        with path.open("rb") as stream:
            return stream.read(size)
    except OSError as error:
        raise unreadable(path, error) from error


def read_elf(path: Path) -> ElfFacts:
    """Read the headers of an ELF file.

    Raises:
        InputError: it cannot be read, or is truncated.
    """
    from devicehub.engines.elf_headers import read_headers  # pyelftools: 30 ms that few commands need

    try:
        with path.open("rb") as stream:
            return read_headers(stream, path.stat().st_size)
    except OSError as error:
        raise unreadable(path, error) from error
    except Exception as error:
        # pyelftools lets whatever a damaged header leads to escape: struct.error, KeyError and others.
        raise InputError(path, "is a damaged or truncated ELF file", remedy="copy it again") from error


def find_version(path: Path) -> str | None:
    """MNN's version as compiled into a library or a static program; None where it is not plain.

    The library holds it as a string of its own (`MNN_VERSION`, include/MNN/MNNDefine.h); versions of other
    libraries may stand beside it, so more than one candidate is no answer.
    """
    try:
        candidates = set(_VERSION.findall(path.read_bytes()))
    except OSError as error:
        raise unreadable(path, error) from error
    return candidates.pop().decode() if len(candidates) == 1 else None


def holds_text(path: Path, text: bytes) -> bool:
    """Whether these bytes stand anywhere in a file."""
    try:
        return text in path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from error
