"""What a phone's plots show: curves over time, and where its run's phases began. Knows no Textual."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from devicehub.api.model import RunEventView, SampleView

_PHASES: Final = ("checking", "deploying", "starting", "running", "detached", "collecting")


@dataclass(frozen=True)
class Curve:
    """One quantity over time.

    Attributes:
        times_s: before the newest sample, so at most 0; as many as values.
        capped: it is a limit, not a reading.
    """

    name: str
    times_s: tuple[float, ...]
    values: tuple[float, ...]
    capped: bool = False


@dataclass(frozen=True)
class Chart:
    """Curves that share their axes."""

    title: str
    unit: str
    curves: tuple[Curve, ...]
    least: float = 1.0
    """The axis shows at least so much between its ends, so that noise looks like noise."""
    floor: float | None = None
    """The lowest value of the axis; None fits the curves."""
    span_s: float = 60.0
    """How much time the axis shows."""


_LEAST_SPAN_S: Final = 30.0
_STEPS_S: Final = (10, 30, 60, 120, 300, 600, 1_800, 3_600)
_MOST_TICKS: Final = 3


def time_ticks(span_s: float) -> tuple[list[float], list[str]]:
    """Whole moments of a time axis that ends now, the oldest first, and what stands below each."""
    step_s = next((step for step in _STEPS_S if span_s / step <= _MOST_TICKS), _STEPS_S[-1])
    back_s = [number * step_s for number in range(int(span_s // step_s), 0, -1)]
    labels = [f"-{seconds} s" if seconds < 60 else f"-{seconds / 60:g} min" for seconds in back_s]
    return [*(-float(seconds) for seconds in back_s), 0.0], [*labels, "now"]


def charts(points: Sequence[SampleView]) -> list[Chart]:
    """All charts, those without a reading among them; the samples come with the oldest first."""
    span_s = max(_LEAST_SPAN_S, points[-1].wall_s - points[0].wall_s) if points else _LEAST_SPAN_S
    return [replace(chart, span_s=span_s) for chart in _charts(points)]


def _charts(points: Sequence[SampleView]) -> list[Chart]:
    return [
        Chart("temperature", "°C", _one(points, "", lambda point: _scaled(point.temp_mc, 1000)), least=4),
        Chart(
            "clocks, dim: cap", "MHz", (*_clocks(points, caps=False), *_clocks(points, caps=True)), floor=0
        ),
        Chart(
            "load",
            "%",
            (
                *_one(points, "cpu", lambda point: point.cpu_percent),
                *_one(points, "gpu", lambda point: point.gpu_percent),
            ),
            floor=0,
        ),
        Chart(
            "RAM free", "GB", _one(points, "", lambda point: _scaled(point.mem_available_kib, 1e6 / 1.024))
        ),
        Chart("power", "W", _one(points, "", lambda point: _scaled(point.power_mw, 1000))),
        Chart("decode", "tok/s", _one(points, "", lambda point: point.decode_tok_s), floor=0),
    ]


_ROOM: Final = 0.15
"""Of the highest value's distance from the lowest, above it, where the phases' names stand."""


def value_axis(chart: Chart) -> tuple[float, float]:
    """The lowest and the highest value that a chart shows."""
    values = [value for curve in chart.curves for value in curve.values]
    low = min(values, default=0.0) if chart.floor is None else chart.floor
    high = max(max(values, default=0.0), low + chart.least)
    return low, high + (high - low) * _ROOM


def named_marks(marks: Sequence[tuple[float, str]], span_s: float, shown: int) -> list[tuple[float, str]]:
    """Where names of marks begin that have room, where so many columns are shown; none runs into the next.

    They stand on the right of their marks, but for the newest, which stands on the left where the right is
    too narrow.
    """
    column_s = span_s / max(1, shown)
    free_s = 0.0
    named: list[tuple[float, str]] = []
    for at_s, phase in reversed(marks):
        needed_s = (len(phase) + 2) * column_s
        if at_s + needed_s <= free_s:
            named.append((at_s + column_s, phase))
            free_s = at_s
        elif not named and at_s == marks[-1][0]:
            named.append((at_s - needed_s, phase))
            free_s = at_s - needed_s
    return named[::-1]


def phase_marks(events: Iterable[RunEventView], newest_s: float, span_s: float) -> list[tuple[float, str]]:
    """When phases began, in seconds before the newest sample, within the span that is shown."""
    marks: list[tuple[float, str]] = []
    for event in events:
        at_s = event.wall_s - newest_s
        if event.state in _PHASES and -span_s <= at_s <= 0 and (not marks or marks[-1][1] != event.state):
            marks.append((at_s, event.state))
    return marks


def _scaled(value: float | None, by: float) -> float | None:
    return None if value is None else value / by


def _one(
    points: Sequence[SampleView], name: str, value: Callable[[SampleView], float | None]
) -> tuple[Curve, ...]:
    known = [(point.wall_s, found) for point in points if (found := value(point)) is not None]
    if not known:
        return ()
    newest_s = points[-1].wall_s
    return (Curve(name, tuple(at - newest_s for at, _ in known), tuple(found for _, found in known)),)


def _clocks(points: Sequence[SampleView], *, caps: bool) -> list[Curve]:
    names = sorted({name for point in points for name in (point.caps_khz if caps else point.clocks_khz)})
    return [curve for name in names for curve in _clock(points, name, caps=caps)]


def _clock(points: Sequence[SampleView], name: str, *, caps: bool) -> list[Curve]:
    def megahertz(point: SampleView) -> float | None:
        return _scaled((point.caps_khz if caps else point.clocks_khz).get(name), 1000)

    title = f"{name} cap" if caps else name
    return [Curve(title, found.times_s, found.values, caps) for found in _one(points, name, megahertz)]
