"""What samples say of the battery: charge, current, voltage, in one unit whatever the phone writes. Pure."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devicehub.telemetry.sample import Sample

_CHARGES: Final = {
    "charging": "charging",
    "discharging": "discharging",
    "not charging": "not_charging",
    "full": "full",
    # dumpsys battery gives BatteryManager.BATTERY_STATUS_*.
    "2": "charging",
    "3": "discharging",
    "4": "not_charging",
    "5": "full",
}
_MOST_MA: Final = 20_000
"""No phone's battery gives more; no phone at work takes less than that many microamperes."""
_LEAST_MV, _LEAST_UV = 2_500, 2_500_000
_MOST_MV, _MOST_UV = 25_000, 25_000_000


class Gauge(NamedTuple):
    """One reading of the battery: at a moment of the boot clock, current as written, volts."""

    up_s: float
    current: float
    volts: float


def charge_of(sample: Sample) -> str | None:
    """charging, discharging, not_charging or full; None where the sample does not tell."""
    return _CHARGES.get(sample.values.get("battery.status", "").strip().lower())


def read_gauge(samples: Sequence[Sample]) -> list[Gauge]:
    """All readings of the current by their time, each with the last voltage before it or the first after.

    The voltage may come from another lane than the current: it changes little and slowly.
    """
    voltages = [(sample, volts) for sample in samples if (volts := _volts(sample)) is not None]
    if not voltages:
        return []
    last = voltages[0][1]
    found = []
    for sample in samples:
        last = _volts(sample) or last
        current = sample.number("battery.current")
        if sample.uptime_s is not None and current is not None:
            found.append(Gauge(sample.uptime_s, current, last))
    return sorted(found, key=lambda reading: reading.up_s)


def amperes_per_unit(gauge: Sequence[Gauge]) -> float:
    """What 1 stands for in these currents: a microampere, or a milliampere on some phones.

    Args:
        gauge: readings of a phone at work, at least one.
    """
    return 1e-3 if statistics.median(abs(reading.current) for reading in gauge) <= _MOST_MA else 1e-6


def _volts(sample: Sample) -> float | None:
    """Microvolts as sysfs gives them, millivolts of some kernels and of dumpsys."""
    value = sample.number("battery.voltage")
    if value is None:
        return None
    if _LEAST_MV <= value <= _MOST_MV:
        return value / 1e3
    return value / 1e6 if _LEAST_UV <= value <= _MOST_UV else None
