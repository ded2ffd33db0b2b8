"""Limits against a baseline: one-sided tests on pairs, and which of a campaign's many are no chance. Pure.

A limit is failed where the mean is beyond it and is no chance: one-sided t of the pairs' log ratios against
no change, by Benjamini and Hochberg over all such limits of a campaign, so that at most about one in twenty
that are called failed is not. It is passed where the one-sided 95 % bound lies within it. Beside a drift the
estimate is that of `measure.interval`, with its degrees of freedom.
"""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING, Final

from devicehub.campaign.limits import worst_log
from devicehub.campaign.planned import LESS_IS_BETTER
from devicehub.campaign.result import LimitResult
from devicehub.measure.interval import MOST_PAIRS, POWER
from devicehub.measure.student import t_cdf, t_quantile

if TYPE_CHECKING:
    from collections.abc import Iterable

    from devicehub.campaign.planned import Limit
    from devicehub.campaign.result import CellState
    from devicehub.measure.interval import Estimate

FALSE_SHARE: Final = 0.05
"""Of the limits that are called failed, this share at most is not, in the long run."""
_CONFIDENCE: Final = 0.95


def judge_relative(place: int, limit: Limit, found: Estimate | None, *, alpha: float) -> LimitResult:
    """Hold a limit against what the pairs say.

    Args:
        place: of the limit in its plan.
        limit: a relative one.
        found: the ratio of the cell's figure to the baseline's; None where no pair has the figure.
        alpha: the largest chance at which a mean that is worse counts as no chance.
    """
    if found is None:
        return _inconclusive(place, limit, f"no pair of launches has {limit.figure} on both sides")
    worse = _worse(limit, found.ratio, found.pairs)
    if found.error is None:
        sentence = f"{worse}: one pair has no interval"
        return _inconclusive(place, limit, sentence, value=found.ratio, pairs=found.pairs)
    centre, worst = _sign(limit) * found.centre, worst_log(limit)
    bound = centre - t_quantile(_CONFIDENCE, found.freedom) * found.error
    p = _chance_of(centre, found.error, found.freedom)
    low, high = found.bounds
    allowed = f"{_percent(limit.worse_by or 0)} are allowed"
    state: CellState = "inconclusive"
    more = None
    if bound >= worst:
        state = "passed"
        sentence = f"{worse}, {_certainly(limit, bound)}; {allowed}"
    elif centre < worst and p <= alpha:
        state = "failed"
        sentence = f"{worse}, which is no chance ({_p(p)}); {allowed}"
    else:
        more = more_pairs(limit, found, alpha=alpha)
        chance = f"which may be chance ({_p(p)})" if centre < worst else _certainly(limit, bound)
        sentence = f"{worse}, {chance}; {allowed}: {_how_many(more)}"
    return LimitResult(
        limit=place,
        text=limit.text,
        state=state,
        sentence=sentence,
        value=found.ratio,
        low=low,
        high=high,
        p=p,
        pairs=found.pairs,
        more_pairs=more,
    )


def largest_chance(chances: Iterable[float]) -> float:
    """The largest p that is no chance among all of a campaign, by Benjamini and Hochberg.

    Args:
        chances: the p of each of its relative limits that has one.
    """
    ordered = sorted(chances)
    if not ordered:
        return FALSE_SHARE
    steps = [FALSE_SHARE * rank / len(ordered) for rank in range(1, len(ordered) + 1)]
    held = [step for p, step in zip(ordered, steps, strict=True) if p <= step]
    return held[-1] if held else steps[0]


def more_pairs(limit: Limit, found: Estimate, *, alpha: float) -> int | None:
    """How many more pairs would decide with a chance of about `POWER`; None where too many.

    Supposed is that the next comparison's pairs have the ratio and the spread of these.
    """
    if found.spread is None or found.pairs >= MOST_PAIRS:
        return None
    if _decides(limit, found, MOST_PAIRS, alpha) < POWER:
        return None
    few, enough = found.pairs, MOST_PAIRS
    while enough - few > 1:
        middle = (few + enough) // 2
        if _decides(limit, found, middle, alpha) >= POWER:
            enough = middle
        else:
            few = middle
    return enough - found.pairs


def _decides(limit: Limit, found: Estimate, count: int, alpha: float) -> float:
    """The chance that so many pairs decide one way or the other."""
    assert found.spread is not None
    error = found.spread / math.sqrt(count)
    if error == 0:
        return 1.0
    worst, free = worst_log(limit), found.freedom_of(count)
    means = statistics.NormalDist(_sign(limit) * found.centre, error)
    passes = 1 - means.cdf(worst + t_quantile(_CONFIDENCE, free) * error)
    return passes + means.cdf(min(worst, -t_quantile(1 - alpha, free) * error))


def _chance_of(centre: float, error: float, free: float) -> float:
    """Of so low a mean, were nothing changed."""
    if error == 0:
        return 0.0 if centre < 0 else 1.0
    return t_cdf(centre / error, free)


def _sign(limit: Limit) -> int:
    return -1 if limit.figure in LESS_IS_BETTER else 1


def _worse(limit: Limit, ratio: float, pairs: int) -> str:
    over = "one pair" if pairs == 1 else f"{pairs} pairs"
    return f"{limit.figure} is {_change(limit, ratio)} than the baseline's over {over}"


def _certainly(limit: Limit, bound: float) -> str:
    ratio = math.exp(_sign(limit) * bound)
    least = "at most" if bound < 0 else "at least"
    return f"with 95 % certainty {least} {_change(limit, ratio)}"


def _change(limit: Limit, ratio: float) -> str:
    is_worse = ratio > 1 if limit.figure in LESS_IS_BETTER else ratio < 1
    return f"{_percent(abs(ratio - 1))} {'worse' if is_worse else 'better'}"


def _percent(share: float) -> str:
    return f"{round(share * 100, 1):g} %" if share < 1 else f"{share * 100:.0f} %"


def _p(p: float) -> str:
    return f"p = {p:.2g}" if p >= 0.001 else "p < 0.001"


def _how_many(more: int | None) -> str:
    if more is None:
        return "more pairs would hardly decide"
    return f"about {more} more {'pair' if more == 1 else 'pairs'} would decide"


def _inconclusive(
    place: int, limit: Limit, sentence: str, *, value: float | None = None, pairs: int = 0
) -> LimitResult:
    return LimitResult(
        limit=place, text=limit.text, state="inconclusive", sentence=sentence, value=value, pairs=pairs
    )
