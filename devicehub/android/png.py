"""PNG files as phones print them: where one begins and ends, and how large its picture is.

Layout: ISO/IEC 15948, clause 5. The pixels are not looked at.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_CHUNK: Final = struct.Struct(">I4s")
_SIZE: Final = struct.Struct(">II")
_CRC: Final = 4
_NOISE: Final = 16 * 1024
LARGEST_SIDE: Final = 16384


@dataclass(frozen=True, slots=True)
class Png:
    """One whole file; width and height are in pixels."""

    data: bytes
    width: int
    height: int


def find_png(output: bytes) -> Png | None:
    """The PNG in what a command printed; None where there is none, or not all of it.

    screencap warns of several displays before the picture, on foldables; where both outputs come in one
    stream, the warning is part of it. What stands before and after the picture is left out.
    """
    begin = output.find(_SIGNATURE, 0, _NOISE)
    if begin < 0:
        return None
    place = begin + len(_SIGNATURE)
    size: tuple[int, int] | None = None
    while place + _CHUNK.size <= len(output):
        length, kind = _CHUNK.unpack_from(output, place)
        end = place + _CHUNK.size + length + _CRC
        if end > len(output) or not kind.isalpha():
            return None
        if size is None:
            if kind != b"IHDR" or length != 13:
                return None
            size = _SIZE.unpack_from(output, place + _CHUNK.size)
            if not (0 < size[0] <= LARGEST_SIDE and 0 < size[1] <= LARGEST_SIDE):
                return None
        if kind == b"IEND":
            return Png(output[begin:end], *size)
        place = end
    return None
