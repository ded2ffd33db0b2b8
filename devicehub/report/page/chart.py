"""Drawings as SVG within the page: ratios with intervals, speed against temperature, sparklines. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devicehub.report.numbers import number

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from devicehub.campaign.outcome import Arm, LaunchFigures

_WIDTH: Final = 640
_HEIGHT: Final = 150
_LEFT: Final = 52
_RIGHT: Final = 596
_TOP: Final = 10
_BOTTOM: Final = 128
_POINTS: Final = 30
"""Of a temperature's course: more make the file larger and nothing clearer."""
_RATIO_WIDTH: Final = 200
_MOST_CHANGE: Final = 0.5


@dataclass(frozen=True)
class Scale:
    """From values to places of a drawing."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> str:
        """The place of a value, held within the drawing."""
        share = (value - self.low) / (self.high - self.low) if self.high > self.low else 0.5
        return f"{self.start + min(max(share, 0.0), 1.0) * (self.end - self.start):.0f}"


def ratio_scale(ratios: Iterable[float]) -> Scale:
    """One scale for all ratios of a table, in logarithms, the same far to both sides of 1."""
    logs = [abs(math.log(ratio)) for ratio in ratios if ratio > 0]
    widest = min(max([*logs, math.log(1.1)]) * 1.05, math.log1p(_MOST_CHANGE))
    return Scale(-widest, widest, 6, _RATIO_WIDTH - 6)


def draw_ratio(scale: Scale, ratio: float, low: float | None, high: float | None, bound: float | None) -> str:
    """A ratio with its interval; a line at no change, a dashed one at the worst that the limit allows."""
    point = scale.at(math.log(ratio))
    drawn = f'<path class=ax d="M{scale.at(0)} 0v16"/>'
    if bound is not None:
        drawn += f'<path class=lim d="M{scale.at(math.log(bound))} 0v16"/>'
    if low is not None and high is not None and low > 0:
        drawn += f'<path class=iv d="M{scale.at(math.log(low))} 8H{scale.at(math.log(high))}"/>'
    drawn += f'<path class=own d="M{point} 8h0"/>'
    return f"<svg width={_RATIO_WIDTH} height=16 aria-hidden=true>{drawn}</svg>"


def draw_course(arm: Arm, base: Arm | None, figure: str) -> str | None:
    """A figure of each launch and the skin's temperature over time; None without two launches.

    Args:
        arm: the cell's run.
        base: its baseline's.
        figure: which of a launch's.
    """
    arms = [("own", arm), *([("base", base)] if base is not None else [])]
    points = {kind: _points(each.launches, figure) for kind, each in arms}
    values = [value for known in points.values() for _, value in known]
    if len(values) < 2:
        return None
    trace = list(zip(arm.trace.at_s, arm.trace.temp_c, strict=False))
    trace = trace[:: max(1, math.ceil(len(trace) / _POINTS))]
    ends = [at_s for known in points.values() for at_s, _ in known] + [at_s for at_s, _ in trace]
    along = Scale(min(0.0, *ends), max(ends), _LEFT + 8, _RIGHT - 8)
    up = _vertical(values)
    drawn = [_axes(up, along)]
    if len(trace) > 1:
        heat = _vertical([temp_c for _, temp_c in trace], least=2.0)
        course = " ".join(f"{along.at(at_s)},{heat.at(temp_c)}" for at_s, temp_c in trace)
        drawn.append(f'<polyline class=heat points="{course}"/>')
        drawn += [
            f"<text x={_RIGHT + 4} y={y}>{value:.0f} °C</text>"
            for value, y in ((heat.high, _TOP + 4), (heat.low, _BOTTOM))
        ]
    for kind, known in points.items():
        places = "".join(f"M{along.at(at_s)} {up.at(value)}h0" for at_s, value in known)
        drawn.append(f'<path class={kind} d="{places}"/>')
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" width={_WIDTH} role=img '
        f'aria-label="{figure} and temperature over time">{"".join(drawn)}</svg>'
    )


def _points(launches: Sequence[LaunchFigures], figure: str) -> list[tuple[float, float]]:
    """Moment and value; by place where no launch knows its moment."""
    known = [
        launch for launch in launches if launch.kind == "measured" and getattr(launch, figure) is not None
    ]
    timed = all(launch.at_s is not None for launch in known)
    return [
        (launch.at_s if timed and launch.at_s is not None else float(launch.order), getattr(launch, figure))
        for launch in known
    ]


def _vertical(values: Sequence[float], least: float = 0.0) -> Scale:
    """A scale upwards with some room; no narrower than a tenth of the values, or `least`."""
    middle = (min(values) + max(values)) / 2
    half = max((max(values) - min(values)) * 0.6, abs(middle) * 0.05, least, 1e-9)
    return Scale(middle - half, middle + half, _BOTTOM, _TOP)


def _axes(up: Scale, along: Scale) -> str:
    texts = [
        f"<text x={_LEFT - 4} y={y} text-anchor=end>{number(value)}</text>"
        for value, y in ((up.high, _TOP + 4), (up.low, _BOTTOM))
    ]
    end = f"<text x={_RIGHT} y={_HEIGHT - 4} text-anchor=end>{along.high:.0f} s</text>"
    frame = f'<path class=ax d="M{_LEFT} {_TOP}V{_BOTTOM}H{_RIGHT}V{_TOP}"/>'
    return frame + "".join(texts) + end


def draw_line(values: Sequence[float], marked: Sequence[int]) -> str:
    """A course as a small line; some of its points are marked."""
    width, low, high = 160, min(values), max(values)
    up = Scale(low, high, 26, 6) if high > low else Scale(low - 1, high + 1, 26, 6)
    along = Scale(0, max(len(values) - 1, 1), 6, width - 6)
    course = " ".join(f"{along.at(place)},{up.at(value)}" for place, value in enumerate(values))
    jumps = "".join(f"M{along.at(place)} {up.at(values[place])}h0" for place in marked)
    return (
        f'<svg width={width} height=32 aria-hidden=true><polyline class=front points="{course}"/>'
        f'<path class=jump d="{jumps}"/></svg>'
    )


def draw_front(points: Sequence[tuple[float, float, bool]], across: str, upwards: str) -> str:
    """Settings by two figures, those of the front round.

    Args:
        points: both figures, and whether it is on the front.
        across: what the first figure is called.
        upwards: likewise the second.
    """
    right = Scale(0, max(x for x, _, _ in points) * 1.05, _LEFT, _RIGHT)
    up = Scale(0, max(y for _, y, _ in points) * 1.05, _BOTTOM, _TOP)
    others = "".join(f"M{right.at(x)} {up.at(y)}h0" for x, y, is_on in points if not is_on)
    front = "".join(f"M{right.at(x)} {up.at(y)}h0" for x, y, is_on in points if is_on)
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" width={_WIDTH} role=img aria-label="{upwards} by {across}">'
        f'<path class=ax d="M{_LEFT} {_TOP}V{_BOTTOM}H{_RIGHT}"/>'
        f"<text x={_LEFT + 4} y={_TOP + 4}>{upwards}, up to {number(up.high)}</text>"
        f"<text x={_RIGHT} y={_HEIGHT - 4} text-anchor=end>{across}, up to {number(right.high)}</text>"
        f'<path class=base d="{others}"/>'
        f'<path class=own d="{front}"/></svg>'
    )
