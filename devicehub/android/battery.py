"""`dumpsys battery`: how full, how warm, plugged or not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_CHARGERS: Final = ("ac", "usb", "wireless", "dock")
_CHARGES: Final = {2: "charging", 3: "discharging", 4: "not_charging", 5: "full"}
"""BatteryManager.BATTERY_STATUS_*."""

# "  mLowPowerModeEnabled=false" (until 8), "Battery saver state machine:", "  Enabled=false" (since 9).
_SAVER: Final = re.compile(
    r"^\s*mLowPowerModeEnabled=(true|false)|^Battery saver state machine:\s*\n\s*Enabled=(true|false)",
    re.MULTILINE,
)
# "  mIsPowered=true" of dumpsys power.
_POWERED: Final = re.compile(r"^\s*mIsPowered=(true|false)", re.MULTILINE)


@dataclass(frozen=True)
class Battery:
    """What the phone's own battery reports; None where it does not.

    Attributes:
        plugged: whether power comes from outside.
        sources: where from: ac, usb, wireless, dock.
        charge: charging, discharging, not_charging or full; a plugged phone may do any of them.
    """

    level_percent: int | None = None
    temp_mc: int | None = None
    plugged: bool | None = None
    sources: tuple[str, ...] = ()
    charge: str | None = None
    voltage_mv: int | None = None


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
    powered = {name: values[f"{name} powered"] == "true" for name in _CHARGERS if f"{name} powered" in values}
    voltage_mv = _integer(values.get("voltage"))
    return Battery(
        level_percent=level * 100 // scale if level is not None and 0 <= level <= scale else None,
        temp_mc=tenths * 100 if tenths is not None and -500 <= tenths <= 1500 else None,
        plugged=any(powered.values()) if powered else None,
        sources=tuple(name for name, is_on in powered.items() if is_on),
        charge=_CHARGES.get(_integer(values.get("status")) or 0),
        voltage_mv=voltage_mv if voltage_mv is not None and 1000 <= voltage_mv <= 30_000 else None,
    )


def parse_power_saver(power: str) -> bool | None:
    """Whether Android's battery saver is on, from `dumpsys power`; None where that does not tell."""
    match = _SAVER.search(power)
    return "true" in match.groups() if match else None


def parse_powered(power: str) -> bool | None:
    """Whether power comes from outside, from `dumpsys power`; None where that does not tell."""
    match = _POWERED.search(power)
    return match[1] == "true" if match else None


def _integer(text: str | None) -> int | None:
    try:
        return int(text) if text is not None and len(text) < 20 else None
    except ValueError:
        return None
