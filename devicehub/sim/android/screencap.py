"""`screencap` of a virtual phone: a plain picture that a person can tell from another second's. Pure.

Source of the options and the raw format: AOSP frameworks/base, cmds/screencap/screencap.cpp.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_RGBA_8888: Final = 1
_SRGB: Final = 1
"""The last word of the raw form's head since Android 9: which colours these are."""
_TOP: Final = (18, 52, 86)
_BOTTOM: Final = (120, 160, 190)
_BAR: Final = (240, 180, 40)
_STATUS_BAR: Final = (10, 10, 14)


def parse_screen(size: str) -> tuple[int, int]:
    """Columns and rows of `1080x2400`."""
    width, _, height = size.partition("x")
    return int(width), int(height)


def picture(width: int, height: int, *, second: int, lit: bool) -> Iterator[bytes]:
    """The rows of a picture, three bytes a pixel: a bar moves down as seconds pass; black while not lit."""
    bar = height // 20 + (second % 16) * height * 9 // 160
    for row in range(height):
        if not lit:
            colour = (0, 0, 0)
        elif row < height // 24:
            colour = _STATUS_BAR
        elif bar <= row < bar + height // 20:
            colour = _BAR
        else:
            colour = _mix(row / height)
        yield bytes(colour) * width


def png(width: int, height: int, *, second: int, lit: bool) -> bytes:
    """The picture as a PNG file."""
    rows = b"".join(b"\0" + row for row in picture(width, height, second=second, lit=lit))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows, 1)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def raw(width: int, height: int, *, second: int, lit: bool, android: int) -> bytes:
    """The picture as screencap prints it without -p: a head of 32-bit words, then four bytes a pixel."""
    words = (width, height, _RGBA_8888, *((_SRGB,) if android >= 9 else ()))
    rows = picture(width, height, second=second, lit=lit)
    return struct.pack(f"<{len(words)}I", *words) + b"".join((row[:3] + b"\xff") * width for row in rows)


def _mix(share: float) -> tuple[int, int, int]:
    red, green, blue = (
        round(top + (bottom - top) * share) for top, bottom in zip(_TOP, _BOTTOM, strict=True)
    )
    return red, green, blue
