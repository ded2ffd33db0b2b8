"""`dumpsys battery`: how full, how warm, plugged or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_CHARGERS: Final = ("ac powered", "usb powered", "wireless powered", "dock powered")


@dataclass(frozen=True)
class Battery:
    """What the phone's own battery reports; None where it does not."""

    level_percent: int | None = None
    temp_mc: int | None = None
    plugged: bool | None = None


def parse_battery(text: str) -> Battery:
    """Read what `dumpsys battery` printed; anything unknown is passed over.

    The first of equal keys counts: Samsung repeats keys in another case further down, docks and pads add
    keys of their own (`pad level: -1`).
    """
    values: dict[str, str] = {}
    for line in text.splitlines():
        # "  temperature: 245" is in tenths of a degree.
        key, colon, value = line.strip().partition(":")
        if colon:
            values.setdefault(key.strip().lower(), value.strip())
    level = _integer(values.get("level"))
    scale = _integer(values.get("scale")) or 100
    tenths = _integer(values.get("temperature"))
    powered = [values[key] == "true" for key in _CHARGERS if key in values]
    return Battery(
        level_percent=level * 100 // scale if level is not None and 0 <= level <= scale else None,
        temp_mc=tenths * 100 if tenths is not None and -500 <= tenths <= 1500 else None,
        plugged=any(powered) if powered else None,
    )


def _integer(text: str | None) -> int | None:
    try:
        return int(text) if text is not None and len(text) < 20 else None
    except ValueError:
        return None
