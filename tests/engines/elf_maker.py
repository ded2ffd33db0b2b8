"""Makes small ELF files that hold what a loader reads first, and no code."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

MACHINES = {"arm64-v8a": 183, "armeabi-v7a": 40, "x86_64": 62, "x86": 3, "hexagon": 164, "mips": 8}
_ET_EXEC, _ET_DYN = 2, 3
ANDROID_64 = "/system/bin/linker64"


def make_elf(
    abi: str = "arm64-v8a",
    *,
    interpreter: str | None = None,
    needed: Sequence[str] = (),
    imports: Sequence[str] = (),
    align: int = 0x4000,
    static: bool = False,
    pie: bool = False,
    text: bytes = b"",
) -> bytes:
    """A library; with an interpreter, or static, a program."""
    wide = abi in ("arm64-v8a", "x86_64")
    strings = b"\0"
    offsets = {}
    for name in (*needed, *imports):
        offsets[name] = len(strings)
        strings += name.encode() + b"\0"
    interp = interpreter.encode() + b"\0" if interpreter else b""
    segments = 1 + bool(interpreter) + (not static)
    header_size, program_size = (64, 56) if wide else (52, 32)
    interp_at = header_size + segments * program_size
    strings_at = interp_at + len(interp)
    symbols_at = _aligned(strings_at + len(strings))
    symbols = b"".join(_symbol(wide, offsets[name]) for name in imports)
    symbols = bytes(24 if wide else 16) + symbols
    hash_at = symbols_at + len(symbols)
    table = struct.pack("<III", 1, len(imports) + 1, 0) + bytes(4 * (len(imports) + 1))
    dynamic_at = _aligned(hash_at + len(table))
    word = "Q" if wide else "I"
    tags = [(1, offsets[name]) for name in needed]
    tags += [(5, strings_at), (10, len(strings)), (6, symbols_at), (11, 24 if wide else 16), (4, hash_at)]
    tags += [(0x6FFFFFFB, 0x08000000)] if pie else []
    dynamic = b"".join(struct.pack(f"<{word}{word}", *tag) for tag in [*tags, (0, 0)])
    end = dynamic_at + len(dynamic) + len(text)
    programs = [_program(wide, 1, 0, end, align)]
    programs += [_program(wide, 3, interp_at, len(interp), 1)] if interpreter else []
    programs += [] if static else [_program(wide, 2, dynamic_at, len(dynamic), 8)]
    data = _header(wide, _ET_EXEC if static else _ET_DYN, MACHINES[abi], segments) + b"".join(programs)
    for offset, part in ((interp_at, interp), (strings_at, strings), (symbols_at, symbols), (hash_at, table)):
        data = data.ljust(offset, b"\0") + part
    return data.ljust(dynamic_at, b"\0") + dynamic + text


def android_program(
    abi: str = "arm64-v8a",
    *,
    needed: Sequence[str] = ("libMNN.so", "libc.so", "libm.so", "libdl.so"),
    imports: Sequence[str] = (),
) -> bytes:
    """A program as the NDK links it: bionic's loader, libc."""
    loader = ANDROID_64 if abi in ("arm64-v8a", "x86_64") else "/system/bin/linker"
    return make_elf(abi, interpreter=loader, needed=needed, imports=imports)


def _header(wide: bool, kind: int, machine: int, segments: int) -> bytes:
    ident = b"\x7fELF" + bytes([2 if wide else 1, 1, 1]) + bytes(9)
    word = "Q" if wide else "I"
    size, program_size, section_size = (64, 56, 64) if wide else (52, 32, 40)
    return ident + struct.pack(
        f"<HHI{word}{word}{word}IHHHHHH",
        kind, machine, 1, 0, size, 0, 0, size, program_size, segments, section_size, 0, 0,
    )  # fmt: skip


def _program(wide: bool, kind: int, offset: int, size: int, align: int) -> bytes:
    if wide:
        return struct.pack("<IIQQQQQQ", kind, 5, offset, offset, offset, size, size, align)
    return struct.pack("<IIIIIIII", kind, offset, offset, offset, size, size, 5, align)


def _symbol(wide: bool, name: int) -> bytes:
    function = 0x12
    if wide:
        return struct.pack("<IBBHQQ", name, function, 0, 0, 0, 0)
    return struct.pack("<IIIBBH", name, 0, 0, function, 0, 0)


def _aligned(offset: int) -> int:
    return (offset + 7) & ~7
