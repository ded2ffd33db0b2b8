"""The adb transport protocol between an adb server and adbd: messages to bytes and back. Does no I/O.

A message is 24 bytes, little endian, then its payload::

    command  arg0  arg1  payload length  payload checksum  command ^ 0xffffffff

Source of the format: AOSP packages/modules/adb, protocol.txt.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

HEADER: Final = struct.Struct("<6I")
VERSION_WITH_CHECKSUM: Final = 0x01000000
VERSION_SKIP_CHECKSUM: Final = 0x01000001
MAX_PAYLOAD: Final = 1024 * 1024
"""The most that an adb of today sends in one message."""
MAX_PAYLOAD_ANDROID_8: Final = 256 * 1024
DELAYED_ACK_BYTES: Final = 32 * 1024 * 1024
"""What a peer may send unacknowledged on a new stream once delayed_ack is negotiated."""

_MASK: Final = 0xFFFFFFFF


class Command(IntEnum):
    """What a message asks; the value is its name's four letters."""

    SYNC = 0x434E5953
    CNXN = 0x4E584E43
    AUTH = 0x48545541
    OPEN = 0x4E45504F
    OKAY = 0x59414B4F
    CLSE = 0x45534C43
    WRTE = 0x45545257
    STLS = 0x534C5453


class AuthKind(IntEnum):
    """The first argument of an AUTH message."""

    TOKEN = 1
    SIGNATURE = 2
    PUBLIC_KEY = 3


class TransportError(Exception):
    """The peer broke the protocol; the connection cannot go on."""


@dataclass(frozen=True)
class Message:
    """One message; `payload` belongs to whoever receives the message."""

    command: int
    arg0: int
    arg1: int
    payload: bytes | bytearray | memoryview = b""


def checksum(payload: bytes | bytearray | memoryview) -> int:
    """The sum of all bytes, 32 bits wide; the protocol calls it a CRC."""
    return sum(payload) & _MASK


def encode(message: Message, *, checked: bool) -> bytes:
    """A message as bytes.

    Args:
        message: what to send.
        checked: fill in the checksum; 0 stands there otherwise.
    """
    return encode_header(message, checked=checked) + bytes(message.payload)


def encode_header(message: Message, *, checked: bool) -> bytes:
    """The 24 bytes that stand before a message's payload."""
    check = checksum(message.payload) if checked else 0
    size = len(message.payload)
    return HEADER.pack(message.command, message.arg0, message.arg1, size, check, message.command ^ _MASK)


class Assembler:
    """Gathers messages from pieces of any size without copying payloads.

    The caller asks for `buffer()`, fills some of it and tells how much with `filled(n)`; a message comes
    back when it is whole.

    Args:
        max_payload: the most that a header may announce.
        checked: verify payload checksums; old protocol versions do.
    """

    def __init__(self, *, max_payload: int, checked: bool) -> None:
        self._checked = checked
        self._max_payload = max_payload
        self._header = bytearray(HEADER.size)
        self._payload: bytearray | None = None
        self._view = memoryview(self._header)
        self._got = 0

    def buffer(self) -> memoryview:
        """Where the next bytes belong; never empty."""
        return self._view[self._got :]

    def filled(self, size: int) -> Message | None:
        """Take note of `size` new bytes in the buffer.

        Raises:
            TransportError: bad magic, too long a payload or a wrong checksum.
        """
        self._got += size
        if self._got < len(self._view):
            return None
        if self._payload is None:
            length = self._check_header()
            if length:
                self._expect(bytearray(length))
                return None
            return self._finish(bytearray())
        return self._finish(self._payload)

    def _check_header(self) -> int:
        command, _, _, length, _, magic = HEADER.unpack(self._header)
        if command ^ _MASK != magic:
            raise TransportError(f"bad magic {magic:#010x} for command {command:#010x}")
        if length > self._max_payload:
            raise TransportError(f"payload of {length} bytes, at most {self._max_payload} are allowed")
        return int(length)

    def _expect(self, payload: bytearray | None) -> None:
        self._payload = payload
        self._view = memoryview(self._header if payload is None else payload)
        self._got = 0

    def _finish(self, payload: bytearray) -> Message:
        command, arg0, arg1, _, check, _ = HEADER.unpack(self._header)
        self._expect(None)
        if self._checked and checksum(payload) != check:
            raise TransportError(f"wrong checksum of a payload of {len(payload)} bytes")
        return Message(command, arg0, arg1, payload)


def parse_banner(payload: bytes | bytearray | memoryview) -> frozenset[str]:
    """The features that a CNXN payload such as `host::features=shell_v2,cmd` names."""
    text = bytes(payload).rstrip(b"\0").decode("utf-8", "replace")
    for item in text.partition("::")[2].split(";"):
        key, _, value = item.partition("=")
        if key == "features":
            return frozenset(filter(None, value.split(",")))
    return frozenset()
