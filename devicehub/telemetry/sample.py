"""The lines of a run's `samples` file (agent/PROTOCOL.md): bytes in, readings out. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_MOST_LINE: Final = 64 * 1024
"""A sample is a few hundred bytes; more without a line's end is no sample."""
_NUMBER: Final = re.compile(r"-?\d{1,15}(\.\d{1,9})?")


@dataclass(frozen=True)
class Sample:
    """One reading; None is what the phone does not tell. Clocks are by cluster, temperatures by zone."""

    lane: str
    """`fast`, or the service that was asked: `battery`, `thermal`."""
    uptime_s: float | None = None
    """The boot clock, which counts suspension."""
    wall_s: float | None = None
    mem_available_kib: int | None = None
    rss_kib: int | None = None
    threads: int | None = None
    battery_percent: int | None = None
    battery_temp_mc: int | None = None
    thermal_status: int | None = None
    """Android's scale: 0 none, 2 moderate and upwards throttles."""
    clocks_khz: Mapping[str, int] = field(default_factory=dict)
    caps_khz: Mapping[str, int] = field(default_factory=dict)
    zones_mc: Mapping[str, int] = field(default_factory=dict)

    @property
    def hottest_mc(self) -> int | None:
        """The highest temperature of the reading."""
        known = [*self.zones_mc.values()]
        if self.battery_temp_mc is not None:
            known.append(self.battery_temp_mc)
        return max(known, default=None)


class SampleReader:
    """Takes the file in pieces of any size and gives whole samples."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Sample]:
        """The samples whose lines end in this piece; lines that are none are passed over."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > _MOST_LINE:
            self._rest = b""
        return [sample for line in lines if (sample := parse_sample(line.decode("utf-8", "replace")))]


def parse_sample(line: str) -> Sample | None:
    """Read one line; None where it is no sample."""
    # "fast\tup=812.44\twall=1700000000.1\tmem_kb=5120044\tkhz.policy0=1804800\tzone.cpu-0-0=41200"
    lane, tab, rest = line.rstrip("\r").partition("\t")
    if not tab or not lane.isalpha():
        return None
    values = dict(word.split("=", 1) for word in rest.split("\t") if "=" in word)
    return Sample(
        lane=lane,
        uptime_s=_number(values.get("up")),
        wall_s=_number(values.get("wall")),
        mem_available_kib=_integer(values.get("mem_kb")),
        rss_kib=_integer(values.get("rss_kb")),
        threads=_integer(values.get("threads")),
        battery_percent=_integer(values.get("battery.capacity")),
        battery_temp_mc=_tenths(values.get("battery.temp")),
        thermal_status=_integer(values.get("status")),
        clocks_khz=_group(values, "khz."),
        caps_khz=_group(values, "cap."),
        zones_mc={
            key.partition(".")[2]: temp_mc
            for key, value in values.items()
            if key.startswith(("zone.", "hal.")) and (temp_mc := _zone_mc(value)) is not None
        },
    )


def _group(values: Mapping[str, str], prefix: str) -> dict[str, int]:
    return {
        key.removeprefix(prefix): number
        for key, value in values.items()
        if key.startswith(prefix) and (number := _integer(value)) is not None
    }


def _number(text: str | None) -> float | None:
    return float(text) if text and _NUMBER.fullmatch(text) else None


def _integer(text: str | None) -> int | None:
    number = _number(text)
    return None if number is None else int(number)


def _tenths(text: str | None) -> int | None:
    number = _number(text)
    return None if number is None else _plausible(number * 100)


def _zone_mc(text: str) -> int | None:
    number = _number(text)
    if number is None:
        return None
    # The kernel gives milli-degrees, some vendors degrees; dumpsys gives degrees with a point.
    return _plausible(number * 1000 if abs(number) < 200 else number)


def _plausible(temp_mc: float) -> int | None:
    """MediaTek gives -274000 for a sensor that is off; others 0 K or 200 °C."""
    return round(temp_mc) if -40_000 < temp_mc < 150_000 else None
