"""What a run's samples say of each of its launches, and how warm the phone was meanwhile. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devicehub.campaign.outcome import Trace
from devicehub.telemetry.sample import SampleReader
from devicehub.telemetry.summary import find_throttling, surface_zone, thermal_status
from devicehub.units import KIB, MIB

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devicehub.runs.model import Launch
    from devicehub.telemetry.sample import Sample

MOST_POINTS: Final = 60
"""Of a trace."""
_FRESH_S: Final = 15.0
"""So old a temperature may be that is taken for the one at a launch's begin; dumpsys gives one every 5 s."""
_LEAST_SEEN: Final = 3
"""Samples of a launch without which its memory is not told: the engine fills it while it loads."""
_FIRST: Final = 30
"""Samples whose caps tell what the phone allows when it is not throttled."""


@dataclass(frozen=True)
class LaunchSampled:
    """One launch by the samples; None is what they do not tell.

    Attributes:
        at_s: when it began, in seconds since the run's first sample.
        temp_c: of the skin then.
    """

    at_s: float | None = None
    temp_c: float | None = None
    peak_memory_mib: float | None = None
    throttled: bool | None = None


class Sampled:
    """The samples of a run, asked launch by launch."""

    def __init__(self, data: bytes) -> None:
        reader = SampleReader()
        read = [*reader.feed(data), *reader.feed(b"\n")]
        self._samples = [sample for sample in read if sample.uptime_s is not None]
        temps = [(_up_s(sample), sample.temps_mc()) for sample in self._samples]
        zone = surface_zone({name for _, zones in temps for name in zones})
        self._skin = [(up_s, zones[zone] / 1000) for up_s, zones in temps if zone in zones] if zone else []
        self._first_s = _up_s(self._samples[0]) if self._samples else None

    def of_launch(self, launch: Launch) -> LaunchSampled:
        """What they say of one launch."""
        if launch.started_s is None or self._first_s is None:
            return LaunchSampled()
        start_s = launch.started_s
        end_s = start_s + launch.duration_s if launch.duration_s is not None else start_s
        inside = [sample for sample in self._samples if start_s <= _up_s(sample) <= end_s]
        return LaunchSampled(
            at_s=round(start_s - self._first_s, 1),
            temp_c=self._temp_c(start_s),
            peak_memory_mib=_peak_mib(inside),
            throttled=self._throttled(inside),
        )

    def trace(self) -> Trace:
        """The skin's temperature over the run, of evenly spread samples."""
        if self._first_s is None or not self._skin:
            return Trace()
        last = len(self._skin) - 1
        count = min(len(self._skin), MOST_POINTS)
        chosen = [self._skin[place * last // max(count - 1, 1)] for place in range(count)]
        return Trace(
            at_s=[round(up_s - self._first_s, 1) for up_s, _ in chosen],
            temp_c=[round(temp_c, 1) for _, temp_c in chosen],
        )

    def _temp_c(self, at_s: float) -> float | None:
        near = [(abs(up_s - at_s), temp_c) for up_s, temp_c in self._skin]
        age_s, temp_c = min(near, default=(_FRESH_S + 1, 0.0))
        return round(temp_c, 1) if age_s <= _FRESH_S else None

    def _throttled(self, inside: Sequence[Sample]) -> bool | None:
        if not any(thermal_status(sample) is not None or sample.group("cap") for sample in inside):
            return None
        return bool(find_throttling(inside, first=self._samples[:_FIRST]))


def _peak_mib(inside: Sequence[Sample]) -> float | None:
    """The most that the workload held; None of a launch that was too short to be seen at its height."""
    held = [sample.number("rss_kb") for sample in inside]
    if len(held) - held.count(None) < _LEAST_SEEN:
        return None
    held += [sample.number("peak_kb") for sample in inside]
    return max(kib for kib in held if kib is not None) * KIB / MIB


def _up_s(sample: Sample) -> float:
    assert sample.uptime_s is not None
    return sample.uptime_s
