"""The same thing over campaigns, with the jumps of its figures marked. Pure.

Figures of two campaigns are not of one list: the phone was updated, aged, lay elsewhere. So nothing is judged
by them, and a jump is only marked. A figure jumps where it leaves what is explained by the spread of its own
launches and by how it moved from campaign to campaign before: by Student's t on the logarithms of one phone's
medians since its last jump. How a phone moves is not known from two or three points, so to begin with 2 %
are supposed, as firmly as if nine campaigns had shown them, and what is seen weighs in beside it. With equal
figures a jump is marked once in 500 times; one of 15 % is found beside a single earlier campaign, one of 8 %
beside five.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import msgspec

from devicehub.campaign.result import FigureSummary, History, HistoryPoint, Jump
from devicehub.measure.student import t_quantile
from devicehub.runs.answers import SUITE_FAILED

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from devicehub.campaign.result import CampaignResult, CellResult, CellState

MATTERS: Final = 0.03
"""A smaller change is no jump, however sure."""
_SHARE: Final = 0.998
"""Of equal figures that are not marked."""
_USUAL: Final = 0.02
_FIRMNESS: Final = 8
_WORST_FIRST: Final[tuple[CellState, ...]] = ("failed", "not_comparable", "inconclusive", "passed", "not_run")
_RANGES: Final = (1.13, 1.69, 2.06, 2.33, 2.53, 2.70, 2.85, 2.97, 3.08, 3.17, 3.26)
"""Mean range of 2 to 12 normal values, in standard deviations."""
_MEDIAN: Final = 1.25
"""The standard error of a median over that of a mean."""


class Thing(msgspec.Struct, frozen=True, kw_only=True):
    """What is followed over campaigns: engine by its name, so that its builds are held against each other."""

    soc: str
    model: str
    engine: str | None
    profile: str
    workload: str


class PhonePoint(msgspec.Struct, frozen=True, kw_only=True):
    """What one campaign measured of a thing on one phone.

    Attributes:
        phone: its ro.serialno.
        sound: its figures say something of the thing: not throttled, not untrusted, not wrong.
    """

    thing: Thing
    phone: str
    sound: bool
    point: HistoryPoint


def points_of(result: CampaignResult) -> list[PhonePoint]:
    """What a campaign adds to the history; settings of sweeps are left out."""
    return [_point(result, cell) for cell in result.cells if cell.figures and cell.cell.group is None]


def _point(result: CampaignResult, found: CellResult) -> PhonePoint:
    cell, outcome = found.cell, found.outcome
    phone = outcome.phone if outcome else cell.phone
    engine = cell.variant.engine
    arm = outcome.arm if outcome else None
    settings = " ".join(f"{key}={value}" for key, value in cell.variant.settings.items())
    return PhonePoint(
        thing=Thing(
            soc=phone.soc or phone.product or phone.serialno,
            model=cell.variant.model.name,
            engine=engine.name if engine else None,
            profile=f"{cell.variant.profile} {settings}".strip(),
            workload=cell.suite or cell.workload,
        ),
        phone=phone.serialno,
        sound=arm is not None
        and (arm.verdict == "succeeded" or arm.cause == SUITE_FAILED)
        and arm.trusted
        and not (arm.throttled or arm.gate_timed_out),
        point=HistoryPoint(
            campaign=result.plan.id,
            name=result.plan.name,
            created=result.plan.created,
            state=found.state,
            engine_id=engine.id if engine else None,
            figures=found.figures,
        ),
    )


def history(points: Iterable[PhonePoint], *, things: Collection[Thing] | None = None) -> list[History]:
    """What is known of each thing over campaigns, oldest first; things of one campaign alone are left out.

    Args:
        points: of several campaigns, in any order.
        things: which ones; None for all.
    """
    series: dict[Thing, list[PhonePoint]] = {}
    for point in sorted(points, key=lambda point: (point.point.created, point.point.campaign)):
        if things is None or point.thing in things:
            series.setdefault(point.thing, []).append(point)
    return [made for thing, known in series.items() if len((made := _history(thing, known)).points) > 1]


def _history(thing: Thing, points: Sequence[PhonePoint]) -> History:
    by_campaign: dict[str, list[PhonePoint]] = {}
    by_phone: dict[str, list[HistoryPoint]] = {}
    for point in points:
        by_campaign.setdefault(point.point.campaign, []).append(point)
        if point.sound:
            by_phone.setdefault(point.phone, []).append(point.point)
    jumps: dict[tuple[str, str], Jump] = {}
    for known in by_phone.values():
        for jump in _jumps(known):
            key = (jump.campaign, jump.figure)
            if key not in jumps or abs(math.log(jump.ratio)) > abs(math.log(jumps[key].ratio)):
                jumps[key] = jump
    order = {name: place for place, name in enumerate(by_campaign)}
    return History(
        soc=thing.soc,
        model=thing.model,
        engine=thing.engine,
        profile=thing.profile,
        workload=thing.workload,
        points=[_merge(known) for known in by_campaign.values()],
        jumps=sorted(jumps.values(), key=lambda jump: (order[jump.campaign], jump.figure)),
    )


def _merge(points: Sequence[PhonePoint]) -> HistoryPoint:
    """One campaign's point of several phones of a SoC: of those that are sound, where any is."""
    first = points[0].point
    if len(points) == 1:
        return first
    chosen = [point.point for point in points if point.sound] or [point.point for point in points]
    names = dict.fromkeys(name for point in chosen for name in point.figures)
    return msgspec.structs.replace(
        first,
        state=min((point.point.state for point in points), key=_WORST_FIRST.index),
        figures={
            name: _merge_figures([point.figures[name] for point in chosen if name in point.figures])
            for name in names
        },
    )


def _merge_figures(figures: Sequence[FigureSummary]) -> FigureSummary:
    return FigureSummary(
        median=statistics.median(figure.median for figure in figures),
        lowest=min(figure.lowest for figure in figures),
        highest=max(figure.highest for figure in figures),
        launches=sum(figure.launches for figure in figures),
    )


# jumps of one phone


@dataclass
class _Level:
    """A figure's course on one phone: its points since the last jump, and how it moved all along.

    Attributes:
        logs: of the medians since the last jump.
        squares: of the distances from their means, of levels before.
        freedom: how many of them are free.
        before: the mean of the level before; None in the first.
    """

    logs: list[float] = field(default_factory=list)
    squares: float = 0.0
    freedom: int = 0
    before: float | None = None

    def explains(self, value: float, error: float) -> bool:
        """Whether a further point with this standard error of its own is no surprise."""
        mean = statistics.fmean(self.logs)
        if abs(value - mean) <= math.log1p(MATTERS):
            return True
        free = _FIRMNESS + self.freedom + len(self.logs) - 1
        squares = _FIRMNESS * _USUAL**2 + self.squares + self._own_squares()
        spread = math.sqrt(squares / free * (1 + 1 / len(self.logs)) + error**2)
        return abs(value - mean) <= t_quantile((1 + _SHARE) / 2, free) * spread

    def end(self) -> None:
        """Begin a new level; what was learnt of how it moves stays.

        A level of one point was none: the figure moves so far by itself.
        """
        if len(self.logs) == 1 and self.before is not None:
            self.squares += (self.logs[0] - self.before) ** 2 / 2
            self.freedom += 1
        self.squares += self._own_squares()
        self.freedom += len(self.logs) - 1
        self.before = statistics.fmean(self.logs)
        self.logs = []

    def _own_squares(self) -> float:
        mean = statistics.fmean(self.logs)
        return sum((value - mean) ** 2 for value in self.logs)


def _jumps(points: Sequence[HistoryPoint]) -> list[Jump]:
    """Where one phone's figures leave what came before."""
    found = []
    levels: dict[str, _Level] = {}
    for point in points:
        for name, figure in point.figures.items():
            if figure.median <= 0:
                continue
            level = levels.setdefault(name, _Level())
            value = math.log(figure.median)
            if level.logs and not level.explains(value, _error(figure)):
                before = math.exp(statistics.fmean(level.logs))
                found.append(
                    Jump(
                        figure=name,
                        before=before,
                        after=figure.median,
                        ratio=figure.median / before,
                        campaign=point.campaign,
                    )
                )
                level.end()
            level.logs.append(value)
    return found


def _error(figure: FigureSummary) -> float:
    """The standard error of a median's logarithm, by the range of its launches; of a single one nothing."""
    if figure.launches < 2 or figure.lowest <= 0:
        return 0.0
    span = math.log(figure.highest / figure.lowest)
    return _MEDIAN * span / _RANGES[min(figure.launches, len(_RANGES) + 1) - 2] / math.sqrt(figure.launches)
