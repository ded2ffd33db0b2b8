"""Builds real engines of a few KiB: `zig cc` for Android and for Linux on Arm, and headers for the DSP.

What it makes is linked by lld as the NDK links: bionic's loader, DT_NEEDED by soname. There is no C library
in it, so nothing of these starts; that is for the virtual phone's own engine.
"""

from __future__ import annotations

import importlib.util
import os
import struct
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

needs_zig: Final = pytest.mark.skipif(
    importlib.util.find_spec("ziglang") is None, reason="ziglang is not installed"
)
_TIMEOUT_S: Final = 240
_ARM: Final = ("-mcpu=generic+v8_2a+fullfp16+dotprod+i8mm",)
_EM_QDSP6: Final = 164
_NOTE: Final = r"""
__asm__(".section .note.android.ident,\"a\",%note\n.balign 4\n.long 8\n.long 132\n.long 1\n"
        ".asciz \"Android\"\n.long {sdk}\n.ascii \"r27c\"\n.zero 60\n.ascii \"12479018\"\n.zero 56\n"
        ".previous\n");
"""
_INSTRUCTIONS: Final = {
    "fp16": "fmla v0.8h, v1.8h, v2.8h",
    "dot": "sdot v0.4s, v1.16b, v2.16b",
    "i8mm": "smmla v0.4s, v1.16b, v2.16b",
}


class Zig:
    """A compiler whose cache lies in one folder; each product is made once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._made: dict[tuple[object, ...], bytes] = {}
        self._stubs: dict[str, Path] = {}

    def library(
        self,
        name: str,
        *,
        needed: Sequence[str] = ("libc.so", "libm.so"),
        texts: Sequence[str] = (),
        instructions: Sequence[str] = (),
        calls: Sequence[str] = (),
        align: int = 0x4000,
        target: str = "aarch64-linux-android",
    ) -> bytes:
        """A library as the NDK links it."""
        return self._make(
            name, "-shared", f"-Wl,-soname,{name}",
            needed=needed, texts=texts, instructions=instructions, calls=calls, align=align, target=target,
        )  # fmt: skip

    def program(
        self,
        *,
        needed: Sequence[str] = ("libMNN.so", "libc.so"),
        texts: Sequence[str] = (),
        calls: Sequence[str] = (),
        align: int = 0x4000,
        target: str = "aarch64-linux-android",
        loader: str = "/system/bin/linker64",
        sdk: int | None = 21,
    ) -> bytes:
        """A program for bionic's loader, or for another."""
        return self._make(
            "program", "-pie", f"-Wl,--dynamic-linker={loader}",
            needed=needed, texts=texts, calls=calls, align=align, target=target, sdk=sdk,
        )  # fmt: skip

    def static_program(self, *, texts: Sequence[str] = ()) -> bytes:
        """A program without any loader, as musl's static ones are."""
        return self._make(
            "static", "-static", needed=(), texts=texts, align=0x10000, target="aarch64-linux-musl"
        )

    def _make(
        self,
        name: str,
        *flags: str,
        needed: Sequence[str],
        texts: Sequence[str],
        align: int,
        target: str,
        instructions: Sequence[str] = (),
        calls: Sequence[str] = (),
        sdk: int | None = None,
    ) -> bytes:
        key = (name, flags, *map(tuple, (needed, texts, instructions, calls)), align, target, sdk)
        if key in self._made:
            return self._made[key]
        number = len(self._made)
        source, product = self.folder / f"{number}.c", self.folder / f"{number}.elf"
        source.write_text(_source(texts, instructions, calls, sdk))
        own = [self._stub(one, target, calls) for one in needed]
        self._cc(
            "-target", target, *(_ARM if target.startswith("aarch64") else ()), "-O1", "-fno-sanitize=all",
            "-nostdlib", "-fPIC", f"-Wl,-z,max-page-size={align}",
            f"-Wl,-z,common-page-size={min(align, 0x1000)}", "-Wl,--no-as-needed", *flags,
            "-o", product, source, *own,
        )  # fmt: skip
        self._made[key] = product.read_bytes()
        return self._made[key]

    def _stub(self, soname: str, target: str, calls: Sequence[str]) -> Path:
        """An empty library of that name, to be linked against."""
        key = f"{target} {soname} {calls if soname == 'liblog.so' else ()}"
        if key not in self._stubs:
            source = self.folder / f"stub{len(self._stubs)}.c"
            functions = calls if soname == "liblog.so" else ()
            source.write_text("\n".join(f"int {call}(void) {{ return 0; }}" for call in functions) + "\n")
            product = source.with_suffix(".so")
            self._cc(
                "-target", target, "-nostdlib", "-shared", "-fno-sanitize=all",
                f"-Wl,-soname,{soname}", "-o", product, source,
            )  # fmt: skip
            self._stubs[key] = product
        return self._stubs[key]

    def _cc(self, *argv: str | Path) -> None:
        env = {**os.environ, "ZIG_GLOBAL_CACHE_DIR": str(self.folder / "cache")}
        env["ZIG_LOCAL_CACHE_DIR"] = str(self.folder / "cache")
        done = subprocess.run(  # noqa: TID251 - in a fixture of the whole session, without a loop
            [sys.executable, "-m", "ziglang", "cc", *map(str, argv)],
            env=env, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{argv}\n{done.stderr}"


def _source(texts: Sequence[str], instructions: Sequence[str], calls: Sequence[str], sdk: int | None) -> str:
    rows = [f'__attribute__((used)) const char text{n}[] = "{text}";' for n, text in enumerate(texts)]
    rows += [f"extern int {call}(void);" for call in calls]
    # What nothing refers to would be left out by the linker.
    body = [f'__asm__ volatile("" :: "r"(text{n}));' for n in range(len(texts))]
    body += [f"{call}();" for call in calls]
    body += [f'__asm__ volatile("{_INSTRUCTIONS[name]}");' for name in instructions for _ in range(8)]
    rows += [f'__attribute__((visibility("default"))) void _start(void) {{ {" ".join(body)} }}']
    rows += [_NOTE.format(sdk=sdk)] if sdk is not None else []
    return "\n".join(rows) + "\n"


def skel(arch: int, *, text: bytes = b"") -> bytes:
    """A library for the DSP: a 32-bit header of QDSP6 with the architecture among its flags, one segment.

    No free compiler makes them. This is what `hexagon-clang -mv75 -shared` puts first in its file: e_machine
    164, and in e_flags the architecture as two hexadecimal digits.
    """
    ident = b"\x7fELF" + bytes([1, 1, 1]) + bytes(9)
    size = 52 + 32 + len(text)
    header = struct.pack("<HHIIIIIHHHHHH", 3, _EM_QDSP6, 1, 0, 52, 0, arch, 52, 32, 1, 40, 0, 0)
    return ident + header + struct.pack("<IIIIIIII", 1, 0, 0, 0, size, size, 5, 0x1000) + text
