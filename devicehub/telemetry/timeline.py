"""Where the phone slept or its clock was set during a run, from its samples. Pure.

MNN times with the wall clock. Uptime counts suspension as the wall clock does: a suspension shows as a gap in
which no CPU counted a tick, a step of the clock as a difference between the two that was not there before.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass, replace
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
_ASLEEP_SHARE_EXPECTED: Final = 0.1
"""Of a launch that was not sampled."""
_SLACK: Final = 1.1
"""More than all CPUs were seen to count is what they cannot have counted."""

Span = tuple[float | None, float | None]
"""Begin and end on the boot clock, None where unknown."""


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


def find_breaks(samples: Sequence[Sample], period_s: float, unsampled: Sequence[Span] = ()) -> list[Break]:
    """Suspensions and steps of the clock, in the order of their time; samples may lack any field.

    Args:
        samples: of all lanes, as they were written; only `fast` ones count.
        period_s: how often the fast lane was to be written.
        unsampled: the launches during which it was not: a gap there tells nothing unless ticks are missing.
    """
    fast = [sample for sample in samples if sample.lane == "fast" and sample.uptime_s is not None]
    found = [*_suspensions(fast, period_s, unsampled), *_steps(fast)]
    return sorted(found, key=lambda item: item.at_up_s)


def find_unseen(
    samples: Sequence[Sample],
    period_s: float,
    started_s: float | None,
    ended_s: float | None,
    *,
    sampled: bool = True,
) -> str | None:
    """Say for how long of a launch no sample tells what the phone did; None where samples span it.

    A gap between two samples is none: they tell together whether the phone slept in it. Around a launch that
    was not sampled that takes the ticks of both.

    Args:
        samples: of the whole run.
        period_s: how often the fast lane was to be written.
        started_s: on the boot clock; so is `ended_s`. Of an unknown one nothing is said.
        ended_s: of the launch.
        sampled: whether samples were taken during the launch.
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
    if not unseen_s and not sampled and not _is_bracketed(samples, started_s, ended_s):
        unseen_s = ended_s - started_s
    if not unseen_s:
        return None
    return f"for {unseen_s:.0f} s no sample tells whether the phone slept or its clock was set"


def _is_bracketed(samples: Sequence[Sample], started_s: float, ended_s: float) -> bool:
    """Whether ticks are known on both sides of a launch."""
    known = [sample for sample in samples if sample.lane == "fast" and _ticks(sample) is not None]
    seen_s = [sample.uptime_s for sample in known if sample.uptime_s is not None]
    return min(seen_s, default=ended_s) <= started_s and max(seen_s, default=started_s) >= ended_s


# suspension


@dataclass(frozen=True)
class _Reading:
    """One sample's look at the counters of all CPUs.

    Attributes:
        up_s: uptime before the wall clock and the ticks were read; `up2_s` after.
        ticks: what the CPUs have counted by then, None where the sample does not tell.
    """

    up_s: float
    up2_s: float
    ticks: float | None

    @property
    def width_s(self) -> float:
        """The time in which the ticks were read, sooner or later."""
        return self.up2_s - self.up_s


@dataclass(frozen=True)
class _Rates:
    """Ticks per second of all CPUs together while the phone is awake.

    Attributes:
        usual: the median.
        least: when fewest CPUs were on; below it lies a tenth.
    """

    usual: float
    least: float


def _suspensions(fast: Sequence[Sample], period_s: float, unsampled: Sequence[Span]) -> Iterator[Break]:
    longest_s = _MOST_PERIODS * period_s
    raw = [_reading(sample) for sample in fast]
    known = sorted(_known_rates(raw, longest_s))
    floor = 1 / _TICK_S
    usual = max(statistics.median(known) if known else 0.0, floor)
    rates = _Rates(usual, max(known[len(known) // 10] if known else 0.0, floor))
    # Of few, one may be a leap itself.
    most = max(known[-1 - len(known) // 10] if len(known) >= 10 else usual, usual)
    readings = _bounded(raw, most * _SLACK)
    for number, (before, after) in enumerate(pairwise(readings)):
        span = (before.up2_s, after.up_s)
        is_expected = any(_overlap(span, launch) for launch in unsampled)
        yield from _gap(readings, (number, number + 1), span, rates, longest_s, is_expected=is_expected)
    for number, reading in enumerate(readings[1:-1], 1):
        # A sample that was begun before the phone fell asleep and ended after.
        if reading.ticks is not None:
            span = (reading.up_s, reading.up2_s)
            yield from _gap(readings, (number - 1, number + 1), span, rates, longest_s)


def _gap(
    readings: Sequence[_Reading],
    around: tuple[int, int],
    span: tuple[float, float],
    rates: _Rates,
    longest_s: float,
    *,
    is_expected: bool = False,
) -> Iterator[Break]:
    """The suspension between two readings, where there was one.

    A gap that is expected says nothing by itself, and is long: a small share of it tells, once the lowest
    rate has made up for cores that may have been off.
    """
    length_s = span[1] - span[0]
    if length_s <= longest_s:
        return
    asleep_s = _asleep_s(readings, around, length_s, rates.least if is_expected else rates.usual)
    if asleep_s is None and is_expected:
        return
    counted = "" if asleep_s is None else " and its CPU counted no time"
    asleep_s = length_s if asleep_s is None else asleep_s
    share = _ASLEEP_SHARE_EXPECTED if is_expected else _ASLEEP_SHARE
    if asleep_s < max(share * length_s, longest_s / _MOST_PERIODS):
        return
    said = f"the phone slept for {asleep_s:.1f} s: {length_s:.1f} s passed between two samples{counted}"
    if is_expected:
        said = (
            f"the phone slept for {asleep_s:.1f} of {length_s:.1f} s without samples: its CPU counted no time"
        )
    yield Break("suspended", span[0], span[1], round(asleep_s, 2), said)


def _asleep_s(
    readings: Sequence[_Reading], around: tuple[int, int], length_s: float, rate: float
) -> float | None:
    """The least that the phone slept between two samples, in a part of this length; None without ticks.

    The counters may be written with a delay: what they catch up with soon after was no sleep.
    """
    first, last = around
    ticks = _ticks_between(readings[first], readings[last])
    if ticks is None:
        return None
    found = [length_s - ticks / rate]
    for before in readings[max(first - _CATCH_UP, 0) : first + 1]:
        for after in readings[last : last + _CATCH_UP + 1]:
            ticks = _ticks_between(before, after)
            if ticks is not None and max(before.width_s, after.width_s) < _AT_ONCE * length_s:
                found.append(after.up_s - before.up2_s - ticks / rate)
    return min(found)


def _overlap(span: tuple[float, float], launch: Span) -> bool:
    started_s, ended_s = launch
    return started_s is not None and ended_s is not None and span[0] < ended_s and started_s < span[1]


def _reading(sample: Sample) -> _Reading:
    up_s = sample.uptime_s or 0.0
    up2_s = sample.number("up2")
    return _Reading(up_s, up_s if up2_s is None else max(up2_s, up_s), _ticks(sample))


def _bounded(raw: Sequence[_Reading], most: float) -> list[_Reading]:
    """The readings with ticks that no more cores than there are can have counted left out of the count.

    Counters that catch up may leap as far as time has passed since they were right, some samples ago.
    """
    told: list[_Reading] = []
    bounded = []
    last_raw = 0.0
    for reading in raw:
        if reading.ticks is None:
            bounded.append(reading)
            continue
        counted = max(reading.ticks - last_raw, 0.0)
        last_raw = reading.ticks
        if told:
            since = _where_right(told, reading)
            assert since.ticks is not None
            assert told[-1].ticks is not None
            at_most = since.ticks + most * (reading.up2_s - since.up_s)
            counted = max(min(told[-1].ticks + counted, at_most), told[-1].ticks)
        told.append(replace(reading, ticks=counted))
        bounded.append(told[-1])
    return bounded


def _where_right(told: Sequence[_Reading], reading: _Reading) -> _Reading:
    """The latest of the earlier readings from which on late counters can have caught up."""
    for number in range(len(told) - 1 - _CATCH_UP, 0, -1):
        if told[number].up_s <= reading.up_s - _RATE_OVER_S:
            return told[number]
    return told[0]


def _known_rates(readings: Sequence[_Reading], longest_s: float) -> list[float]:
    """What the CPUs counted per second over stretches without a gap."""
    rates: dict[bool, list[float]] = {True: [], False: []}
    begin: _Reading | None = None
    last_s = 0.0
    for reading in readings:
        if reading.up_s - last_s > longest_s:
            begin = None
        last_s = reading.up2_s
        if reading.width_s > _AT_ONCE * longest_s:
            continue
        elapsed_s = reading.up_s - begin.up_s if begin else 0.0
        ticks = _ticks_between(begin, reading) if begin else None
        is_long = elapsed_s >= _RATE_OVER_S
        if elapsed_s > 0 and ticks is not None:
            rates[is_long].append(ticks / elapsed_s)
        if begin is None or is_long:
            begin = reading
    return rates[True] or rates[False]


def _ticks_between(before: _Reading, after: _Reading) -> float | None:
    """What the CPUs counted from one sample to another; None where either does not tell."""
    if before.ticks is None or after.ticks is None:
        return None
    return max(after.ticks - before.ticks, 0.0)


def _ticks(sample: Sample) -> float | None:
    # "user nice system idle iowait irq softirq steal guest guest_nice", of all CPUs since the boot.
    words = sample.values.get("cpu", "").split()[:_COUNTED]
    if len(words) < 4 or not all(word.isdecimal() and len(word) < 20 for word in words):
        return None
    return float(sum(map(int, words)))


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
