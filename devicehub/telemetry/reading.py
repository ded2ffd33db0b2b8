"""How a phone does now, from its newest samples. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from devicehub.telemetry.battery import charge_of
from devicehub.telemetry.summary import gpu_khz, gpu_percent, surface_zone, thermal_status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devicehub.telemetry.sample import Sample

_IDLE_FIELDS: Final = (3, 4)
"""idle and iowait of the first line of /proc/stat after its name; the first eight are all time there is."""
_TIME_FIELDS: Final = 8


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What is known of a phone at one moment; None is what it does not tell.

    Attributes:
        wall_s: seconds since the epoch, on the clock of whoever read.
        run: whose sampler read.
        temp_mc: of the skin, else the battery, in milli-degrees Celsius; zone says which.
        cpu_percent: of all cores together since the sample before; gpu_percent as the driver tells it.
        clocks_khz: by cluster; caps_khz what Android allows.
        thermal_status: Android's own, 0 none to 6 shutdown.
    """

    wall_s: float
    run: str | None = None
    temp_mc: int | None = None
    zone: str | None = None
    cpu_percent: float | None = None
    gpu_percent: float | None = None
    gpu_khz: int | None = None
    clocks_khz: Mapping[str, int] = field(default_factory=dict)
    caps_khz: Mapping[str, int] = field(default_factory=dict)
    mem_available_kib: int | None = None
    mem_total_kib: int | None = None
    storage_free_kib: int | None = None
    battery_percent: int | None = None
    charging: bool | None = None
    thermal_status: int | None = None


class ReadingMaker:
    """Samples of one phone become readings; what a lane does not tell stays as the last one told."""

    def __init__(self) -> None:
        self._last: Reading | None = None
        self._temps_mc: dict[str, int] = {}
        self._ticks: tuple[int, int] | None = None

    def take(self, sample: Sample, *, wall_s: float, run: str | None) -> Reading:
        """The reading after one more sample.

        Args:
            sample: of any lane, the newest.
            wall_s: when it came.
            run: whose sampler read it.
        """
        last = self._last if self._last is not None and self._last.run == run else None
        if last is None:
            self._temps_mc, self._ticks = {}, None
            last = Reading(wall_s=wall_s, run=run)
        self._temps_mc |= sample.temps_mc()
        zone = surface_zone(self._temps_mc)
        told: dict[str, Any] = {
            "cpu_percent": self._cpu_percent(sample),
            "gpu_percent": gpu_percent(sample),
            "gpu_khz": _whole(gpu_khz(sample)),
            "mem_available_kib": _whole(sample.number("mem_kb")),
            "mem_total_kib": _whole(sample.number("mem_total_kb")),
            "storage_free_kib": _whole(sample.number("free_kb")),
            "battery_percent": _whole(sample.number("battery.capacity")),
            "charging": _charging(sample),
            "thermal_status": _whole(thermal_status(sample)),
            "clocks_khz": _wholes(sample.group("khz")) or None,
            "caps_khz": _wholes(sample.group("cap")) or None,
            "zone": zone,
            "temp_mc": self._temps_mc.get(zone) if zone is not None else None,
        }
        changes = {name: value for name, value in told.items() if value is not None}
        self._last = replace(last, wall_s=wall_s, **changes)
        return self._last

    def _cpu_percent(self, sample: Sample) -> float | None:
        ticks = _ticks(sample.values.get("cpu", ""))
        if ticks is None:
            return None
        before, self._ticks = self._ticks, ticks
        if before is None:
            return None
        all_ticks, idle = ticks[0] - before[0], ticks[1] - before[1]
        # Counters of single cores may step back when one of them sleeps.
        return None if all_ticks <= 0 else min(100.0, max(0.0, 100 * (all_ticks - idle) / all_ticks))


def _ticks(line: str) -> tuple[int, int] | None:
    """All ticks and the idle ones of "3456 1 2 3 4 5 6 0 0 0"; None where it is another line."""
    words = line.split()[:_TIME_FIELDS]
    if len(words) <= max(_IDLE_FIELDS) or not all(word.isdecimal() and len(word) < 20 for word in words):
        return None
    counted = [int(word) for word in words]
    return sum(counted), sum(counted[place] for place in _IDLE_FIELDS)


def _charging(sample: Sample) -> bool | None:
    charge = charge_of(sample)
    return None if charge is None else charge in ("charging", "full")


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)


def _wholes(values: Mapping[str, float]) -> dict[str, int]:
    return {name: round(value) for name, value in values.items()}
