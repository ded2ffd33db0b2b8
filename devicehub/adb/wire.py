"""The bytes of adb: smart-socket requests and answers, shell v2 packets, device lists. Does no I/O.

Layouts are those of AOSP's packages/modules/adb: SERVICES.TXT and shell_protocol.h. The sync protocol is in
`wire_sync`. Decoders take bytes cut anywhere and give whole events. Bytes that no peer may send raise
`AdbProtocolError`, which carries them; after that the stream is of no further use.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from devicehub.errors import AdbProtocolError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_REQUEST: Final = 0xFFFF
"""Bytes of a service name or a block: its length is four hexadecimal digits."""
MAX_SHELL_PAYLOAD: Final = 1 << 20


def encode_text(text: str) -> bytes:
    """Text as it travels: UTF-8, and bytes that are no UTF-8 as Python holds them in file names."""
    return text.encode("utf-8", "surrogateescape")


def decode_text(data: bytes) -> str:
    """The reverse of `encode_text`; never fails."""
    return data.decode("utf-8", "surrogateescape")


def overlap(data: bytes, marker: bytes) -> int:
    """How many bytes at the end of the data may be the beginning of the marker."""
    for size in range(min(len(data), len(marker) - 1), 0, -1):
        if data.endswith(marker[:size]):
            return size
    return 0


# ---- Smart socket: what a client and the adb server on this host say to each other.


def encode_request(service: str) -> bytes:
    """A request to the adb server, as in `000chost:version`.

    Raises:
        AdbProtocolError: the service name is empty or longer than the protocol can say.
    """
    payload = encode_text(service)
    if not 0 < len(payload) <= MAX_REQUEST:
        raise AdbProtocolError(
            f"a request has {len(payload)} bytes, the adb protocol takes 1 to {MAX_REQUEST}",
            service=service[:60],
        )
    return encode_block(payload)


def encode_block(payload: bytes) -> bytes:
    """Bytes with their length in four hexadecimal digits before them."""
    return b"%04x" % len(payload) + payload


@dataclass(frozen=True, slots=True)
class Okay:
    """The peer did what was asked."""


@dataclass(frozen=True, slots=True)
class Fail:
    """The peer refused, and says why."""

    message: str


class SmartSocket:
    """The answers on a smart socket: feed `receive`, then ask for what the service is to send next.

    What follows an OKAY depends on the service, so the caller says what it expects; None means not there yet.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()

    def receive(self, data: bytes) -> None:
        """Take bytes from the socket."""
        self._buffer += data

    def status(self) -> Okay | Fail | None:
        """OKAY or FAIL with its message."""
        head = bytes(self._buffer[:4])
        if head == b"OKAY":
            del self._buffer[:4]
            return Okay()
        if head == b"FAIL":
            message = self._block_at(4)
            return None if message is None else Fail(decode_text(message))
        if not b"OKAY".startswith(head) and not b"FAIL".startswith(head):
            raise AdbProtocolError("neither OKAY nor FAIL", received=bytes(self._buffer))
        return None

    def block(self) -> bytes | None:
        """A length-prefixed answer."""
        return self._block_at(0)

    def block_or_fail(self) -> bytes | Fail | None:
        """A length-prefixed answer, or in its place FAIL with its message, which is no length."""
        if bytes(self._buffer[:4]) == b"FAIL":
            message = self._block_at(4)
            return None if message is None else Fail(decode_text(message))
        return None if len(self._buffer) < 4 else self._block_at(0)

    def rest(self) -> bytes:
        """What came after the answers and belongs to the service."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        return rest

    def _block_at(self, start: int) -> bytes | None:
        digits = bytes(self._buffer[start : start + 4])
        if not re.fullmatch(rb"[0-9A-Fa-f]*", digits):
            raise AdbProtocolError("no length of four hexadecimal digits", received=bytes(self._buffer))
        if len(digits) < 4:
            return None
        end = start + 4 + int(digits, 16)
        if len(self._buffer) < end:
            return None
        block = bytes(self._buffer[start + 4 : end])
        del self._buffer[:end]
        return block


# ---- shell,v2: packets of one byte id, four bytes length, payload.


class ShellId(IntEnum):
    """What a shell v2 packet carries."""

    STDIN = 0
    STDOUT = 1
    STDERR = 2
    EXIT = 3
    CLOSE_STDIN = 4
    WINDOW_SIZE = 5


@dataclass(frozen=True, slots=True)
class Stdout:
    """A piece of what the command wrote to stdout."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Stderr:
    """A piece of what the command wrote to stderr."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Exit:
    """The command ended; 128 + n when signal n killed it."""

    status: int


ShellEvent = Stdout | Stderr | Exit

_SHELL_HEADER: Final = struct.Struct("<BI")


def shell_packet(packet_id: int, payload: bytes = b"") -> bytes:
    """One shell v2 packet, for either side."""
    return _SHELL_HEADER.pack(packet_id, len(payload)) + payload


class ShellPackets:
    """One direction of a shell v2 stream: bytes in, (id, payload) out."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def receive(self, data: bytes) -> Iterator[tuple[ShellId, bytes]]:
        """Take bytes; the packets that are whole now."""
        self._buffer += data
        return self._packets()

    def _packets(self) -> Iterator[tuple[ShellId, bytes]]:
        while len(self._buffer) >= _SHELL_HEADER.size:
            packet_id, size = _SHELL_HEADER.unpack_from(self._buffer)
            if packet_id not in _SHELL_IDS or size > MAX_SHELL_PAYLOAD:
                raise AdbProtocolError("no shell v2 packet", received=bytes(self._buffer))
            end = _SHELL_HEADER.size + size
            if len(self._buffer) < end:
                return
            payload = bytes(self._buffer[_SHELL_HEADER.size : end])
            del self._buffer[:end]
            yield ShellId(packet_id), payload


_SHELL_IDS: Final = frozenset(ShellId)


class ShellV2:
    """What a phone sends on a shell v2 stream: bytes in, events out."""

    def __init__(self) -> None:
        self._packets = ShellPackets()

    def receive(self, data: bytes) -> Iterator[ShellEvent]:
        """Take bytes; the events that are whole now."""
        return self._events(self._packets.receive(data))

    def _events(self, packets: Iterator[tuple[ShellId, bytes]]) -> Iterator[ShellEvent]:
        for packet_id, payload in packets:
            if packet_id is ShellId.STDOUT:
                yield Stdout(payload)
            elif packet_id is ShellId.STDERR:
                yield Stderr(payload)
            elif packet_id is ShellId.EXIT and payload:
                yield Exit(payload[0])
            else:
                raise AdbProtocolError(
                    "a shell v2 packet that only this side may send",
                    received=shell_packet(packet_id, payload),
                )


# ---- Device lists.

# 23011WERA0ADER         device 4-1 product:lynx model:Pixel_7a device:lynx transport_id:192
# adb-HA2DPWL2-4QfPSa (2)._adb-tls-connect._tcp device product:TB335FC_PRC model:TB335FC transport_id:1
# JEEECN0100000712	no permissions (missing udev rules? user is in the plugdev group); see [http://...]
# Serials may hold spaces, so the line is read from its end.
_ATTRIBUTE: Final = re.compile(r"\s+(product|model|device|transport_id):(\S*)$")
_NO_PERMISSIONS: Final = re.compile(
    r"(?P<serial>.+?)\s+(?P<state>no permissions(?:.*\])?.*?)(?:\s+(?P<devpath>[\w:.-]+))?"
)
_STATE: Final = re.compile(
    r"(?P<serial>.+)\s+(?P<state>device|offline|unauthorized|authorizing|connecting|bootloader|recovery|rescue"
    r"|sideload|host|detached|unknown)(?:\s+(?P<devpath>\S+))?"
)
_NOISE: Final = ("* ", "List of devices", "adb server", "error:", "adb: ")
_LINE_MAX: Final = 1024


@dataclass(frozen=True, slots=True)
class DeviceLine:
    """One line of `host:devices-l`; None where the server did not say."""

    serial: str
    """adb's label, not always unique; may be `(no serial number)`."""
    state: str
    """The server's word: device, offline, unauthorized, `no permissions (...)` or one we do not know yet."""
    transport_id: int | None = None
    product: str | None = None
    model: str | None = None
    device: str | None = None
    devpath: str | None = None
    """The USB port, as in `usb:1-2` or `4-1`."""


def parse_devices_long(text: str) -> list[DeviceLine]:
    """The devices in what `host:devices-l` or `adb devices` print; other lines are left out."""
    lines = (_parse_device(line.strip()) for line in text.splitlines())
    return [line for line in lines if line is not None]


def _parse_device(line: str) -> DeviceLine | None:
    if line.startswith(_NOISE) or len(line) > _LINE_MAX:
        return None
    attributes: dict[str, str] = {}
    while (found := _ATTRIBUTE.search(line)) is not None:
        attributes[found[1]] = found[2]
        line = line[: found.start()]
    serial, state, devpath = _split_state(line, has_attributes=bool(attributes))
    if not serial:
        return None
    number = attributes.get("transport_id", "")
    return DeviceLine(
        serial=serial,
        state=state,
        transport_id=int(number) if re.fullmatch(r"[0-9]{1,18}", number) else None,
        product=attributes.get("product"),
        model=attributes.get("model"),
        device=attributes.get("device"),
        devpath=devpath,
    )


def _split_state(line: str, *, has_attributes: bool) -> tuple[str, str, str | None]:
    known = _NO_PERMISSIONS.fullmatch(line) or _STATE.fullmatch(line)
    if known is not None:
        return known["serial"].strip(), known["state"], known["devpath"]
    serial, tab, state = line.partition("\t")
    if not tab:
        serial, _, state = line.rpartition(" ") if has_attributes else ("", "", "")
    return serial.strip(), state.strip(), None
