"""What a phone's loader will make of an ELF file, read from its headers."""

from __future__ import annotations

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


@unique
class Libc(StrEnum):
    """Whose C library a file was linked with."""

    BIONIC = "bionic"
    GLIBC = "glibc"
    MUSL = "musl"
    STATIC = "static"
    """Its own is inside: it runs on any Linux of its processor, and loads no library."""


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
    """It calls a function that writes to logcat."""
    libc: Libc | None = None
    """None where the headers do not tell, as in many libraries."""
    min_sdk: int | None = None
    """Android's API level that it was linked for."""
    ndk: str | None = None
    """The NDK's release, as in `r27c`."""
    htp: str | None = None
    """Of a library for the DSP: the architecture that it was compiled for, as in `v75`."""
    code: tuple[tuple[int, int], ...] = ()
    """Offset and size of what is executed."""


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
