"""What a run's decoding took from the battery, from the current that the samples hold. Pure.

A phone's gauge gives a new current every 1 to 30 s, some an instant's, some the mean since the reading
before. So of a launch only those readings count that were made within it and hold nothing from before: those
from the second change on. Two cells in series of which a phone reports one show half of what it takes:
nothing in the samples tells that.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final, TypeAlias

from devicehub.runs.model import Energy
from devicehub.telemetry.battery import amperes_per_unit, charge_of, read_gauge

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devicehub.runs.start import StartState
    from devicehub.telemetry.battery import Gauge
    from devicehub.telemetry.sample import Sample

Span: TypeAlias = "tuple[float | None, float | None]"
"""From when to when on the phone's boot clock."""

_LEAST_PER_SPAN: Final = 3
_LEAST_READINGS: Final = 6
"""Over all launches."""
_LEAST_W: Final = 0.2
_MOST_W: Final = 50.0
_RAW: Final = ("battery.current", "battery.voltage", "battery.status")


class _NoFigureError(Exception):
    """There is no figure; the text says why."""


@dataclass(frozen=True)
class _Power:
    """What a span took on average.

    Attributes:
        units_v: current in the phone's own unit and sign, times volts.
        span_s: of the whole span.
        changes_s: when the readings of a launch came that count.
    """

    units_v: float
    span_s: float
    changes_s: tuple[float, ...]


def measure_energy(
    samples: Sequence[Sample],
    *,
    launches: Sequence[tuple[float | None, float | None, int | None]],
    idle: Sequence[Span],
    at_start: StartState | None,
    plugged_end: bool | None = None,
) -> Energy:
    """Joules per generated token over whole launches, the idle phone's share taken off; None with the reason.

    A launch that saw too few readings, or none because it was not sampled, counts with neither its joules nor
    its tokens.

    Args:
        samples: of the whole run, in their order.
        launches: start and end of each measured launch that succeeded, and how many tokens it generated.
        idle: when the phone had nothing to do.
        at_start: how the phone stood before the run.
        plugged_end: whether it was plugged in when the run had ended.
    """
    raw = _first_words(samples)
    try:
        _refuse_power_from_outside(samples, at_start, plugged_end)
        return _measure(samples, launches, idle, raw)
    except _NoFigureError as error:
        return Energy(joules_per_token=None, reason=str(error), raw=raw)


def _measure(
    samples: Sequence[Sample],
    launches: Sequence[tuple[float | None, float | None, int | None]],
    idle: Sequence[Span],
    raw: dict[str, str],
) -> Energy:
    if "battery.current" not in raw:
        raise _NoFigureError("the phone does not let the shell read its battery's current")
    gauge = read_gauge(samples)
    if not gauge:
        raise _NoFigureError("the phone does not tell its battery's voltage")
    if not launches:
        raise _NoFigureError("no measured launch succeeded")
    if not idle:
        raise _NoFigureError("the idle phone was not measured")
    busy = [(power, tokens) for *span, tokens in launches if (power := _at_work(gauge, span[0], span[1]))]
    period_s = _period_s([power for power, _ in busy])
    _refuse_too_few(gauge, [power for power, _ in busy])
    rest = [power for started_s, ended_s in idle if (power := _at_rest(gauge, started_s, ended_s, period_s))]
    if not rest:
        raise _NoFigureError(
            "the idle time held too few readings of the battery's current, "
            f"which changes about every {period_s:.0f} s: it was too short"
        )
    tokens = sum(tokens or 0 for _, tokens in busy)
    if not tokens or any(not count for _, count in busy):
        raise _NoFigureError("a launch does not say how many tokens it generated")

    at_work = [reading for reading in gauge if any(_lies_in(reading, span[0], span[1]) for span in launches)]
    unit = amperes_per_unit(at_work)
    sign = 1 if sum(reading.current for reading in at_work) >= 0 else -1
    busy_s = sum(power.span_s for power, _ in busy)
    busy_w = _mean([power for power, _ in busy]) * unit * sign
    idle_w = _mean(rest) * unit * sign
    _refuse_implausible(busy_w, idle_w)
    joules = (busy_w - idle_w) * busy_s
    return Energy(
        joules_per_token=joules / tokens,
        method=_method([power for power, _ in busy], idle_w, unit=unit, sign=sign),
        joules=joules,
        idle_w=idle_w,
        tokens=tokens,
        raw=raw,
    )


def _at_work(gauge: Sequence[Gauge], started_s: float | None, ended_s: float | None) -> _Power | None:
    """The mean over a launch; None where too few readings were made in it."""
    if started_s is None or ended_s is None:
        return None
    # The first change may hold what was before; one that was seen first after the start may be older than it.
    made = [
        after
        for before, after in pairwise(gauge)
        if after.current != before.current and started_s <= before.up_s and after.up_s <= ended_s
    ][1:]
    if len(made) < _LEAST_PER_SPAN:
        return None
    changes_s = tuple(reading.up_s for reading in made)
    return _Power(_held_mean(made, ended_s), ended_s - started_s, changes_s)


def _at_rest(
    gauge: Sequence[Gauge], started_s: float | None, ended_s: float | None, period_s: float
) -> _Power | None:
    """The mean over an idle span; None where it was too short for the gauge.

    An idle phone's current may stay the same, most of all in milliamperes: here the gauge's period tells how
    many readings there were, not their changes.
    """
    if started_s is None or ended_s is None:
        return None
    begin_s = started_s + 2 * period_s
    held = [reading for reading in gauge if begin_s <= reading.up_s <= ended_s]
    if ended_s - begin_s < _LEAST_PER_SPAN * period_s or len(held) < _LEAST_PER_SPAN:
        return None
    return _Power(_held_mean(held, ended_s), ended_s - started_s, ())


def _held_mean(readings: Sequence[Gauge], ended_s: float) -> float:
    """Current times voltage, each reading by the time until the next."""
    ends_s = [reading.up_s for reading in readings[1:]] + [ended_s]
    weights_s = [end_s - reading.up_s for reading, end_s in zip(readings, ends_s, strict=True)]
    products = [reading.current * reading.volts for reading in readings]
    return statistics.fmean(products, weights_s if sum(weights_s) else None)


def _mean(powers: Sequence[_Power]) -> float:
    return sum(power.units_v * power.span_s for power in powers) / sum(power.span_s for power in powers)


def _lies_in(reading: Gauge, started_s: float | None, ended_s: float | None) -> bool:
    return started_s is not None and ended_s is not None and started_s <= reading.up_s <= ended_s


# why there is no figure


def _refuse_power_from_outside(
    samples: Sequence[Sample], at_start: StartState | None, plugged_end: bool | None
) -> None:
    """A phone with a cable takes what the battery does not show, and charges it besides."""
    if at_start is not None and at_start.link.kind == "usb":
        raise _NoFigureError("adb goes over USB, which powers the phone; connect over Wi-Fi and unplug it")
    power = at_start.external_power if at_start is not None else None
    if power not in (None, "none"):
        raise _NoFigureError("the phone was plugged in; unplug it and connect over Wi-Fi")
    charges = list(dict.fromkeys(charge for sample in samples if (charge := charge_of(sample))))
    other = [charge.replace("_", " ") for charge in charges if charge != "discharging"]
    if other:
        raise _NoFigureError(f"the battery was not discharging all the time, the phone called it {other[0]}")
    if plugged_end:
        raise _NoFigureError("the phone was plugged in while the run went on")
    if not charges and (power is None or plugged_end is None):
        raise _NoFigureError("the phone does not tell whether it ran on its battery all the time")


def _refuse_too_few(gauge: Sequence[Gauge], busy: Sequence[_Power]) -> None:
    if sum(len(power.changes_s) for power in busy) >= _LEAST_READINGS:
        return
    changes_s = [after.up_s for before, after in pairwise(gauge) if after.current != before.current]
    gaps_s = [after_s - before_s for before_s, after_s in pairwise(changes_s)]
    about = f"changes about every {statistics.median(gaps_s):.0f} s" if gaps_s else "never changes"
    raise _NoFigureError(
        f"too few readings of the battery's current, which {about}, fell within the measured launches: "
        "longer or more launches are needed"
    )


def _refuse_implausible(busy_w: float, idle_w: float) -> None:
    if not _LEAST_W <= busy_w <= _MOST_W:
        raise _NoFigureError(f"the phone's readings make {busy_w:.3g} W at work, which cannot be")
    if idle_w < 0:
        raise _NoFigureError("the battery's current changed its direction between idle and work")
    if idle_w >= busy_w:
        raise _NoFigureError(f"the phone took {busy_w:.2f} W at work and no less when idle, {idle_w:.2f} W")


# words


def _method(busy: Sequence[_Power], idle_w: float, *, unit: float, sign: int) -> str:
    readings = sum(len(power.changes_s) for power in busy)
    launches = "1 whole launch" if len(busy) == 1 else f"{len(busy)} whole launches"
    return (
        f"the battery's current times its voltage over {launches} (load and prompt included), "
        f"{readings} readings about {_period_s(busy):.1f} s apart, "
        f"less the {idle_w:.2f} W that the idle phone took; the phone gives the current in "
        f"{'µA' if unit == 1e-6 else 'mA'}, {'positive' if sign > 0 else 'negative'} while discharging"
    )


def _period_s(busy: Sequence[_Power]) -> float:
    """How far apart the gauge's readings come; that of a phone at work never stays the same for long."""
    gaps_s = [after_s - before_s for power in busy for before_s, after_s in pairwise(power.changes_s)]
    return statistics.median(gaps_s) if gaps_s else 0.0


def _first_words(samples: Sequence[Sample]) -> dict[str, str]:
    """The first that the phone wrote of each."""
    found: dict[str, str] = {}
    for sample in samples:
        for name in _RAW:
            if name in sample.values:
                found.setdefault(name, sample.values[name])
    return found
