"""What a run's samples say of the phone, for its record. Pure."""

from __future__ import annotations

import re
import statistics
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from devicehub.runs.model import Conditions, Course
from devicehub.telemetry.battery import charge_of
from devicehub.units import KIB, format_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from devicehub.telemetry.sample import Sample

_THROTTLING_STATUS: Final = 2
_LEAST_FALL: Final = 0.1
_LEAST_SLOWER: Final = 0.05
_AT_WORK_SHARE: Final = 0.5
_SHORT_KIB: Final = 256 * KIB
_SHORT_PERCENT: Final = 5
_BEFORE_END_S: Final = 5.0
_BUSY_FIELDS: Final = (0, 1, 2, 5, 6)
"""user, nice, system, irq, softirq of /proc/stat."""
_TICKS_S: Final = 100
_SURFACES: Final = (
    re.compile(r"skin", re.IGNORECASE),
    re.compile(r"quiet|xo.*therm|^mtktsAP$"),
    re.compile(r"^battery\.temp$"),
    re.compile(r"batt", re.IGNORECASE),
)
"""Zones that tell how warm a phone is to the hand, the best first; by the names that vendors give."""


def summarize_samples(
    samples: Sequence[Sample], launches: Sequence[tuple[float | None, float | None]] | None = None
) -> Conditions:
    """The conditions as far as samples tell them; what no sample holds is None, or absent.

    Args:
        samples: of the whole run, in their order.
        launches: start and end on the boot clock of those in which throttling counts: a phone that has cooled
            down at a gate is not throttled any more. Without it all samples count.
    """
    at_work = samples if launches is None else [sample for sample in samples if _lies_in(sample, launches)]
    signs = find_throttling(at_work, first=samples)
    tells = any(thermal_status(sample) is not None or sample.group("cap") for sample in at_work)
    caps = _courses(sample.group("cap") for sample in samples)
    statuses = _known(samples, thermal_status)
    hottest = _course(_known(samples, lambda sample: sample.hottest_mc))
    levels = _course(_known(samples, lambda sample: sample.number("battery.capacity")))
    free = _known(samples, lambda sample: sample.number("mem_kb"))
    temps = _courses(sample.temps_mc() for sample in samples)
    skin_zone = surface_zone(temps)
    skin = temps[skin_zone] if skin_zone is not None else None
    throttled = bool(signs) if tells else None
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
        gpu_khz=_course(_known(samples, gpu_khz)),
        temps_mc=temps,
        caps_khz=caps,
        thermal_status_highest=max(statuses, default=None),
        throttled=throttled,
        throttle_signs=signs,
        throttling=None if throttled is None else "yes" if throttled else "no",
        samples=len(samples),
        charges=list(dict.fromkeys(charge for sample in samples if (charge := charge_of(sample)))),
        skin_zone=skin_zone,
        skin_mc_start=skin.start if skin else None,
        skin_mc_highest=skin.highest if skin else None,
    )


def surface_zone(zones: Iterable[str]) -> str | None:
    """The zone that tells best how warm the phone itself is; None where none does."""
    ranked = [
        (rank, name) for name in zones for rank, pattern in enumerate(_SURFACES) if pattern.search(name)
    ]
    return min(ranked)[1] if ranked else None


def with_inferred(found: Conditions, sign: str) -> Conditions:
    """The conditions with a sign of throttling that is inferred; what the phone itself told stays told."""
    return replace(
        found,
        throttled=True,
        throttle_signs=[*found.throttle_signs, sign],
        throttling="yes" if found.throttling == "yes" else "inferred",
    )


def find_throttling(samples: Sequence[Sample], *, first: Sequence[Sample] = ()) -> list[str]:
    """Say what tells that the phone held its processor back: its thermal status, or caps that fell.

    Args:
        samples: of the time that is judged.
        first: of the whole run, where that is more: its first caps are what others are held against.
    """
    signs = []
    statuses = _known(samples, thermal_status)
    if max(statuses, default=0) >= _THROTTLING_STATUS:
        signs.append(f"the thermal status rose to {max(statuses)}")
    begun = _courses(sample.group("cap") for sample in first or samples)
    for name, cap in _courses(sample.group("cap") for sample in samples).items():
        start = begun[name].start if name in begun else cap.start
        if cap.lowest < start:
            signs.append(f"the clock of {name} was capped from {start} to {cap.lowest} kHz")
    return signs


def infer_throttling(
    samples: Sequence[Sample], launches: Sequence[tuple[float | None, float | None, float | None]]
) -> str | None:
    """Say where a CPU's work per cycle fell by more than a tenth from one launch to a later one; else None.

    It is inferred: limits that the hardware sets by itself show in no cap, only in tokens per cycle. Fewer of
    them at the same speed are no such limit: other programs were busy as well.

    Args:
        samples: of the whole run.
        launches: start and end on the boot clock and decoded tokens per second of each; of CPU backends only.
    """
    best = fastest = 0.0
    for started_s, ended_s, tok_s in launches:
        if started_s is None or ended_s is None or not tok_s:
            continue
        inside = [s for s in samples if s.uptime_s is not None and started_s <= s.uptime_s <= ended_s]
        busy_ghz = _busy_ghz([sample for sample in inside if sample.lane == "fast"])
        if not busy_ghz:
            continue
        work = tok_s / busy_ghz
        if work < best * (1 - _LEAST_FALL) and tok_s < fastest * (1 - _LEAST_SLOWER):
            fall = (1 - work / best) * 100
            return f"tokens per busy GHz fell by {fall:.0f} % within the run (inferred)"
        best, fastest = max(best, work), max(fastest, tok_s)
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


def thermal_status(sample: Sample) -> float | None:
    """Android's thermal status; the battery has one of another kind."""
    return sample.number("status") if sample.lane == "thermal" else None


def _lies_in(sample: Sample, spans: Sequence[tuple[float | None, float | None]]) -> bool:
    up_s = sample.uptime_s
    return up_s is not None and any(
        (started_s is None or started_s <= up_s) and (ended_s is None or up_s <= ended_s)
        for started_s, ended_s in spans
    )


def gpu_khz(sample: Sample) -> float | None:
    """The GPU's clock, which drivers give in Hz, kHz or MHz; no GPU's is out of 20 MHz to 5 GHz."""
    value = sample.number("gpu.clock")
    if value is None:
        return None
    if 20 <= value <= 5_000:
        return value * 1000
    if 20_000 <= value <= 5_000_000:
        return value
    return value / 1000 if 20_000_000 <= value <= 5_000_000_000 else None


def _busy_ghz(fast: Sequence[Sample]) -> float | None:
    """How many cores were busy times their mean clock, while the engine computed.

    It does so where that is at least half of the highest: a launch that loads its weights from flash waits.
    """
    found = [value for before, after in pairwise(fast) if (value := _busy_between(before, after)) is not None]
    highest = max(found, default=0.0)
    return (
        statistics.median(value for value in found if value >= _AT_WORK_SHARE * highest) if highest else None
    )


def _busy_between(before: Sample, after: Sample) -> float | None:
    clocks = [*before.group("khz").values(), *after.group("khz").values()]
    busy = [_busy_ticks(before), _busy_ticks(after)]
    if not clocks or busy[0] is None or busy[1] is None:
        return None
    if before.uptime_s is None or after.uptime_s is None or after.uptime_s <= before.uptime_s:
        return None
    seconds = after.uptime_s - before.uptime_s
    return (busy[1] - busy[0]) / _TICKS_S / seconds * statistics.fmean(clocks) / 1e6


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
