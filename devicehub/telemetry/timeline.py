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
_SLOW_START_S: Final = 2.0
"""A sampler that begins looks for what it can read first."""
_STEP_S: Final = 0.05
_STEP_SHARE: Final = 0.002
"""Of the time between: the kernel may slew a clock by less."""
_TICK_S: Final = 0.01
"""What one digit of /proc/uptime and one tick of /proc/stat stand for."""
_RATE_OVER_S: Final = 1.9
"""Long enough that the counters have moved, where there are samples enough."""
_AT_ONCE: Final = 0.05
_CATCH_UP: Final = 3
"""Samples within which they do."""
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


def find_unseen(
    samples: Sequence[Sample], period_s: float, started_s: float | None, ended_s: float | None
) -> str | None:
    """Say for how long of a launch no sample tells what the phone did; None where samples span it.

    A gap between two samples is none: they tell together whether the phone slept in it.

    Args:
        samples: of the whole run.
        period_s: how often the fast lane was to be written.
        started_s: on the boot clock; so is `ended_s`. Of an unknown one nothing is said.
        ended_s: of the launch.
    """
    if started_s is None or ended_s is None:
        return None
    seen_s = [sample.uptime_s for sample in samples if sample.lane == "fast" and sample.uptime_s is not None]
    before_s = max(min(seen_s, default=ended_s) - started_s, 0.0)
    after_s = max(ended_s - max(seen_s, default=ended_s), 0.0)
    bound_s = _MOST_PERIODS * period_s + _SLOW_START_S
    unseen_s = sum(time_s for time_s in (before_s, after_s) if time_s > bound_s)
    if not seen_s:
        return "no sample tells whether the phone slept or its clock was set"
    if not unseen_s:
        return None
    return f"for {unseen_s:.0f} s no sample tells whether the phone slept or its clock was set"


# suspension


def _suspensions(fast: Sequence[Sample], period_s: float) -> Iterator[Break]:
    longest_s = _MOST_PERIODS * period_s
    rate = _ticks_per_second(fast, longest_s)
    for number, (before, after) in enumerate(pairwise(fast)):
        yield from _gap(fast, (number, number + 1), (_up2(before), _up(after)), rate, longest_s)
    for number, sample in enumerate(fast[1:-1], 1):
        # A sample that was begun before the phone fell asleep and ended after.
        if _ticks(sample) is not None:
            yield from _gap(fast, (number - 1, number + 1), (_up(sample), _up2(sample)), rate, longest_s)


def _gap(
    fast: Sequence[Sample],
    around: tuple[int, int],
    span: tuple[float, float],
    rate: float,
    longest_s: float,
) -> Iterator[Break]:
    """The suspension between two readings, where there was one."""
    length_s = span[1] - span[0]
    if length_s <= longest_s:
        return
    asleep_s = _asleep_s(fast, around, length_s, rate)
    counted = "" if asleep_s is None else " and its CPU counted no time"
    asleep_s = length_s if asleep_s is None else asleep_s
    if asleep_s < max(_ASLEEP_SHARE * length_s, longest_s / _MOST_PERIODS):
        return
    said = f"the phone slept for {asleep_s:.1f} s: {length_s:.1f} s passed between two samples{counted}"
    yield Break("suspended", span[0], span[1], round(asleep_s, 2), said)


def _asleep_s(fast: Sequence[Sample], around: tuple[int, int], length_s: float, rate: float) -> float | None:
    """The least that the phone slept between two samples, in a part of this length; None without ticks.

    The counters may be written with a delay: what they catch up with soon after was no sleep.
    """
    first, last = around
    ticks = _ticks_between(fast[first], fast[last])
    if ticks is None:
        return None
    found = [length_s - ticks / rate]
    for before in fast[max(first - _CATCH_UP, 0) : first + 1]:
        for after in fast[last : last + _CATCH_UP + 1]:
            ticks = _ticks_between(before, after)
            if ticks is not None and max(map(_width_s, (before, after))) < _AT_ONCE * length_s:
                found.append(_up(after) - _up2(before) - ticks / rate)
    return min(found)


def _up(sample: Sample) -> float:
    return sample.uptime_s or 0.0


def _up2(sample: Sample) -> float:
    """Uptime after the wall clock and the ticks were read."""
    up2_s = sample.number("up2")
    return _up(sample) if up2_s is None else max(up2_s, _up(sample))


def _width_s(sample: Sample) -> float:
    """The time in which the ticks were read, sooner or later."""
    return _up2(sample) - _up(sample)


def _ticks_per_second(fast: Sequence[Sample], longest_s: float) -> float:
    """What all CPUs together count while the phone is awake; at least one of them is."""
    rates: dict[bool, list[float]] = {True: [], False: []}
    begin: Sample | None = None
    last_s = 0.0
    for sample in fast:
        if _up(sample) - last_s > longest_s:
            begin = None
        last_s = _up2(sample)
        if _width_s(sample) > _AT_ONCE * longest_s:
            continue
        elapsed_s = _up(sample) - _up(begin) if begin else 0.0
        ticks = _ticks_between(begin, sample) if begin else None
        is_long = elapsed_s >= _RATE_OVER_S
        if elapsed_s > 0 and ticks is not None:
            rates[is_long].append(ticks / elapsed_s)
        if begin is None or is_long:
            begin = sample
    known = rates[True] or rates[False]
    return max(statistics.median(known) if known else 0.0, 1 / _TICK_S)


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
