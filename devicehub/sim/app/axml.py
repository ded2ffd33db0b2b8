"""Reads Android's binary XML as far as a manifest needs it: elements and their attributes.

Format: frameworks/base/libs/androidfw/include/androidfw/ResourceTypes.h (ResXMLTree, ResStringPool). All
numbers are little endian; a chunk is u16 type, u16 size of its header, u32 size of all of it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

_CHUNK: Final = struct.Struct("<HHI")
_XML: Final = 0x0003
_STRINGS: Final = 0x0001
_RESOURCES: Final = 0x0180
_ELEMENT: Final = 0x0102
_UTF8: Final = 0x100
_TYPE_STRING: Final = 0x03
_TYPE_BOOLEAN: Final = 0x12
# Attributes are known by these ids: their names may be stripped. frameworks/base core/res/public.xml
_NAMES: Final = {
    0x0101000F: "debuggable",
    0x0101020C: "minSdkVersion",
    0x0101021B: "versionCode",
    0x0101021C: "versionName",
    0x01010270: "targetSdkVersion",
    0x01010272: "testOnly",
}

Value = str | int | bool


@dataclass(frozen=True)
class Element:
    """One start tag."""

    name: str
    attributes: dict[str, Value]


def read_elements(data: bytes) -> list[Element] | None:
    """The start tags in order; None for anything but binary XML."""
    try:
        kind, header, size = _CHUNK.unpack_from(data)
        if kind != _XML or size > len(data):
            return None
        return _read_chunks(data, header, size)
    except (struct.error, IndexError, UnicodeDecodeError):
        return None


def _read_chunks(data: bytes, start: int, end: int) -> list[Element]:
    strings: list[str] = []
    resources: list[int] = []
    elements: list[Element] = []
    while start < end:
        kind, header, size = _CHUNK.unpack_from(data, start)
        if size < _CHUNK.size:
            raise IndexError
        if kind == _STRINGS:
            strings = _read_strings(data, start)
        elif kind == _RESOURCES:
            count = (size - header) // 4
            resources = list(struct.unpack_from(f"<{count}I", data, start + header))
        elif kind == _ELEMENT:
            elements.append(_read_element(data, start + header, strings, resources))
        start += size
    return elements


def _read_strings(data: bytes, start: int) -> list[str]:
    _, header, _ = _CHUNK.unpack_from(data, start)
    count, _, flags, begin = struct.unpack_from("<4I", data, start + _CHUNK.size)
    offsets = struct.unpack_from(f"<{count}I", data, start + header)
    read = _read_utf8 if flags & _UTF8 else _read_utf16
    return [read(data, start + begin + offset) for offset in offsets]


def _read_utf8(data: bytes, at: int) -> str:
    # Two lengths, of characters and of bytes; the first bit says that one more byte follows.
    at += 2 if data[at] & 0x80 else 1
    size, at = data[at], at + 1
    if size & 0x80:
        size, at = (size & 0x7F) << 8 | data[at], at + 1
    return data[at : at + size].decode()


def _read_utf16(data: bytes, at: int) -> str:
    (size,) = struct.unpack_from("<H", data, at)
    at += 2
    if size & 0x8000:
        (low,) = struct.unpack_from("<H", data, at)
        size, at = (size & 0x7FFF) << 16 | low, at + 2
    return data[at : at + 2 * size].decode("utf-16-le")


def _read_element(data: bytes, at: int, strings: list[str], resources: list[int]) -> Element:
    _, name, first, size, count = struct.unpack_from("<2I3H", data, at)
    attributes: dict[str, Value] = {}
    for number in range(count):
        fields = struct.unpack_from("<3IHBBI", data, at + first + number * size)
        key, raw, kind, value = fields[1], fields[2], fields[5], fields[6]
        resource = resources[key] if key < len(resources) else 0
        known = _NAMES.get(resource) or strings[key]
        attributes[known] = _value(strings, kind, raw, value)
    return Element(strings[name], attributes)


def _value(strings: list[str], kind: int, raw: int, value: int) -> Value:
    if kind == _TYPE_STRING:
        return strings[raw if raw < len(strings) else value]
    return bool(value) if kind == _TYPE_BOOLEAN else value
