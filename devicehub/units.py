"""Units: constants, and how amounts are shown. Names elsewhere carry their unit (`_ms`, `_mc`, `_khz`)."""

from __future__ import annotations

import math
from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB
GIB: Final = 1024 * MIB
MB: Final = 1_000_000
"""Rates are decimal MB per second; what adb itself prints as MB/s are MiB/s."""


def format_bytes(size: int) -> str:
    """Show a size as a person reads it: `941 B`, `41.9 MB`, `1203.4 MB` are decimal."""
    if size < 1000:
        return f"{size} B"
    if size < MB:
        return f"{size / 1000:.1f} kB"
    return f"{size / MB:.1f} MB"


def format_rate(size: int, seconds: float) -> str:
    """Show a transfer rate in decimal megabytes per second, `-` where no time was measured."""
    if seconds <= 0:
        return "-"
    return f"{size / seconds / MB:.1f} MB/s"


def format_ms(ms: float | None) -> str:
    """Show a duration: `870 ms`, `13.5 s`; `-` where it is not known."""
    if ms is None:
        return "-"
    return f"{ms:.0f} ms" if ms < 10_000 else f"{ms / 1000:.1f} s"


def format_left(seconds: float) -> str:
    """Show how long something will take still, which nobody knows exactly: `40 s`, `3 min`, `1.5 h`."""
    if seconds < 90:
        return f"{math.ceil(seconds)} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"


def format_share(share: float) -> str:
    """Show a share as percent; rounded down, so that only a whole one is `100 %`."""
    return f"{math.floor(share * 1000 + 1e-9) / 10:g} %"


def format_celsius(temp_mc: int | None) -> str:
    """Show milli-degrees Celsius as degrees; `-` where it is not known."""
    return "-" if temp_mc is None else f"{temp_mc / 1000:.1f} °C"
