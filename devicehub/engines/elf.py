"""What a phone's loader will make of an ELF file, read from its headers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import TYPE_CHECKING, Final

from elftools.common.exceptions import ELFParseError
from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile
from elftools.elf.segments import InterpSegment

from devicehub.errors import InputError
from devicehub.manifest import unreadable

if TYPE_CHECKING:
    from pathlib import Path

MAGIC: Final = b"\x7fELF"
HEXAGON: Final = "hexagon"
"""Libraries that the phone's DSP loads stand beside those of the CPU."""

_ABIS: Final = {
    "EM_AARCH64": "arm64-v8a",
    "EM_ARM": "armeabi-v7a",
    "EM_X86_64": "x86_64",
    "EM_386": "x86",
    "EM_RISCV": "riscv64",
    "EM_QDSP6": HEXAGON,
}
_DF_1_PIE: Final = 0x08000000
_LOG_FUNCTION: Final = "__android_log_print"
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
    try:
        with path.open("rb") as stream:
            return _facts(ELFFile(stream), path.stat().st_size)
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


def _facts(elf: ELFFile, size: int) -> ElfFacts:
    interpreter: str | None = None
    needed: list[str] = []
    names: set[str] = set()
    alignments: list[int] = []
    for segment in elf.iter_segments():
        if segment.header.p_offset + segment.header.p_filesz > size:
            raise ELFParseError("a segment ends after the file")
        if isinstance(segment, InterpSegment):
            interpreter = segment.get_interp_name()
        elif segment.header.p_type == "PT_LOAD":
            alignments.append(int(segment.header.p_align))
        elif isinstance(segment, DynamicSegment):
            needed = [str(getattr(tag, "needed", "")) for tag in segment.iter_tags("DT_NEEDED")]
            names = {symbol.name for symbol in segment.iter_symbols() if symbol["st_shndx"] == "SHN_UNDEF"}
    machine = str(elf.header.e_machine)
    return ElfFacts(
        kind=_kind(elf, interpreter),
        abi=_ABIS.get(machine, machine),
        bits=int(elf.elfclass),
        interpreter=interpreter,
        needed=tuple(needed),
        page_align=min(alignments) if alignments else None,
        imports_log=_LOG_FUNCTION in names,
    )


def _kind(elf: ELFFile, interpreter: str | None) -> ElfKind:
    if elf.header.e_type == "ET_EXEC" or interpreter is not None:
        return ElfKind.PROGRAM
    if elf.header.e_type != "ET_DYN":
        return ElfKind.OTHER
    # A static position-independent program has no interpreter, but says that it is one.
    flags = [
        tag.entry.d_val
        for segment in elf.iter_segments()
        if isinstance(segment, DynamicSegment)
        for tag in segment.iter_tags("DT_FLAGS_1")
    ]
    return ElfKind.PROGRAM if any(value & _DF_1_PIE for value in flags) else ElfKind.LIBRARY
