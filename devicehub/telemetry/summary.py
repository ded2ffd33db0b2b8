"""What a run's samples say of the phone, for its record. Pure."""

from __future__ import annotations

import re
import statistics
from typing import TYPE_CHECKING, Final

from devicehub.runs.model import Conditions, Course
from devicehub.units import KIB, format_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from devicehub.telemetry.sample import Sample

_THROTTLING_STATUS: Final = 2
_LEAST_FALL: Final = 0.1
_SHORT_KIB: Final = 256 * KIB
_SHORT_PERCENT: Final = 5
_BEFORE_END_S: Final = 5.0
_BUSY_FIELDS: Final = (0, 1, 2, 5, 6)
"""user, nice, system, irq, softirq of /proc/stat."""
_TICKS_S: Final = 100


def summarize_samples(samples: Sequence[Sample]) -> Conditions:
    """The conditions as far as samples tell them; what no sample holds is None, or absent."""
    signs = find_throttling(samples)
    caps = _courses(sample.group("cap") for sample in samples)
    statuses = _known(samples, lambda sample: sample.number("status") if sample.lane == "thermal" else None)
    hottest = _course(_known(samples, lambda sample: sample.hottest_mc))
    levels = _course(_known(samples, lambda sample: sample.number("battery.capacity")))
    free = _known(samples, lambda sample: sample.number("mem_kb"))
    return Conditions(
        temp_mc_start=hottest.start if hottest else None,
        temp_mc_end=hottest.end if hottest else None,
        temp_mc_highest=hottest.highest if hottest else None,
        battery_percent_start=levels.start if levels else None,
        battery_percent_end=levels.end if levels else None,
        mem_available_kib_lowest=min(free, default=None),
        rss_kib_highest=max(_known(samples, lambda sample: sample.number("rss_kb")), default=None),
        threads_highest=max(_known(samples, lambda sample: sample.number("threads")), default=None),
        gpu_percent=_course(_known(samples, gpu_percent)),
        temps_mc=_courses(sample.temps_mc() for sample in samples),
        caps_khz=caps,
        thermal_status_highest=max(statuses, default=None),
        throttled=bool(signs) if signs or statuses or caps else None,
        throttle_signs=signs,
        samples=len(samples),
    )


def find_throttling(samples: Sequence[Sample]) -> list[str]:
    """Say what tells that the phone held its processor back: its thermal status, or caps that fell."""
    signs = []
    statuses = _known(samples, lambda sample: sample.number("status") if sample.lane == "thermal" else None)
    if max(statuses, default=0) >= _THROTTLING_STATUS:
        signs.append(f"the thermal status rose to {max(statuses)}")
    for name, cap in _courses(sample.group("cap") for sample in samples).items():
        if cap.lowest < cap.start:
            signs.append(f"the clock of {name} was capped from {cap.start} to {cap.lowest} kHz")
    return signs


def infer_throttling(
    samples: Sequence[Sample], launches: Sequence[tuple[float | None, float | None, float | None]]
) -> str | None:
    """Say where a CPU's work per cycle fell by more than a tenth from one launch to a later one; else None.

    It is inferred: limits that the hardware sets by itself show in no cap, only in tokens per cycle.

    Args:
        samples: of the whole run.
        launches: start and end on the boot clock and decoded tokens per second of each; of CPU backends only.
    """
    best: float | None = None
    for started_s, ended_s, tok_s in launches:
        if started_s is None or ended_s is None or not tok_s:
            continue
        inside = [s for s in samples if s.uptime_s is not None and started_s <= s.uptime_s <= ended_s]
        busy_ghz = _busy_ghz([sample for sample in inside if sample.lane == "fast"])
        if not busy_ghz:
            continue
        work = tok_s / busy_ghz
        if best is not None and work < best * (1 - _LEAST_FALL):
            fall = (1 - work / best) * 100
            return f"tokens per busy GHz fell by {fall:.0f} % within the run (inferred)"
        best = work if best is None else max(best, work)
    return None


def memory_short(
    samples: Sequence[Sample], ended_s: float | None, *, total_kib: int | None = None
) -> str | None:
    """Say that memory had nearly run out shortly before a moment of the boot clock; None where it had not.

    The kernel's own line on a process that it killed for memory is not readable for the shell.
    """
    least_kib = max(_SHORT_KIB, (total_kib or 0) * _SHORT_PERCENT // 100)
    before = [
        sample
        for sample in samples
        if sample.uptime_s is not None
        and (ended_s is None or ended_s - _BEFORE_END_S <= sample.uptime_s <= ended_s)
    ]
    free_kib = min(_known(before, lambda sample: sample.number("mem_kb")), default=None)
    if free_kib is None or free_kib >= least_kib:
        return None
    held = max(_known(before, lambda sample: sample.number("rss_kb")), default=None)
    of_it = f", of which it held {format_bytes(held * KIB)}" if held is not None else ""
    return f"the phone had {format_bytes(free_kib * KIB)} of memory left shortly before its end{of_it}"


def gpu_percent(sample: Sample) -> float | None:
    """How busy the GPU was: Adreno's `gpu.busy` is a percentage or `busy total`, others' begins with one."""
    # "37 %", "37%", "37", "183421 998731" (Adreno), "37 0 63" (MediaTek)
    words = re.findall(r"\d+", sample.values.get("gpu.busy", ""))[:3]
    if not words or any(len(word) > 15 for word in words):
        return None
    numbers = [int(word) for word in words]
    if len(numbers) == 2:
        return 100 * numbers[0] / numbers[1] if 0 < numbers[1] >= numbers[0] else None
    return numbers[0] if numbers[0] <= 100 else None


def _busy_ghz(fast: Sequence[Sample]) -> float | None:
    """How many cores were busy between the first and the last sample, times their mean clock."""
    clocks = [value for sample in fast for value in sample.group("khz").values()]
    if len(fast) < 2 or not clocks:
        return None
    first, last = fast[0], fast[-1]
    busy = [_busy_ticks(first), _busy_ticks(last)]
    if busy[0] is None or busy[1] is None or first.uptime_s is None or last.uptime_s is None:
        return None
    seconds = last.uptime_s - first.uptime_s
    return (busy[1] - busy[0]) / _TICKS_S / seconds * statistics.fmean(clocks) / 1e6 if seconds > 0 else None


def _busy_ticks(sample: Sample) -> int | None:
    words = sample.values.get("cpu", "").split()
    if len(words) < 7 or not all(word.isdecimal() and len(word) < 20 for word in words):
        return None
    return sum(int(words[field]) for field in _BUSY_FIELDS)


def _known(samples: Iterable[Sample], figure: Callable[[Sample], float | None]) -> list[int]:
    return [round(value) for sample in samples if (value := figure(sample)) is not None]


def _course(values: Sequence[int]) -> Course | None:
    if not values:
        return None
    return Course(start=values[0], lowest=min(values), highest=max(values), end=values[-1])


def _courses(groups: Iterable[Mapping[str, float]]) -> dict[str, Course]:
    """The course of each name that ever has a value."""
    values: dict[str, list[int]] = {}
    for group in groups:
        for name, value in group.items():
            values.setdefault(name, []).append(round(value))
    return {name: course for name, known in values.items() if (course := _course(known)) is not None}
