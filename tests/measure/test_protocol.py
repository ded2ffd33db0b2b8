"""What a phone is told to work through."""

from __future__ import annotations

from typing import Any

import pytest

from devicehub.measure.protocol import plan_comparison, plan_steps
from devicehub.profiles.schema import GateSpec
from devicehub.runs.model import Protocol
from devicehub.runs.steps import Step, folder_number, own_steps


def protocol(**changed: Any) -> Protocol:
    fields: dict[str, Any] = {"id": "p", "summary": "s", "workload": "bench", "gate": GateSpec()}
    return Protocol(**fields | changed)


def plan(asked: Protocol | None = None, **changed: Any) -> list[Step]:
    options: dict[str, Any] = {
        "launches": 1, "fixture_prompts": 0, "gpu": False, "idle": False, "cost": False, "unsampled": False,
    }  # fmt: skip
    return plan_steps(asked, **options | changed)


def test_without_a_protocol_it_is_one_launch_as_it_comes() -> None:
    assert plan() == [Step(kind="measured")]


def test_the_standard_warms_up_and_waits_before_each_measured_launch() -> None:
    steps = plan(protocol())
    assert [step.kind for step in steps] == ["warmup", *["measured"] * 6]
    assert [step.gated for step in steps] == [False, *[True] * 6]


def test_the_fixture_is_answered_before_anything_warms_up() -> None:
    steps = plan(protocol(launches=1), fixture_prompts=3, idle=True)
    assert [step.kind for step in steps] == ["idle", *["fixture"] * 3, "warmup", "measured"]
    assert [step.prompt for step in steps] == [None, 0, 1, 2, None, None]


@pytest.mark.parametrize("warmups", [0, 1, 2])
def test_a_gpu_always_gets_a_warm_up(warmups: int) -> None:
    steps = plan(protocol(warmups=warmups), gpu=True)
    assert sum(step.kind == "warmup" for step in steps) == max(warmups, 1)
    assert plan(gpu=True) == [Step(kind="warmup"), Step(kind="measured")]


def test_cost_alternates_launches_with_and_without_sampling() -> None:
    measured = [step.sampled for step in plan(cost=True)]
    assert measured == [True, False, False, True, True, False, False, True]
    assert [step.sampled for step in plan(protocol(), cost=True)].count(False) == 6


def test_a_phone_that_sampling_slows_is_left_alone_in_measured_launches_only() -> None:
    steps = plan(protocol(launches=2), unsampled=True)
    assert [step.sampled for step in steps] == [True, False, False]


def test_a_comparison_alternates_abba_in_complete_pairs() -> None:
    steps = plan_comparison(protocol(launches=3), fixture_prompts=(3, 0), gpu=(False, True), unsampled=False)
    measured = [step.arm for step in steps if step.kind == "measured"]
    assert measured == [0, 1, 1, 0, 0, 1]
    assert [(step.kind, step.arm) for step in steps[:5]] == [
        *[("fixture", 0)] * 3,
        ("warmup", 0),
        ("warmup", 1),
    ]


def test_steps_are_counted_within_their_own_run() -> None:
    steps = plan_comparison(protocol(launches=2), fixture_prompts=(0, 0), gpu=(False, False), unsampled=False)
    assert [step.arm for step in steps] == [0, 1, 0, 1, 1, 0]
    assert list(own_steps(steps, 1)) == [2, 4, 5]
    assert [folder_number(steps, number) for number in range(1, 7)] == [1, 1, 2, 2, 3, 3]


def test_each_measured_launch_of_a_suite_has_a_prompt_of_its_own() -> None:
    steps = plan(protocol(launches=3), fixture_prompts=1, suite=True)
    assert [(step.kind, step.prompt) for step in steps] == [
        ("fixture", 0),
        ("warmup", None),
        *(("measured", number) for number in range(3)),
    ]


def test_both_launches_of_a_pair_have_the_same_prompt() -> None:
    steps = plan_comparison(
        protocol(launches=3), fixture_prompts=(0, 0), gpu=(False, False), unsampled=False, suite=True
    )
    measured = [(step.arm, step.prompt) for step in steps if step.kind == "measured"]
    assert measured == [(0, 0), (1, 0), (1, 1), (0, 1), (0, 2), (1, 2)]
