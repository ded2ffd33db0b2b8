"""zig's compiler under the options that MNN's CMake files give to GCC and Clang.

Executed as a file by the wrappers in a build folder, without this package: `python -I zig_cc.py cc ARGS...`.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

TARGET = "aarch64-linux-musl"
COMPILERS = ("cc", "c++")
_MARCH = "-march="
# Clang spells the extension fp16 in -march as zig spells fullfp16 in -mcpu; the others are the same.
_EXTENSIONS = {"fp16": "fullfp16"}


def translate(tool: str, words: Sequence[str]) -> list[str]:
    """The words after `zig`: compilers get the target, and -mcpu= for -march=, which zig refuses."""
    if tool not in COMPILERS:
        return [tool, *words]
    return [tool, "-target", TARGET, *map(_translate, words)]


def _translate(word: str) -> str:
    # -march=armv8.2-a+fp16+dotprod -> -mcpu=generic+v8_2a+fullfp16+dotprod
    if not word.startswith(_MARCH):
        return word
    base, *extensions = word.removeprefix(_MARCH).split("+")
    version = base.removeprefix("arm").replace(".", "_").replace("-", "")
    return "+".join(["-mcpu=generic", version, *(_EXTENSIONS.get(name, name) for name in extensions)])


if __name__ == "__main__":
    zig = [sys.executable, "-m", "ziglang", *translate(sys.argv[1], sys.argv[2:])]
    os.execv(sys.executable, zig)  # noqa: S606 - the compiler
