"""What the adb server says in protocol buffers: the ways to its phones, and itself. Does no I/O.

Source: AOSP packages/modules/adb, proto/adb_host.proto; since adb 35. Whatever cannot be read is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

_VARINT: Final = 0
_LENGTH: Final = 2
_FIXED: Final = {1: 8, 5: 4}
_VARINT_MAX: Final = 10
_DEVICE: Final = 1
_SERIAL, _CONNECTION, _NEGOTIATED, _MOST, _TRANSPORT_ID = 1, 7, 8, 9, 10
_KINDS: Final[dict[int, Literal["usb", "tcp"]]] = {1: "usb", 2: "tcp"}
_VERSION: Final = 5
_TEXT_MAX: Final = 1024


@dataclass(frozen=True, slots=True)
class TrackedDevice:
    """One phone of `host:track-devices-proto-binary`; None where the server did not say.

    Attributes:
        kind: how the server reaches it.
        mbit_s: what both ends of the cable agreed on, in decimal megabits per second.
        most_mbit_s: what the phone could do.
    """

    serial: str = ""
    transport_id: int | None = None
    kind: Literal["usb", "tcp"] | None = None
    mbit_s: int | None = None
    most_mbit_s: int | None = None


def parse_tracked(data: bytes) -> list[TrackedDevice]:
    """The phones of one message, `Devices`."""
    return [_device(value) for field, value in _fields(data) if field == _DEVICE and isinstance(value, bytes)]


def parse_server_version(data: bytes) -> str | None:
    """The program's version of `host:server-status`, `36.0.0`; None where it does not tell."""
    for field, value in _fields(data):
        if field == _VERSION and isinstance(value, bytes):
            return _text(value) or None
    return None


def _device(data: bytes) -> TrackedDevice:
    values = dict(_fields(data))
    serial = values.get(_SERIAL)
    return TrackedDevice(
        serial=_text(serial) if isinstance(serial, bytes) else "",
        transport_id=_number(values.get(_TRANSPORT_ID)),
        kind=_KINDS.get(_number(values.get(_CONNECTION)) or 0),
        mbit_s=_number(values.get(_NEGOTIATED)),
        most_mbit_s=_number(values.get(_MOST)),
    )


def _number(value: int | bytes | None) -> int | None:
    """A positive number: 0 stands for what is not known, negative ones come as the highest there are."""
    return value if isinstance(value, int) and 0 < value < 1 << 63 else None


def _text(value: bytes) -> str:
    return value[:_TEXT_MAX].decode("utf-8", "replace")


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Number and value of each field, as far as the message is whole."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        value: int | bytes | None = None
        if key is None:
            return
        kind = key & 7
        if kind == _VARINT:
            value, at = _varint(data, at)
        elif kind == _LENGTH:
            size, at = _varint(data, at)
            if size is not None and at + size <= len(data):
                value, at = data[at : at + size], at + size
        elif kind in _FIXED and at + _FIXED[kind] <= len(data):
            value, at = data[at : at + _FIXED[kind]], at + _FIXED[kind]
        if value is None:
            return
        yield key >> 3, value


def _varint(data: bytes, at: int) -> tuple[int | None, int]:
    """A number of seven bits a byte, lowest first, and where it ends; None where it does not."""
    number = 0
    for place, byte in enumerate(data[at : at + _VARINT_MAX]):
        number |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return number, at + place + 1
    return None, at
