"""Pictures as phones print them."""

from __future__ import annotations

import struct
import zlib

from devicehub.sim.android import screencap

PNG = screencap.png(6, 4, second=3, lit=True)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def head(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
