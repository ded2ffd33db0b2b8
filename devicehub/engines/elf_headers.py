"""Takes an ELF file's headers apart with pyelftools."""

from __future__ import annotations

from typing import IO, Final

from elftools.common.exceptions import ELFParseError
from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile
from elftools.elf.segments import InterpSegment

from devicehub.engines.elf import HEXAGON, ElfFacts, ElfKind

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


def read_headers(stream: IO[bytes], size: int) -> ElfFacts:
    """Read the headers of a file of this size; whatever pyelftools raises on a damaged one gets out."""
    elf = ELFFile(stream)
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
