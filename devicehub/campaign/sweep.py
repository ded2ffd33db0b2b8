"""A sweep: which setting runs next and how often, and when one is given up. Pure.

Every setting runs once, in an order drawn from the seed; those that are not clearly worse than another run
on, twice as long each round, up to all launches. Whether one is clearly worse is judged anew each time, from
everything that was measured: a setting that was given up after a first launch comes back when later ones show
that the phone's figures spread more than was supposed.
"""

from __future__ import annotations

import hashlib
import math
import statistics
from typing import TYPE_CHECKING, Final

import msgspec

from devicehub.campaign.outcome import Arm, CellOutcome, LaunchFigures, Trace
from devicehub.measure.student import t_quantile

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from devicehub.campaign.planned import Cell

WRONG_AT_MOST: Final = 0.05
"""The chance that one pair of equal settings of a group passes for unequal in a figure."""
MATTERS: Final = 0.03
"""A smaller difference of a figure decides nothing."""
UNSURE: Final = 0.15
"""What two figures must differ by where a spread is not known, or one of them is of a single launch."""
FIDELITY_MATTERS: Final = 0.01
MEMORY_MATTERS: Final = 0.05
_LEAST_DEGREES: Final = 3
_WRONG: Final = "wrong_output"
_SPEEDS: Final = ("prefill_tok_s", "decode_tok_s")
_MEMORY: Final = "peak_memory_mib"
FIGURES: Final = (*_SPEEDS, _MEMORY)
"""What is measured of each launch; fidelity is of a run."""
_ROUNDS: Final = (1, 3)


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """A cell is to run once more, with so many launches."""

    cell: int
    launches: int


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One figure of one setting on one phone, in natural logarithms."""

    count: int
    mean: float
    squares: float
    """The sum of squared distances from the mean."""


class Noise(msgspec.Struct, frozen=True, kw_only=True):
    """How much a figure spreads from launch to launch.

    Attributes:
        sigma: standard deviation of one launch's logarithm.
        degrees: of freedom behind it.
        settings: how many are held against each other.
    """

    sigma: float
    degrees: int
    settings: int


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one setting on one phone.

    Attributes:
        launches: that were made, also those that do not count.
        ended: why it does not go on whatever the others do: wrong, failed, or a cell's problem.
        figures: by name, of the launches that count.
        values: the same as they were measured.
    """

    cell: int
    launches: int
    ended: str | None
    figures: dict[str, Sample]
    values: dict[str, list[float]]
    fidelity: float | None


def next_round(
    cells: Sequence[Cell], done: Mapping[int, Sequence[CellOutcome]], *, launches: int, seed: int
) -> Round | None:
    """Which setting of a group runs next on its phone; None when nothing is left to do.

    Args:
        cells: the settings.
        done: what each cell's rounds came to so far, by its number, the first round first.
        launches: how many a setting has that is not given up.
        seed: of the order.
    """
    given_up = stops(cells, done)
    waiting = [cell for cell in cells if cell.number not in given_up]
    made = {cell.number: sum(map(_made, done.get(cell.number, ()))) for cell in waiting}
    open_ = [cell for cell in waiting if made[cell.number] < launches]
    if not open_:
        return None

    def turn(cell: Cell) -> tuple[int, bytes]:
        so_far = made[cell.number]
        lot = f"{seed}:{cell.group}:{so_far}:{cell.number}"
        return so_far, hashlib.sha256(lot.encode()).digest()

    chosen = min(open_, key=turn)
    so_far = made[chosen.number]
    return Round(cell=chosen.number, launches=_goal(so_far, launches) - so_far)


def stops(cells: Sequence[Cell], done: Mapping[int, Sequence[CellOutcome]]) -> dict[int, str]:
    """Why settings are given up, by their cell: wrong, failed, slower, or why there is no run."""
    known = [measure(cell.number, done[cell.number]) for cell in cells if done.get(cell.number)]
    given_up = {one.cell: one.ended for one in known if one.ended is not None}
    alive = [one for one in known if one.ended is None]
    noise = noise_of(alive)
    for one in alive:
        if any(_is_clearly_worse(one, other, noise) for other in alive if other is not one):
            given_up[one.cell] = "slower"
    return given_up


def measure(cell: int, rounds: Sequence[CellOutcome]) -> Measured:
    """What a cell's rounds came to, as figures."""
    arms = [outcome.arm for outcome in rounds if outcome.arm is not None]
    counted = [launch for arm in arms for launch in arm.launches if launch.counts]
    values = {
        name: [value for launch in counted if (value := getattr(launch, name)) is not None and value > 0]
        for name in FIGURES
    }
    shares = [arm.fidelity for arm in arms if arm.fidelity is not None]
    return Measured(
        cell=cell,
        launches=sum(map(_made, rounds)),
        ended=next((why for outcome in rounds if (why := _ended(outcome)) is not None), None),
        figures={name: _sample(found) for name, found in values.items() if found},
        values={name: found for name, found in values.items() if found},
        fidelity=min(shares, default=None),
    )


def noise_of(known: Iterable[Measured]) -> dict[str, Noise]:
    """How much each figure spreads, over all settings."""
    settings = list(known)
    noise: dict[str, Noise] = {}
    for name in FIGURES:
        samples = [one.figures[name] for one in settings if name in one.figures]
        degrees = sum(one.count - 1 for one in samples)
        sigma = math.sqrt(math.fsum(one.squares for one in samples) / degrees) if degrees else 0.0
        noise[name] = Noise(sigma=sigma, degrees=degrees, settings=len(samples))
    return noise


def doubt(noise: Noise, *counts: int) -> float:
    """How far two means of logarithms may lie apart by chance, with so many launches behind each."""
    known = noise.degrees >= _LEAST_DEGREES
    by_spread = 0.0
    if known:
        pairs = noise.settings * (noise.settings - 1) / 2
        share = 1 - WRONG_AT_MOST / 2 / max(pairs, 1)
        by_spread = t_quantile(share, noise.degrees) * noise.sigma * math.sqrt(sum(1 / one for one in counts))
    return by_spread if known and min(counts) > 1 else max(by_spread, math.log1p(UNSURE))


def merge(rounds: Sequence[CellOutcome], stopped: str | None = None) -> CellOutcome:
    """One outcome of a cell's rounds: their launches in one row, the conditions of the last.

    Args:
        rounds: at least one, in the order in which they ran.
        stopped: why there were not more, as `stops` says.
    """
    last = rounds[-1]
    measured = [outcome for outcome in rounds if outcome.arm is not None and outcome.problem is None]
    changes: dict[str, object] = {
        "stopped": stopped,
        "suite": next((one.suite for one in reversed(rounds) if one.suite is not None), None),
        "evaluation": next((one.evaluation for one in reversed(rounds) if one.evaluation is not None), None),
    }
    if measured:
        arm = _join([outcome.arm for outcome in measured if outcome.arm is not None])
        if len(measured) < len(rounds):
            # What was measured is worth a judgement; that it is less than was planned must be seen.
            missing = f"{len(rounds) - len(measured)} of {len(rounds)} rounds were not measured: {last.why}"
            arm = msgspec.structs.replace(arm, flags=[*arm.flags, missing])
        changes |= {"arm": arm, "problem": None, "why": None, "phone": measured[-1].phone}
    return msgspec.structs.replace(last, **changes)


def _join(arms: Sequence[Arm]) -> Arm:
    last = arms[-1]
    bad = next((arm for arm in arms if arm.verdict != "succeeded"), last)
    start = next((arm.started for arm in arms if arm.started is not None), None)
    launches: list[LaunchFigures] = []
    at_s: list[float] = []
    temp_c: list[float] = []
    for arm in arms:
        later_s = arm.started - start if arm.started is not None and start is not None else 0.0
        at_s += [moment + later_s for moment in arm.trace.at_s]
        temp_c += arm.trace.temp_c
        launches += [
            _renumbered(one, len(launches) + place, later_s, arm.run)
            for place, one in enumerate(arm.launches, 1)
        ]
    shares = [arm.fidelity for arm in arms if arm.fidelity is not None]
    energies = [arm.joules_per_token for arm in arms if arm.joules_per_token is not None]
    throttled = [arm.throttled for arm in arms if arm.throttled is not None]
    return msgspec.structs.replace(
        last,
        runs=[run for arm in arms for run in (arm.runs or [arm.run])],
        state=bad.state,
        verdict=bad.verdict,
        cause=bad.cause,
        remedy=bad.remedy,
        evidence=bad.evidence,
        trusted=all(arm.trusted for arm in arms),
        trust_reasons=_once(arm.trust_reasons for arm in arms),
        flags=_once(arm.flags for arm in arms),
        fidelity=min(shares, default=None),
        joules_per_token=statistics.median(energies) if energies else None,
        throttled=any(throttled) if throttled else None,
        gate_timed_out=any(arm.gate_timed_out for arm in arms),
        started=start,
        launches=launches,
        trace=Trace(at_s=at_s, temp_c=temp_c),
    )


def _renumbered(launch: LaunchFigures, number: int, later_s: float, run: str) -> LaunchFigures:
    at_s = None if launch.at_s is None else launch.at_s + later_s
    return msgspec.structs.replace(launch, number=number, order=number, at_s=at_s, run=launch.run or run)


def _once(lists: Iterable[Sequence[str]]) -> list[str]:
    return list(dict.fromkeys(text for texts in lists for text in texts))


def _goal(so_far: int, launches: int) -> int:
    """How many launches a setting has after its next round: 1, 3, 6, 12 and so on."""
    steps = [step for step in _ROUNDS if step > so_far]
    goal = steps[0] if steps else _ROUNDS[-1]
    while goal <= so_far:
        goal *= 2
    return min(goal, launches)


def _made(outcome: CellOutcome) -> int:
    """Launches of a round; 1 at least, or a round that gave none would be repeated for ever."""
    if outcome.arm is None:
        return 1
    return max(1, sum(launch.kind == "measured" for launch in outcome.arm.launches))


def _ended(outcome: CellOutcome) -> str | None:
    if outcome.problem is not None or outcome.arm is None:
        return outcome.problem or "not_measured"
    if outcome.arm.verdict == "succeeded":
        return None
    return "wrong" if outcome.arm.cause == _WRONG else "failed"


def _sample(values: Sequence[float]) -> Sample:
    logs = [math.log(value) for value in values]
    mean = statistics.fmean(logs)
    return Sample(count=len(logs), mean=mean, squares=math.fsum((one - mean) ** 2 for one in logs))


def _is_clearly_worse(one: Measured, other: Measured, noise: Mapping[str, Noise]) -> bool:
    """Whether the other is clearly faster in one way, as fast in the other at least, and costs no more."""
    if not _costs_no_more(one, other, noise):
        return False
    clearly = False
    for name in _SPEEDS:
        mine, its = one.figures.get(name), other.figures.get(name)
        if mine is None:
            continue
        if its is None:
            return False
        gain, chance = its.mean - mine.mean, doubt(noise[name], mine.count, its.count)
        if gain - chance < -math.log1p(MATTERS):
            return False  # it may be slower here
        clearly = clearly or gain > max(chance, math.log1p(MATTERS))
    return clearly


def _costs_no_more(one: Measured, other: Measured, noise: Mapping[str, Noise]) -> bool:
    if one.fidelity is not None and (
        other.fidelity is None or other.fidelity < one.fidelity - FIDELITY_MATTERS
    ):
        return False
    mine, its = one.figures.get(_MEMORY), other.figures.get(_MEMORY)
    if mine is None or its is None:
        return mine is None
    spread = noise[_MEMORY]
    chance = spread.sigma * math.sqrt(1 / mine.count + 1 / its.count)
    return its.mean - mine.mean <= max(math.log1p(MEMORY_MATTERS), chance)
