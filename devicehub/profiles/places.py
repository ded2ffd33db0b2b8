"""On which line of a TOML file a key stands. Pure."""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

# "[[quirks.switches]]", "[sources]", "max_khz = 3", '"a b" = 1', "match.model = []"
_HEADER: Final = re.compile(r"^\s*(\[\[?)\s*([^\]\[]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY: Final = re.compile(r"""^\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")
_MULTILINE: Final = re.compile(r'"""|' + "'''")
# "[1]", and "[...]", which msgspec writes for a key of any name.
_LAST: Final = re.compile(r"(?:\[[^\[\]]*\]|\.?[^.\[\]]+)$")


def line_of(text: str, key: str) -> int | None:
    """The line on which a key stands, as in `clusters[1].cores`; else that of what holds it, else None.

    Args:
        text: the file.
        key: as problems name it.
    """
    lines = _lines(text)
    while key not in lines:
        shorter = _LAST.sub("", key)
        if shorter == key:
            return None
        key = shorter
    return lines[key]


def _lines(text: str) -> dict[str, int]:
    """Line by key, of tables too; what stands in a text of several lines is no key."""
    found: dict[str, int] = {}
    arrays: Counter[str] = Counter()
    table, within = "", False
    for number, line in enumerate(text.split("\n"), 1):  # TOML knows no other line end
        inside, within = within, within ^ (len(_MULTILINE.findall(line)) % 2 == 1)
        if inside:
            continue
        if header := _HEADER.match(line):
            name = _plain(header[2])
            table = f"{name}[{arrays[name]}]" if header[1] == "[[" else name
            arrays[name] += header[1] == "[["
            found.setdefault(name, number)
            found.setdefault(table, number)
        elif named := _KEY.match(line):
            found.setdefault(f"{table}.{_plain(named[1])}" if table else _plain(named[1]), number)
    return found


def _plain(name: str) -> str:
    return ".".join(part.strip().strip("\"'") for part in name.split("."))
