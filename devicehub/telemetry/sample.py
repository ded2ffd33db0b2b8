r"""Reads the `samples` file of a run. Pure and push style: pieces of any size give the same samples.

A line is a lane (`head`, `fast`, `battery`, `thermal`), then key=value fields, each after a tab:
"fast\tup=2906.77\twall=1795386689.193\tup2=2906.78\tmem_kb=8164000\tkhz.policy0=1017600\tzone.skin=31800".
Every lane has `up`, `wall` and `up2`; PROTOCOL.md lists the other keys. What could not be read is absent.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MAX_LINE: Final = 16 * 1024
_COLDEST_MC: Final = -60_000
_HOTTEST_MC: Final = 250_000
_MOST: Final = 1e18
"""No reading is so large: sums and whole numbers of those that are less can be taken and stored."""


@dataclass(frozen=True)
class Sample:
    """One reading."""

    lane: str
    uptime_s: float | None
    """The phone's boot clock, which counts suspension."""
    wall_s: float | None
    """The phone's wall clock, seconds since the epoch; may step."""
    values: Mapping[str, str]
    """All other fields as the phone wrote them."""

    def number(self, key: str) -> float | None:
        """A field as a number, None where it is absent or none."""
        return _number(self.values.get(key))

    def group(self, name: str) -> dict[str, float]:
        """The numbers of the fields NAME.x, by x."""
        found: dict[str, float] = {}
        for key, text in self.values.items():
            prefix, dot, rest = key.partition(".")
            value = _number(text) if dot and prefix == name else None
            if value is not None:
                found[rest] = value
        return found

    def temps_mc(self) -> dict[str, int]:
        """Temperatures in milli-degrees Celsius by zone, what no sensor can have measured left out.

        Kernels give milli-degrees, some whole degrees; dumpsys gives degrees, the battery tenths.
        """
        temps = {
            name: value if abs(value) >= 1000 else value * 1000 for name, value in self.group("zone").items()
        }
        temps |= {name: value * 1000 for name, value in self.group("hal").items()}
        battery = self.number("battery.temp")
        if battery is not None:
            temps["battery.temp"] = battery * 100  # a zone may be called battery as well
        return {name: round(value) for name, value in temps.items() if _COLDEST_MC < value < _HOTTEST_MC}

    @property
    def hottest_mc(self) -> int | None:
        """The highest of the temperatures."""
        return max(self.temps_mc().values(), default=None)


class SampleReader:
    """Takes the file in pieces; a line that says nothing readable gives no sample."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> Iterator[Sample]:
        """The samples whose lines this piece completes."""
        *lines, self._held = (self._held + data).split(b"\n")
        self._held = self._held[:_MAX_LINE]
        for line in lines:
            sample = parse_sample(line)
            if sample is not None:
                yield sample


def parse_sample(line: bytes) -> Sample | None:
    """One line; None where it has no lane or no field."""
    lane, *fields = line.decode("utf-8", "replace").rstrip("\r").split("\t")
    values: dict[str, str] = {}
    for field in fields:
        key, separator, value = field.partition("=")
        if key and separator:
            values[key] = value
    if not lane or not values:
        return None
    uptime_s = _number(values.pop("up", None))
    wall_s = _number(values.pop("wall", None))
    return Sample(lane, uptime_s, wall_s, values)


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text else math.nan
    except ValueError:
        return None
    return value if abs(value) < _MOST else None  # nor is what is no number
