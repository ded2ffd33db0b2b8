"""The ratio of pairs, what it says, and how many more pairs would."""

from __future__ import annotations

import math
import random

import pytest

from devicehub.measure.drift import LEAST_PAIRS
from devicehub.measure.interval import Estimate, Finding, PairFigures, estimate, more_pairs
from devicehub.measure.student import t_quantile


def _list(logs_a: list[float], logs_b: list[float]) -> list[PairFigures]:
    """Pairs of an ABBA list by the logarithms of their figures."""
    pairs = []
    for place, (a, b) in enumerate(zip(logs_a, logs_b, strict=True)):
        first, second = 2 * place + 1, 2 * place + 2
        places = (second, first) if place % 2 else (first, second)
        pairs.append(PairFigures(math.exp(a), math.exp(b), *places))
    return pairs


def test_few_pairs_have_the_interval_of_their_logarithms() -> None:
    found = estimate(_list([0.0, 0.0, 0.0], [-0.10, -0.12, -0.11]))
    assert found.centre == pytest.approx(-0.11)
    assert found.spread == pytest.approx(0.01)
    assert found.half == pytest.approx(t_quantile(0.975, 2) * 0.01 / math.sqrt(3))


def test_one_pair_has_no_interval() -> None:
    found = estimate(_list([0.0], [0.1]))
    assert (found.spread, found.half) == (None, None)
    assert found.finding(0.05) == "inconclusive"
    assert more_pairs(found, 0.05) is None


def test_pairs_at_the_same_time_are_not_taken_for_neighbours() -> None:
    logs = [0.01, -0.02, 0.0, 0.03, -0.01, 0.02, -0.03]
    found = estimate([PairFigures(1.0, math.exp(log), place, place) for place, log in enumerate(logs)])
    assert found.centre == pytest.approx(sum(logs) / 7)
    assert found.half == pytest.approx(t_quantile(0.975, 6) * (found.spread or 0) / math.sqrt(7))


@pytest.mark.parametrize("jump", range(1, 12))
def test_step_within_a_pair_does_not_hide_a_difference(jump: int) -> None:
    noise = random.Random(jump)
    arms = [0, 1, 1, 0] * 3
    logs = [-0.05 * arm + noise.gauss(0, 0.005) - 0.3 * (place >= jump) for place, arm in enumerate(arms)]
    found = estimate(
        _list(
            [logs[4 * i + j] for i in range(3) for j in (0, 3)],
            [logs[4 * i + j] for i in range(3) for j in (1, 2)],
        )
    )
    assert found.centre == pytest.approx(-0.05, abs=0.01)
    assert found.finding(0.02) == "less"


def test_constant_figures_differ_without_doubt() -> None:
    count = LEAST_PAIRS
    assert estimate(_list([0.0] * count, [-0.1] * count)).finding(0.05) == "less"
    assert estimate(_list([0.0] * count, [0.0] * count)).finding(0.05) == "no_difference"


@pytest.mark.parametrize(
    ("centre", "half", "finding"),
    [
        (0.10, 0.02, "more"),
        (-0.10, 0.02, "less"),
        (0.0, 0.04, "no_difference"),
        (0.0, 0.05, "inconclusive"),
        (0.02, 0.01, "no_difference"),  # beyond 1, and too small to matter
        (0.04, 0.03, "more"),  # reaches beyond the margin
        (0.03, 0.04, "inconclusive"),
    ],
)
def test_finding_follows_from_interval_and_margin(centre: float, half: float, finding: Finding) -> None:
    assert Estimate(6, centre, 0.05, half, in_list=True).finding(0.05) == finding


def test_five_percent_slower_is_as_far_from_1_as_the_margin() -> None:
    assert Estimate(6, math.log(0.95), 0.0, 0.0, in_list=True).finding(0.05) == "less"
    assert Estimate(6, math.log(0.96), 0.0, 0.0, in_list=True).finding(0.05) == "no_difference"


@pytest.mark.parametrize("in_list", [True, False])
@pytest.mark.parametrize("centre", [0.0, 0.024, -0.06])
def test_wider_spread_needs_more_pairs(centre: float, *, in_list: bool) -> None:
    needed = [
        more_pairs(Estimate(6, centre, spread, 1.0, in_list=in_list), 0.05) for spread in (0.03, 0.06, 0.12)
    ]
    known = [count for count in needed if count is not None]
    assert known == sorted(known)
    assert len(set(known)) == 3
    assert more_pairs(Estimate(6, centre, 3.0, 1.0, in_list=in_list), 0.05) is None


def test_proposed_pairs_decide_about_as_often_as_stated() -> None:
    noise = random.Random(8)
    proposal = more_pairs(Estimate(6, -0.04, 0.07, 0.08, in_list=True), 0.05)
    assert proposal is not None
    count, decided = 6 + proposal, 0
    for _ in range(200):
        logs_a, logs_b = ([noise.gauss(0, 0.07 / math.sqrt(2)) for _ in range(count)] for _ in "ab")
        found = estimate(_list(logs_a, [log - 0.04 for log in logs_b]))
        decided += found.finding(0.05) != "inconclusive"
    assert 140 <= decided <= 185
