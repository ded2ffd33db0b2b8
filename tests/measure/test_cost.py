"""What sampling costs, from launches with and without it in turn."""

from __future__ import annotations

import random
from typing import Any

import pytest

from devicehub.measure.cost import COSTLY, sampling_cost
from devicehub.runs.model import Launch
from devicehub.workloads.record import Record


def launch(speed: float | None, *, sampled: bool, **changed: Any) -> Launch:
    fields: dict[str, Any] = {
        "verdict": "succeeded",
        "cause": None,
        "text": None,
        "records": [Record(tool="llm_bench", source="json", decode_tok_s=speed)],
        "exit_status": 0,
        "sampled": sampled,
    }
    return Launch(**fields | changed)


def in_turn(
    count: int, *, cost: float, drift: float = 0.0, noise: float = 0.0, seed: int = 1
) -> list[Launch]:
    rng = random.Random(seed)
    return [
        launch(
            100 * (1 - cost * (number % 2 == 0)) * (1 - drift) ** number * (1 + rng.gauss(0, noise)),
            sampled=number % 2 == 0,
        )
        for number in range(count)
    ]


@pytest.mark.parametrize("count", [3, 6, 7, 12])
@pytest.mark.parametrize("cost", [0.0, 0.02, -0.01])
def test_steady_drift_cancels(count: int, cost: float) -> None:
    assert sampling_cost(in_turn(count, cost=cost, drift=0.01)) == pytest.approx(cost, abs=1e-9)


def test_order_of_a_comparison_gives_the_same() -> None:
    order = [True, False, False, True, True, False, False, True]
    launches = [launch(97.0 if sampled else 100.0, sampled=sampled) for sampled in order]
    assert sampling_cost(launches) == pytest.approx(0.03)


def test_noise_is_averaged() -> None:
    found = [sampling_cost(in_turn(12, cost=0.05, noise=0.02, seed=seed)) for seed in range(200)]
    assert all(share is not None for share in found)
    near = [share for share in found if share is not None and abs(share - 0.05) < 0.03]
    assert len(near) > 180


@pytest.mark.parametrize(
    "spoilt",
    [
        {"verdict": "failed"},
        {"cold": True},
        {"records": []},
        {"records": [Record(tool="llm_bench", source="json", decode_tok_s=0.0)]},
    ],
)
def test_launch_that_does_not_count_tells_nothing_with_its_neighbours(spoilt: dict[str, Any]) -> None:
    launches = in_turn(6, cost=0.02)
    launches[0] = launch(1.0, sampled=True, **spoilt)
    assert sampling_cost(launches) == pytest.approx(0.02)


def test_warm_ups_and_launches_of_one_kind_tell_nothing() -> None:
    assert sampling_cost([]) is None
    assert sampling_cost([launch(100.0, sampled=True)] * 6) is None
    assert sampling_cost([launch(98.0, sampled=True), launch(100.0, sampled=False)]) is None
    warm_up = launch(50.0, sampled=True, kind="warmup")
    assert sampling_cost([warm_up, *in_turn(3, cost=0.0)]) == pytest.approx(0.0)
    assert 0 < COSTLY < 0.1
