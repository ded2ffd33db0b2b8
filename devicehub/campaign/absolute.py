"""Limits with a bound of their own: by the interval over launches, or the value itself. Pure."""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING, Final

from devicehub.campaign.limits import keeps
from devicehub.campaign.planned import LESS_IS_BETTER, SHARES, SPEEDS
from devicehub.campaign.result import LimitResult
from devicehub.measure.student import t_quantile
from devicehub.units import format_share

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devicehub.campaign.outcome import CellOutcome
    from devicehub.campaign.planned import Limit, LimitFigure
    from devicehub.campaign.result import CellState

LEAST_LAUNCHES: Final = 3
"""Fewer give an interval that decides nothing."""
_CONFIDENCE: Final = 0.95


def judge_absolute(place: int, limit: Limit, outcome: CellOutcome) -> LimitResult:
    """Hold a limit against what a cell's own run gave.

    Args:
        place: of the limit in its plan.
        limit: one with a bound.
        outcome: with an arm.
    """
    if limit.figure in SPEEDS:
        return _by_launches(place, limit, launch_values(outcome, limit.figure))
    if limit.figure == "accuracy":
        return _by_answers(place, limit, outcome)
    value, why = _run_value(outcome, limit.figure)
    if value is None:
        return _undecided(place, limit, f"{limit.figure} is not known: {why}")
    return _decided(place, limit, f"{limit.figure} is {show(limit.figure, value)}", value, value, value)


def launch_values(outcome: CellOutcome, figure: LimitFigure) -> list[float]:
    """A figure of each of the cell's own launches that count and have it."""
    if outcome.arm is None:
        return []
    values = [getattr(launch, figure) for launch in outcome.arm.launches if launch.counts]
    return [value for value in values if value is not None]


def show(figure: LimitFigure, value: float) -> str:
    """A value of a figure for a person."""
    if figure in SHARES:
        return format_share(value)
    return f"{value:.0f}" if value >= 1000 else f"{value:.3g}"


def _by_launches(place: int, limit: Limit, values: Sequence[float]) -> LimitResult:
    if len(values) < LEAST_LAUNCHES:
        counted = f"only {len(values)} launch{'' if len(values) == 1 else 'es'} with {limit.figure}"
        sentence = f"{counted} where an interval takes {LEAST_LAUNCHES}"
        value = statistics.fmean(values) if values else None
        return _undecided(place, limit, sentence, value)
    mean = statistics.fmean(values)
    spread = statistics.stdev(values) / math.sqrt(len(values))
    half = t_quantile((1 + _CONFIDENCE) / 2, len(values) - 1) * spread
    said = f"{limit.figure} is {show(limit.figure, mean)} on average over {len(values)} launches"
    return _decided(place, limit, said, mean, mean - half, mean + half)


def _by_answers(place: int, limit: Limit, outcome: CellOutcome) -> LimitResult:
    found = outcome.evaluation
    if found is None or found.accuracy is None:
        return _undecided(place, limit, "accuracy is not known: the run asked no questions with choices")
    low = found.accuracy if found.low is None else found.low
    high = found.accuracy if found.high is None else found.high
    said = f"accuracy is {show('accuracy', found.accuracy)}, {found.right} of {found.of} questions"
    return _decided(place, limit, said, found.accuracy, low, high)


def _run_value(outcome: CellOutcome, figure: LimitFigure) -> tuple[float | None, str]:
    """A figure that the run as a whole has, or why it has none."""
    assert outcome.arm is not None
    if figure == "fidelity":
        return outcome.arm.fidelity, outcome.arm.fidelity_reason or "the model was not asked its fixture"
    if figure == "joules_per_token":
        return outcome.arm.joules_per_token, "the run measured no energy"
    if figure == "suite":
        suite = outcome.suite
        share = suite.passed / suite.of if suite is not None and suite.of else None
        return share, "the run asked no prompt suite"
    return outcome.evaluation.perplexity if outcome.evaluation else None, "the run measured no perplexity"


def _decided(place: int, limit: Limit, said: str, value: float, low: float, high: float) -> LimitResult:
    """By an interval: within the limit, beyond it, or over it on both sides."""
    assert limit.bound is not None
    within = {keeps(limit, low), keeps(limit, high)}
    state: CellState = "inconclusive" if len(within) > 1 else "passed" if within == {True} else "failed"
    span = "" if low == high else f" (95 %: {show(limit.figure, low)} to {show(limit.figure, high)})"
    side = "at most" if limit.figure in LESS_IS_BETTER else "at least"
    sentence = f"{said}{span}; asked is {side} {show(limit.figure, limit.bound)}"
    return LimitResult(
        limit=place, text=limit.text, state=state, sentence=sentence, value=value, low=low, high=high
    )


def _undecided(place: int, limit: Limit, sentence: str, value: float | None = None) -> LimitResult:
    return LimitResult(limit=place, text=limit.text, state="inconclusive", sentence=sentence, value=value)
