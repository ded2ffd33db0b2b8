"""Property dumps: what `getprop` prints, and build.prop files."""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# "[ro.board.platform]: [taro]"; the name holds no bracket, the value may. Some phones print two on one line.
_START: Final = re.compile(r"(?<![^\s\]])\[([^\[\]\s=]{1,128})\]: ?\[")
_END: Final = re.compile(r"\][ \t\r]*(?=\n|\Z)")
# "ro.board.platform = taro" in build.prop; "ro.board.platform: taro" in what people paste.
_ASSIGNMENT: Final = re.compile(r"[ \t]*([A-Za-z][\w.@:+-]*?)[ \t]*(=|:(?=[ \t]))(.*)")
_NAMESPACES: Final = frozenset(
    (
        "ro",
        "persist",
        "sys",
        "init",
        "gsm",
        "dalvik",
        "debug",
        "vendor",
        "net",
        "dhcp",
        "ril",
        "selinux",
        "log",
    )
)

_STAND_INS: Final = frozenset(("", "common", "unknown", "none", "null", "default", "generic"))


def parse_getprop(data: bytes) -> dict[str, str]:
    """Read a property dump, in getprop's form or as build.prop, in any encoding that shells write.

    A name that comes twice keeps the last value that says something: neither an empty value nor `common`,
    which one firmware for several chips says in its first block, replaces another. A value whose bracket
    never closes is left out: half a part number is another part number.
    """
    text = decode_text(data)
    properties: dict[str, str] = {}
    rest = 0
    outside: list[str] = []
    starts = list(_START.finditer(text))
    for index, start in enumerate(starts):
        limit = starts[index + 1].start() if index + 1 < len(starts) else len(text)
        value, end = _bracketed_value(text, start.end(), limit)
        outside.append(text[rest : start.start()])
        rest = end
        if value is not None:
            _put(properties, start[1], value)
    outside.append(text[rest:])
    for line in "\n".join(outside).split("\n"):
        _read_assignment(properties, line)
    return properties


def is_property_dump(properties: Mapping[str, str]) -> bool:
    """Whether the names are Android's, so that an ini file or a Makefile does not pass for a phone."""
    return any("." in name and name.partition(".")[0] in _NAMESPACES for name in properties)


def first_value(properties: Mapping[str, str], names: Sequence[str]) -> str | None:
    """The first of the named properties that says something."""
    values = (properties.get(name, "").strip() for name in names)
    return next((value for value in values if says_something(value)), None)


def says_something(value: str) -> bool:
    """Whether a value is more than a stand-in such as `unknown`."""
    return value.lower() not in _STAND_INS


def decode_text(data: bytes) -> str:
    """Decode what a shell saved: UTF-8, or UTF-16 as PowerShell writes it; the byte order mark may lack."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace").replace("\0", "")
    if data.startswith(codecs.BOM_UTF8):
        return data.decode("utf-8-sig", "replace").replace("\0", "")
    head = data[:4096]
    if head[1::2].count(0) > len(head) // 3:
        return data.decode("utf-16-le", "replace").replace("\0", "")
    if head[0::2].count(0) > len(head) // 3:
        return data.decode("utf-16-be", "replace").replace("\0", "")
    return data.decode("utf-8", "replace").replace("\0", "")


def _bracketed_value(text: str, start: int, limit: int) -> tuple[str | None, int]:
    """The value that begins at `start` and where it ends; None where its bracket never closes."""
    # `limit`, where the next property starts, counts as an end too: it may be on the same line.
    end = _END.search(text, start, limit)
    if end is not None:
        return text[start : end.start()].replace("\r\n", "\n"), end.end()
    return None, limit


def _read_assignment(properties: dict[str, str], line: str) -> None:
    match = _ASSIGNMENT.match(line)
    if match is None or line.lstrip().startswith(("#", "import ")):
        return
    name, sign, value = match.groups()
    if sign == "=" or name.startswith("ro."):
        _put(properties, name, value.strip())


def _put(properties: dict[str, str], name: str, value: str) -> None:
    if name not in properties or value.strip() not in ("", "common"):
        properties[name] = value
