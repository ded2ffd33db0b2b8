"""How often a comparison is wrong, and how often it finds what is there: counted over simulated runs.

The noise is drawn here, and the code under test sees nothing of it but the records.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from typing import TYPE_CHECKING, Final

import pytest

from devicehub.measure.compare import compare_records
from tests.measure.halves import abba, halves

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_PAIRS: Final = 6
_FIGURES: Final = {"prefill_tok_s": 812.0, "decode_tok_s": 21.5, "load_ms": 930.0}
_CLAIMS: Final = ("faster", "slower")


def _linear(generator: random.Random) -> Callable[[float], float]:
    return lambda share: share


def _exponential(generator: random.Random) -> Callable[[float], float]:
    rate = generator.uniform(2, 8)
    return lambda share: (1 - math.exp(-rate * share)) / (1 - math.exp(-rate))


def _step(generator: random.Random) -> Callable[[float], float]:
    at = generator.random()
    return lambda share: float(share >= at)


_DRIFTS: Final = {"linear": _linear, "exponential": _exponential, "step": _step}


def _draw(
    generator: random.Random,
    level: float,
    arms: Sequence[int],
    drift: Callable[[float], float],
    *,
    launch: float,
    repeat: float,
    repeats: int,
    slower: float,
) -> list[float]:
    """One figure of each launch in turn: the mean of its repeats, of a phone that slows down by 8 %."""
    values = []
    for place, arm in enumerate(arms):
        speed = level * (1 - 0.08 * drift(place / (len(arms) - 1))) * (1 - slower * arm)
        speed *= 1 + generator.gauss(0, launch)
        values.append(sum(speed * (1 + generator.gauss(0, repeat)) for _ in range(repeats)) / repeats)
    return values


def _count(
    seed: int, drift: str, *, draws: int, launch: float, repeat: float, repeats: int, slower: float = 0.0
) -> dict[str, Counter[str]]:
    """The conclusions on each figure."""
    generator = random.Random(seed)
    arms = abba(_PAIRS)
    found: dict[str, Counter[str]] = {name: Counter() for name in _FIGURES}
    for _ in range(draws):
        columns = [
            _draw(
                generator,
                level,
                arms,
                _DRIFTS[drift](generator),
                launch=launch,
                repeat=repeat,
                repeats=repeats,
                slower=slower,
            )
            for level in _FIGURES.values()
        ]
        rows = [dict(zip(_FIGURES, row, strict=True)) for row in zip(*columns, strict=True)]
        comparison = compare_records(*halves(rows), by="engine")
        for name, figure in comparison.figures.items():
            found[name][str(figure.conclusion)] += 1
    return found


@pytest.mark.parametrize("drift", _DRIFTS)
def test_equal_arms_are_seldom_called_different(drift: str) -> None:
    found = _count(20, drift, draws=400, launch=0.05, repeat=0.02, repeats=5)
    for name, conclusions in found.items():
        assert conclusions.total() == 400, name
        assert sum(conclusions[claim] for claim in _CLAIMS) <= 28, (name, conclusions)


@pytest.mark.parametrize("drift", _DRIFTS)
def test_five_percent_are_found_with_six_pairs(drift: str) -> None:
    found = _count(21, drift, draws=150, launch=0.02, repeat=0.01, repeats=5, slower=0.05)
    # A lower figure is slower, but less time to load is faster.
    assert found["prefill_tok_s"]["slower"] >= 120, found
    assert found["decode_tok_s"]["slower"] >= 120, found
    assert found["load_ms"]["faster"] >= 120, found
