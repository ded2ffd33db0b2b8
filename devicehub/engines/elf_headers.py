"""Takes an ELF file's headers apart with pyelftools."""

from __future__ import annotations

import struct
from typing import IO, TYPE_CHECKING, Any, Final

from elftools.common.exceptions import ELFParseError
from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile
from elftools.elf.segments import InterpSegment

from devicehub.engines.elf import HEXAGON, ElfFacts, ElfKind, Libc

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_ABIS: Final = {
    "EM_AARCH64": "arm64-v8a",
    "EM_ARM": "armeabi-v7a",
    "EM_X86_64": "x86_64",
    "EM_386": "x86",
    "EM_RISCV": "riscv64",
    "EM_QDSP6": HEXAGON,
}
_DF_1_PIE: Final = 0x08000000
_PF_X: Final = 1
_LOG_FUNCTIONS: Final = frozenset(
    ("__android_log_print", "__android_log_write", "__android_log_vprint", "__android_log_buf_write")
)
_MOST_NAMES: Final = 200_000
"""Symbols and needed libraries; more stand in no engine, and a damaged table may claim any number."""
_NOTE_BYTES: Final = 64 * 1024
_NOTE_HEAD: Final = struct.Struct("<III")
_NT_ANDROID: Final = 1
_LOADERS: Final = {
    "/system/bin/linker": Libc.BIONIC,
    "/apex/": Libc.BIONIC,
    "/lib/ld-musl": Libc.MUSL,
    "/lib/ld-linux": Libc.GLIBC,
    "/lib64/ld-linux": Libc.GLIBC,
}
_HTP_MASK: Final = 0xFF
"""Of the flags of a library for the DSP: 0x75 is v75."""


def read_headers(stream: IO[bytes], size: int) -> ElfFacts:
    """Read the headers of a file of this size; whatever pyelftools raises on a damaged one gets out."""
    elf = ELFFile(stream)
    interpreter: str | None = None
    needed: list[str] = []
    names: set[str] = set()
    alignments: list[int] = []
    code: list[tuple[int, int]] = []
    android: tuple[int, str | None] | None = None
    for segment in elf.iter_segments():
        header = segment.header
        if header.p_offset + header.p_filesz > size:
            raise ELFParseError("a segment ends after the file")
        if isinstance(segment, InterpSegment):
            interpreter = _printable(segment.get_interp_name())
        elif header.p_type == "PT_LOAD":
            alignments.append(_alignment(header))
            if header.p_flags & _PF_X:
                code.append((int(header.p_offset), int(header.p_filesz)))
        elif header.p_type == "PT_NOTE":
            stream.seek(header.p_offset)
            android = android or find_android_note(stream.read(min(header.p_filesz, _NOTE_BYTES)))
        elif isinstance(segment, DynamicSegment):
            tags = _bounded(segment.iter_tags("DT_NEEDED"))
            needed = [_printable(str(getattr(tag, "needed", ""))) for tag in tags]
            names = {
                symbol.name
                for symbol in _bounded(segment.iter_symbols())
                if symbol["st_shndx"] == "SHN_UNDEF"
            }
    machine = str(elf.header.e_machine)
    abi = _ABIS.get(machine, machine)
    kind = _kind(elf, interpreter)
    flags = int(elf.header.e_flags) & _HTP_MASK
    return ElfFacts(
        kind=kind,
        abi=abi,
        bits=int(elf.elfclass),
        interpreter=interpreter,
        needed=tuple(needed),
        page_align=min(alignments) if alignments else None,
        imports_log=bool(_LOG_FUNCTIONS & names),
        libc=_libc(kind, interpreter, needed, is_android=android is not None),
        min_sdk=android[0] if android else None,
        ndk=android[1] if android else None,
        htp=f"v{flags:x}" if abi == HEXAGON and flags else None,
        code=tuple(code),
    )


def find_android_note(data: bytes) -> tuple[int, str | None] | None:
    """The API level and the NDK's release out of a note segment; None where Android's note is not in it."""
    place = 0
    while place + _NOTE_HEAD.size <= len(data):
        name_size, size, kind = _NOTE_HEAD.unpack_from(data, place)
        name_at = place + _NOTE_HEAD.size
        at = name_at + (name_size + 3 & ~3)
        if kind == _NT_ANDROID and data[name_at : name_at + 8] == b"Android\0" and size >= 4:
            words = data[at : at + size]
            if len(words) < 4:
                return None
            release = words[4:68].partition(b"\0")[0].decode("ascii", "replace")
            return int.from_bytes(words[:4], "little"), _printable(release) or None
        place = at + (size + 3 & ~3)
    return None


def _alignment(header: Any) -> int:
    """What the segment is aligned to indeed: its addresses must agree with its place in the file, too."""
    align = int(header.p_align)
    apart = int(header.p_vaddr) - int(header.p_offset)
    while align > 1 and apart % align:
        align //= 2
    return align


def _printable(text: str) -> str:
    """A name out of a file, without what a terminal would obey."""
    return "".join(char if char.isprintable() else "?" for char in text)


def _bounded(items: Iterable[Any]) -> Iterable[Any]:
    for count, item in enumerate(items):
        if count >= _MOST_NAMES:
            raise ELFParseError("a table has no end")
        yield item


def _libc(kind: ElfKind, interpreter: str | None, needed: Sequence[str], *, is_android: bool) -> Libc | None:
    if interpreter is not None:
        return next((libc for start, libc in _LOADERS.items() if interpreter.startswith(start)), None)
    if is_android:
        # A static program of the NDK has the note as well.
        return Libc.STATIC if kind is ElfKind.PROGRAM and not needed else Libc.BIONIC
    if kind is ElfKind.PROGRAM and not needed:
        return Libc.STATIC
    if "libc.so.6" in needed:
        return Libc.GLIBC
    if any(name.startswith("libc.musl") for name in needed):
        return Libc.MUSL
    # musl has all of libm and libdl in libc.so, which bionic's libraries name apart.
    if "libc.so" in needed and {"libm.so", "libdl.so", "liblog.so"} & set(needed):
        return Libc.BIONIC
    return None


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
        for tag in _bounded(segment.iter_tags("DT_FLAGS_1"))
    ]
    return ElfKind.PROGRAM if any(value & _DF_1_PIE for value in flags) else ElfKind.LIBRARY
