"""`df` and `sha256sum`: how much space there is, and what files hold."""

from __future__ import annotations

import re
from typing import Final

from devicehub.units import KIB

_HASH_LINE: Final = re.compile(r"(\\?)([0-9a-f]{64}) [ *](.*)")


def parse_df(text: str) -> tuple[int | None, int | None]:
    """Capacity and free bytes from `df -k PATH`; None where it does not tell.

    Old ones print error rows before, and break the line after a long device name.
    """
    # Filesystem     1K-blocks     Used Available Use% Mounted on
    # /dev/block/dm-6 113021856 61234876  51655908  55% /data/user/0
    rows = re.findall(r"(?<!\S)(\d{1,18})\s+(\d{1,18})\s+(\d{1,18})\s+\d+%", text)
    if not rows:
        return None, None
    capacity, _, free = rows[-1]
    return int(capacity) * KIB, int(free) * KIB


def parse_hashes(output: bytes) -> dict[str, str]:
    """Read `sha256sum ./a ./b`: path without `./` to hash."""
    hashes: dict[str, str] = {}
    for line in output.decode("utf-8", "surrogateescape").split("\n"):
        found = _HASH_LINE.fullmatch(line.rstrip("\r"))
        if found is None:
            continue
        escaped, digest, name = found.groups()
        if escaped:  # GNU's marks names with a backslash so, toybox's does not
            name = name.replace("\\\\", "\\")
        hashes[name.removeprefix("./")] = digest
    return hashes
