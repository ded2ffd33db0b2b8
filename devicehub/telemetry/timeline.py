"""Where the phone slept or its clock was set during a run, from its samples. Pure.

MNN times with the wall clock. Uptime counts suspension as the wall clock does: a suspension shows as a gap in
which no CPU counted a tick, a step of the clock as a difference between the two that was not there before.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from itertools import pairwise, zip_longest
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from devicehub.telemetry.sample import Sample

_MOST_PERIODS: Final = 3
_STEP_S: Final = 0.05
_STEP_SHARE: Final = 0.002
"""Of the time between: the kernel may slew a clock by less."""
_TICK_S: Final = 0.01
"""What one digit of /proc/uptime and one tick of /proc/stat stand for."""
_COUNTED: Final = 8
"""Fields of /proc/stat that are time of their own: guest time is part of user time."""
_ASLEEP_SHARE: Final = 0.5
"""Of a gap without ticks; less may be cores that were switched off, which count nothing either."""


@dataclass(frozen=True)
class Break:
    """Between two readings the phone's time was not the workload's.

    Attributes:
        from_up_s: uptime at the reading before; `at_up_s` at the one after.
        size_s: how long the phone slept, or by how much its clock was set; negative is back.
        sentence: what happened, for a person.
    """

    cause: Literal["suspended", "clock_step"]
    from_up_s: float
    at_up_s: float
    size_s: float
    sentence: str

    def touches(self, started_s: float | None, ended_s: float | None) -> bool:
        """Whether it may lie between two moments of the boot clock; an unknown one bounds nothing."""
        before = ended_s is not None and self.from_up_s >= ended_s
        after = started_s is not None and self.at_up_s <= started_s
        return not before and not after


def find_breaks(samples: Sequence[Sample], period_s: float) -> list[Break]:
    """Suspensions and steps of the clock, in the order of their time; samples may lack any field.

    Args:
        samples: of all lanes, as they were written; only `fast` ones count.
        period_s: how often the fast lane was to be written.
    """
    fast = [sample for sample in samples if sample.lane == "fast" and sample.uptime_s is not None]
    found = [*_suspensions(fast, period_s), *_steps(fast)]
    return sorted(found, key=lambda item: item.at_up_s)


# suspension


@dataclass(frozen=True)
class _Gap:
    """A time without a reading, and what the CPUs counted from a reading before it to one after it."""

    from_s: float
    to_s: float
    ticks: int | None

    @property
    def length_s(self) -> float:
        return self.to_s - self.from_s


def _suspensions(fast: Sequence[Sample], period_s: float) -> Iterator[Break]:
    rate = _ticks_per_second(fast, period_s)
    for gap in _gaps(fast):
        if gap.length_s <= _MOST_PERIODS * period_s:
            continue
        asleep_s = gap.length_s - (gap.ticks / rate if gap.ticks is not None else 0.0)
        if asleep_s < max(_ASLEEP_SHARE * gap.length_s, period_s):
            continue
        counted = "" if gap.ticks is None else " and its CPU counted no time"
        yield Break(
            "suspended",
            gap.from_s,
            gap.to_s,
            round(asleep_s, 2),
            f"the phone slept for {asleep_s:.1f} s: {gap.length_s:.1f} s passed between two samples{counted}",
        )


def _gaps(fast: Sequence[Sample]) -> Iterator[_Gap]:
    """Between samples, and within one that was begun before the phone fell asleep and ended after."""
    for before, after in pairwise(fast):
        yield _Gap(_up2(before), _up(after), _ticks_between(before, after))
    for before, sample, after in zip(fast, fast[1:], fast[2:], strict=False):
        ticks = _ticks_between(before, after)
        if ticks is not None:
            yield _Gap(_up(sample), _up2(sample), ticks)


def _up(sample: Sample) -> float:
    return sample.uptime_s or 0.0


def _up2(sample: Sample) -> float:
    """Uptime after the wall clock and the ticks were read."""
    up2_s = sample.number("up2")
    return _up(sample) if up2_s is None else max(up2_s, _up(sample))


def _ticks_per_second(fast: Sequence[Sample], period_s: float) -> float:
    """What all CPUs together count while the phone is awake; at least one of them is."""
    rates = []
    for before, after in pairwise(fast):
        gap_s = _up(after) - _up(before)
        ticks = _ticks_between(before, after)
        if ticks is not None and 0 < gap_s <= _MOST_PERIODS * period_s:
            rates.append(ticks / gap_s)
    return max(statistics.median(rates) if rates else 0.0, 1 / _TICK_S)


def _ticks_between(before: Sample, after: Sample) -> int | None:
    """What the CPUs counted from one sample to another; None where either does not tell."""
    counted = [_ticks(before), _ticks(after)]
    if counted[0] is None or counted[1] is None:
        return None
    return max(counted[1] - counted[0], 0)


def _ticks(sample: Sample) -> int | None:
    # "user nice system idle iowait irq softirq steal guest guest_nice", of all CPUs since the boot.
    words = sample.values.get("cpu", "").split()[:_COUNTED]
    if len(words) < 4 or not all(word.isdecimal() and len(word) < 20 for word in words):
        return None
    return sum(map(int, words))


# steps


@dataclass(frozen=True)
class _Offset:
    """The wall clock against the boot clock, as far as one sample bounds it."""

    up_s: float
    lowest_s: float
    highest_s: float

    def step_to(self, later: _Offset) -> float:
        """The least by which the clock was set since; 0.0 where it may not have been."""
        if later.lowest_s > self.highest_s:
            step_s = later.lowest_s - self.highest_s
        else:
            step_s = min(later.highest_s - self.lowest_s, 0.0)
        least_s = max(_STEP_S, _STEP_SHARE * (later.up_s - self.up_s))
        return step_s if abs(step_s) > least_s else 0.0

    def narrowed(self, later: _Offset) -> _Offset:
        """Both bounds at once, where they agree."""
        lowest_s, highest_s = max(self.lowest_s, later.lowest_s), min(self.highest_s, later.highest_s)
        return later if lowest_s > highest_s else _Offset(later.up_s, lowest_s, highest_s)


def _steps(fast: Sequence[Sample]) -> Iterator[Break]:
    """Steps that last: a lone sample that differs from those around it is no step."""
    offsets = list(_offsets(fast))
    if not offsets:
        return
    # The bounds as every sample since the last step sharpens them, and as they were then: a clock may creep.
    settled = anchor = offsets[0]
    for offset, following in zip_longest(offsets[1:], offsets[2:]):
        step_s = settled.step_to(offset) or anchor.step_to(offset)
        if not step_s:
            settled = settled.narrowed(offset)
            continue
        lasts = following is None or (settled.step_to(following) or anchor.step_to(following)) * step_s > 0
        if not lasts:
            continue
        direction = "forward" if step_s > 0 else "back"
        yield Break(
            "clock_step",
            settled.up_s,
            offset.up_s,
            round(step_s, 3),
            f"the phone's clock was set {direction} by {abs(step_s):.2f} s or more",
        )
        settled = anchor = offset


def _offsets(fast: Sequence[Sample]) -> Iterator[_Offset]:
    """The bounds of each sample; the sampler may have been kept waiting between its readings."""
    for sample, following in zip_longest(fast, fast[1:]):
        up_s, wall_s = sample.uptime_s, sample.wall_s
        if up_s is None or wall_s is None:
            continue
        up2_s = sample.number("up2")
        if up2_s is None:
            # An agent that reads uptime once: the wall clock was read before the next sample at the latest.
            up2_s = following.uptime_s if following is not None else None
        if up2_s is None or up2_s < up_s:
            continue
        # `date` of a shell without EPOCHREALTIME gives whole seconds.
        digit_s = 1.0 if wall_s.is_integer() else 0.0
        yield _Offset(up_s, wall_s - up2_s - _TICK_S, wall_s + digit_s - up_s)
