"""One-sided judgement of pairs, and what of many is no chance."""

from __future__ import annotations

import math
import random
import statistics

import pytest

from devicehub.campaign.limits import parse_demand
from devicehub.campaign.planned import Limit
from devicehub.campaign.relative import judge_relative, largest_chance, more_pairs
from devicehub.measure.interval import PairFigures, estimate
from devicehub.measure.student import t_cdf, t_quantile


def _limit(text: str) -> Limit:
    limit = parse_demand(text)
    assert isinstance(limit, Limit)
    return limit


_DECODE = _limit("decode_tok_s no worse than 5 %")


def _pairs(ratios: list[float]) -> list[PairFigures]:
    """Pairs of launches at once, which no drift is fitted to."""
    return [PairFigures(20.0, 20.0 * ratio, place, place) for place, ratio in enumerate(ratios)]


def test_chance_and_bound_are_those_of_one_sided_t() -> None:
    ratios = [0.93, 0.95, 0.92, 0.94]
    logs = [math.log(ratio) for ratio in ratios]
    error = statistics.stdev(logs) / 2
    found = judge_relative(0, _DECODE, estimate(_pairs(ratios)), alpha=0.05)
    assert found.p == pytest.approx(t_cdf(statistics.fmean(logs) / error, 3))
    assert found.state == "failed"
    assert found.value == pytest.approx(math.exp(statistics.fmean(logs)))
    assert judge_relative(0, _DECODE, estimate(_pairs(ratios)), alpha=1e-6).state == "inconclusive"
    bound = math.exp(statistics.fmean(logs) - t_quantile(0.95, 3) * error)
    for share, state in ((1 - bound + 1e-4, "passed"), (1 - bound - 1e-4, "inconclusive")):
        limit = Limit(text="", figure="decode_tok_s", worse_by=share)
        assert judge_relative(0, limit, estimate(_pairs(ratios)), alpha=0.05).state == state


def test_mean_that_is_surely_worse_and_within_the_limit_does_not_fail() -> None:
    found = judge_relative(0, _DECODE, estimate(_pairs([0.96, 0.961, 0.959, 0.96])), alpha=0.05)
    assert found.p is not None
    assert found.p < 1e-4
    assert found.state == "passed"


def test_equal_launches_without_any_spread_decide() -> None:
    for ratio, state in ((1.0, "passed"), (0.96, "passed"), (0.9, "failed")):
        found = judge_relative(0, _DECODE, estimate(_pairs([ratio] * 4)), alpha=0.05)
        assert found.state == state


def test_more_time_is_worse_than_less() -> None:
    load = _limit("load_ms no worse than 5 %")
    slower = judge_relative(0, load, estimate(_pairs([1.10, 1.12, 1.09, 1.11])), alpha=0.05)
    faster = judge_relative(0, load, estimate(_pairs([0.90, 0.92, 0.89, 0.91])), alpha=0.05)
    assert (slower.state, faster.state) == ("failed", "passed")
    assert "10.5 % worse" in slower.sentence
    assert "better" in faster.sentence


def test_nothing_to_hold_the_limit_against() -> None:
    found = judge_relative(3, _DECODE, None, alpha=0.05)
    assert (found.limit, found.state, found.p, found.pairs) == (3, "inconclusive", None, 0)


@pytest.mark.parametrize(
    ("chances", "largest"),
    [
        ([], 0.05),
        ([0.04], 0.05),
        ([0.06], 0.05),
        ([0.01, 0.03], 0.05),
        ([0.03, 0.5], 0.025),
        ([0.001, 0.008, 0.039, 0.041, 0.042, 0.06, 0.074, 0.205], 0.05 * 2 / 8),
    ],
)
def test_step_of_benjamini_and_hochberg(chances: list[float], largest: float) -> None:
    assert largest_chance(reversed(chances)) == pytest.approx(largest)


def test_so_many_more_pairs_do_decide() -> None:
    """Counted over draws with the ratio and the spread that the first pairs show."""
    draw = random.Random(4)
    first = [0.99, 0.93, 1.02, 0.95]
    found = estimate(_pairs(first))
    more = more_pairs(_DECODE, found, alpha=0.05)
    assert more is not None
    assert found.spread is not None
    decided = 0
    for _ in range(300):
        ratios = [math.exp(draw.gauss(found.centre, found.spread)) for _ in range(more + len(first))]
        again = judge_relative(0, _DECODE, estimate(_pairs(ratios)), alpha=0.05)
        decided += again.state != "inconclusive"
    assert 0.7 <= decided / 300 <= 0.92


def test_ratio_at_the_limit_is_never_decided() -> None:
    wide = estimate(_pairs([0.95 * 1.05, 0.95 / 1.05, 0.95 * 1.04, 0.95 / 1.04]))
    strict = more_pairs(_DECODE, wide, alpha=1e-12)
    assert strict is None
