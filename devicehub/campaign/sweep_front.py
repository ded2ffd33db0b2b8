"""What a sweep comes to on each SoC: the settings that no other one beats in everything. Pure."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from devicehub.campaign.result import Front, FrontPoint
from devicehub.campaign.sweep import (
    FIDELITY_MATTERS,
    FIGURES,
    MATTERS,
    Measured,
    Noise,
    doubt,
    measure,
    noise_of,
)
from devicehub.campaign.sweep_grid import same_setting

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from devicehub.campaign.outcome import CellOutcome
    from devicehub.campaign.planned import Cell, PhoneRef, Plan

Preference = Literal["balanced", "decode", "prefill", "memory", "fidelity"]
_MEMORY: Final = "peak_memory_mib"
_ENOUGH_FIDELITY: Final = 0.9
"""Of the best on the front."""


@dataclass(frozen=True)
class _Setting:
    """One setting on all phones of a SoC, by ro.serialno."""

    cell: Cell
    by_phone: dict[str, Measured]
    stopped: str | None

    @property
    def fidelity(self) -> float | None:
        return min((one.fidelity for one in self.by_phone.values() if one.fidelity is not None), default=None)

    @property
    def may_be_chosen(self) -> bool:
        return self.stopped is None and any(one.figures for one in self.by_phone.values())

    def values(self, figure: str) -> list[float]:
        return [value for one in self.by_phone.values() for value in one.values.get(figure, ())]


def soc_of(phone: PhoneRef) -> str:
    """What phones are told apart by: their SoC, where it is known."""
    return phone.soc or phone.product or phone.serial


def fronts(plan: Plan, outcomes: Iterable[CellOutcome]) -> list[Front]:
    """The front of each sweep on each SoC, phones of one SoC together, in the order of the plan.

    Args:
        plan: of the campaign.
        outcomes: one a cell, its rounds joined by `sweep.merge`.
    """
    by_cell = {outcome.cell: outcome for outcome in outcomes}
    rooms: dict[tuple[str, ...], list[tuple[Cell, CellOutcome]]] = defaultdict(list)
    for cell in plan.cells:
        outcome = by_cell.get(cell.number)
        if cell.group is None or outcome is None:
            continue
        variant = cell.variant
        engine = variant.engine.name if variant.engine is not None else ""
        soc = soc_of(outcome.phone)
        rooms[soc, variant.model.name, engine, variant.profile, cell.workload].append((cell, outcome))
    return [_front(room, members) for room, members in rooms.items()]


def choose(front: Front, prefer: Preference) -> FrontPoint | None:
    """The point of a front that suits best; None where no setting is any good.

    Settings that answer clearly less as the host does than the best one are passed over.

    Args:
        front: of one SoC.
        prefer: the figure that matters; `balanced` weighs prefill and decode alike, and then memory.
    """
    points = [point for point in front.points if point.on_front]
    best = max((point.fidelity for point in points if point.fidelity is not None), default=None)
    if best is not None:
        least = best - FIDELITY_MATTERS if prefer == "fidelity" else best * _ENOUGH_FIDELITY
        points = [point for point in points if point.fidelity is not None and point.fidelity >= least]
    return max(points, key=lambda point: _worth(point, prefer), default=None)


def _worth(point: FrontPoint, prefer: Preference) -> tuple[float, float, int]:
    prefill, decode = _log(point.prefill_tok_s), _log(point.decode_tok_s)
    memory = -(point.peak_memory_mib or math.inf)
    first = {"decode": decode, "prefill": prefill, "memory": memory}.get(prefer, prefill + decode)
    return first, prefill + decode if prefer == "memory" else memory, -point.cell


def _log(value: float | None) -> float:
    return math.log(value) if value else 0.0


def _front(room: tuple[str, ...], members: Sequence[tuple[Cell, CellOutcome]]) -> Front:
    soc, model, engine, profile, workload = room
    same: dict[str, list[tuple[Cell, CellOutcome]]] = defaultdict(list)
    for cell, outcome in members:
        same[same_setting(cell.variant.settings)].append((cell, outcome))
    settings = [_setting(of) for of in same.values()]
    best = {id(one) for one in _unbeaten([one for one in settings if one.may_be_chosen])}
    return Front(
        soc=soc,
        model=model,
        engine=engine or None,
        profile=profile,
        workload=workload,
        phones=list(dict.fromkeys(outcome.phone.serial for _, outcome in members)),
        points=[_point(one, on_front=id(one) in best) for one in settings],
    )


def _setting(members: Sequence[tuple[Cell, CellOutcome]]) -> _Setting:
    by_phone = {outcome.phone.serialno: measure(cell.number, [outcome]) for cell, outcome in members}
    ends = [one.ended for one in by_phone.values()]
    given_up = [outcome.stopped for _, outcome in members]
    # What is wrong on one phone of a SoC is not to be advised for it.
    found = {*ends, *given_up}
    stopped: str | None = "wrong" if "wrong" in found else "failed" if "failed" in found else None
    if stopped is None and all(one or two for one, two in zip(ends, given_up, strict=False)):
        stopped = next(one or two for one, two in zip(given_up, ends, strict=False))
    return _Setting(members[0][0], by_phone, stopped)


def _unbeaten(settings: Sequence[_Setting]) -> list[_Setting]:
    """Those that no other one beats.

    Noise makes a circle of three possible, each of which beats the next. So they go one by one, those with
    the least to show first, and each only by one that is still there.
    """
    noise = noise_of(one for setting in settings for one in setting.by_phone.values())
    kept = list(settings)
    for one in sorted(settings, key=_score):
        if any(_beats(other, one, noise) for other in kept if other is not one):
            kept.remove(one)
    return kept


def _score(setting: _Setting) -> float:
    score = _log(setting.fidelity)
    for figure in FIGURES:
        values = setting.values(figure)
        if values:
            worth = statistics.fmean(map(math.log, values))
            score += -worth if figure == _MEMORY else worth
    return score


def _beats(other: _Setting, one: _Setting, noise: dict[str, Noise]) -> bool:
    """Whether the other is clearly better in one figure and clearly worse in none."""
    gains = [_gain(other, one, figure, noise[figure]) for figure in FIGURES]
    if one.fidelity is not None:
        more = (other.fidelity or 0.0) - one.fidelity
        gains.append(0.0 if abs(more) <= FIDELITY_MATTERS else more)
    return min(gains) >= 0 and max(gains) > 0


def _gain(other: _Setting, one: _Setting, figure: str, noise: Noise) -> float:
    """By how much a figure is clearly better (above 0) or worse; 0 where noise may be all of it."""
    pairs = [
        (theirs.figures[figure], mine.figures[figure])
        for phone, mine in one.by_phone.items()
        if (theirs := other.by_phone.get(phone)) is not None
        and figure in mine.figures
        and figure in theirs.figures
    ]
    if not pairs:
        return 0.0
    more = statistics.fmean(theirs.mean - mine.mean for theirs, mine in pairs)
    chance = doubt(noise, *(count for theirs, mine in pairs for count in (theirs.count, mine.count)))
    if abs(more) <= max(math.log1p(MATTERS), chance / len(pairs)):
        return 0.0
    return -more if figure == _MEMORY else more


def _point(setting: _Setting, *, on_front: bool) -> FrontPoint:
    values = {figure: found for figure in FIGURES if (found := setting.values(figure))}
    medians = {figure: statistics.median(found) for figure, found in values.items()}
    return FrontPoint(
        cell=setting.cell.number,
        settings=setting.cell.variant.settings,
        launches=sum(one.launches for one in setting.by_phone.values()),
        stopped=setting.stopped,
        prefill_tok_s=medians.get("prefill_tok_s"),
        decode_tok_s=medians.get("decode_tok_s"),
        peak_memory_mib=medians.get(_MEMORY),
        fidelity=setting.fidelity,
        ranges={figure: (min(found), max(found)) for figure, found in values.items()},
        on_front=on_front,
    )
