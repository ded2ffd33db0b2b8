"""A sweep finds its planted front with few launches."""

from __future__ import annotations

import dataclasses
import itertools
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from devicehub.campaign.outcome import CellOutcome, Trace
from devicehub.campaign.progress import Progress
from devicehub.campaign.sweep import merge, next_round, stops
from devicehub.campaign.sweep_front import choose, fronts
from devicehub.store.model import AttemptRow, CampaignRow
from tests.campaign.planted import Phone, Truth, cells_of, phone, plan_of, sweep

if TYPE_CHECKING:
    from collections.abc import Sequence

LAUNCHES = 6
SEEDS = range(20)

SETTINGS: list[dict[str, Any]] = [
    {"thread_num": threads, "precision": precision, "attention_mode": mode}
    for threads, precision, mode in itertools.product((1, 2, 4, 6), ("low", "normal", "high"), (8, 10))
]


def truth_of(setting: dict[str, Any]) -> Truth:
    """4 threads are fastest at prompts, 2 at answers; low precision pays; 8 bit KV pays in memory alone."""
    prefill = {1: 60.0, 2: 110.0, 4: 190.0, 6: 130.0}[setting["thread_num"]]
    decode = {1: 12.0, 2: 22.0, 4: 18.0, 6: 8.0}[setting["thread_num"]]
    slower = {"low": 1.0, "normal": 0.85, "high": 0.6}[setting["precision"]]
    compact = setting["attention_mode"] == 10
    if setting["precision"] == "high" and compact:
        return Truth(500.0, 90.0, 300.0, fidelity=0.02, cause="wrong_output")
    memory = 700.0 if compact else 900.0
    fidelity = 0.95 if compact else 1.0
    return Truth(prefill * slower, decode * slower, memory, fidelity)


TRUTHS = [truth_of(setting) for setting in SETTINGS]
PLANTED = [
    setting for setting in SETTINGS if setting["thread_num"] in (2, 4) and setting["precision"] == "low"
]


def found(outcomes: Sequence[CellOutcome], cells: Sequence[Any]) -> list[dict[str, Any]]:
    (front,) = fronts(plan_of(cells), outcomes)
    return [point.settings for point in front.points if point.on_front]


@pytest.mark.parametrize("noise", [0.01, 0.02])
def test_planted_front_is_found_with_sixty_percent_of_the_launches(noise: float) -> None:
    assert len(PLANTED) == 4
    cells = cells_of(SETTINGS, phone("3A021"))
    made = []
    for seed in SEEDS:
        on = Phone(TRUTHS, noise=noise, seed=seed)
        assert found(sweep(cells, on, launches=LAUNCHES, seed=seed), cells) == PLANTED, f"seed {seed}"
        made.append(on.launches / (LAUNCHES * len(cells)))
    assert max(made) <= 0.6, made


def test_noisy_phone_loses_nothing_of_the_front() -> None:
    cells = cells_of(SETTINGS, phone("3A021"))
    kept = 0
    for seed in SEEDS:
        on = Phone(TRUTHS, noise=0.06, seed=seed, drift=0.08)
        outcomes = sweep(cells, on, launches=LAUNCHES, seed=seed)
        kept += all(setting in found(outcomes, cells) for setting in PLANTED)
        assert on.launches <= 0.8 * LAUNCHES * len(cells)
    assert kept >= 19


def test_wrong_and_failed_settings_end_with_their_first_launch() -> None:
    truths = [Truth(100, 10), Truth(900, 90, cause="wrong_output"), Truth(900, 90, cause="segfault")]
    cells = cells_of([{"thread_num": n} for n in (1, 2, 3)], phone("3A021"))
    outcomes = sweep(cells, Phone(truths, noise=0.01, seed=1), launches=6, seed=1)
    assert [(one.stopped, len(one.arm.launches)) for one in outcomes if one.arm] == [
        (None, 6),
        ("wrong", 1),
        ("failed", 1),
    ]
    assert found(outcomes, cells) == [{"thread_num": 1}]


def test_setting_without_a_run_is_asked_for_once() -> None:
    cells = cells_of([{"thread_num": 1}, {"thread_num": 2}], phone("3A021"))
    on = Phone([Truth(100, 10), Truth(100, 10)], noise=0.01, seed=1)
    lost = CellOutcome(cell=2, attempt=1, phone=phone("3A021"), problem="phone_away", why="it was away")
    done = {2: [lost]}
    assert stops(cells, done) == {2: "phone_away"}
    step = next_round(cells, done, launches=2, seed=0)
    assert step is not None
    assert step.cell == 1
    outcomes = [merge([on.run(cells[0], 2)]), merge([lost], "phone_away")]
    assert found(outcomes, cells) == [{"thread_num": 1}]


def test_equal_settings_all_stay() -> None:
    settings = [{"thread_num": n} for n in range(1, 6)]
    cells = cells_of(settings, phone("3A021"))
    truths = [Truth(100, 10)] * 5
    kept = 0
    for seed in SEEDS:
        outcomes = sweep(cells, Phone(truths, noise=0.02, seed=seed), launches=6, seed=seed)
        kept += found(outcomes, cells) == settings
    assert kept >= 18  # of 200 seeds 190 keep all


def test_setting_given_up_by_chance_comes_back() -> None:
    cells = cells_of([{"thread_num": 1}, {"thread_num": 2}, {"thread_num": 3}], phone("3A021"))
    calm, wild = Phone([Truth(130, 13), Truth(100, 10), Truth(100, 10)], noise=0.0, seed=1), 0.25
    first = {cell.number: [calm.run(cell, 1)] for cell in cells}
    assert stops(cells, first) == {2: "slower", 3: "slower"}
    # The leader's own launches turn out to lie far apart.
    noisy = Phone([Truth(130, 13)], noise=wild, seed=3)
    assert stops(cells, {**first, 1: [*first[1], noisy.run(cells[0], 5)]}) == {}


def test_order_is_that_of_the_seed_and_of_nothing_else() -> None:
    cells = cells_of(SETTINGS, phone("3A021"))

    def order(seed: int, given: Sequence[Any]) -> list[int]:
        done: dict[int, list[CellOutcome]] = {}
        numbers: list[int] = []
        on = Phone([Truth(100, 10)] * len(SETTINGS), noise=0.0, seed=1)
        while (step := next_round(given, done, launches=1, seed=seed)) is not None:
            done[step.cell] = [on.run(cells[step.cell - 1], 1)]
            numbers.append(step.cell)
        return numbers

    assert order(1, cells) == order(1, cells[::-1])
    assert sorted(order(1, cells)) == [cell.number for cell in cells]
    assert len({tuple(order(seed, cells)) for seed in range(5)}) == 5


def test_rounds_double_and_add_up() -> None:
    for launches in range(1, 14):
        cells = cells_of([{"thread_num": 1}], phone("3A021"))
        on = Phone([Truth(100, 10)], noise=0.01, seed=1)
        (outcome,) = sweep(cells, on, launches=launches, seed=0)
        assert outcome.arm is not None
        assert [one.number for one in outcome.arm.launches] == list(range(1, launches + 1))
        last = outcome.arm
    assert last.runs == ["run-1", "run-3", "run-6", "run-12", "run-13"]


def test_join_keeps_what_a_later_round_cannot_mend() -> None:
    (cell,) = cells_of([{"thread_num": 1}], phone("3A021"))
    on = Phone([Truth(100, 10)], noise=0.01, seed=1)
    good, later = on.run(cell, 2), on.run(cell, 1)
    assert good.arm is not None
    assert later.arm is not None
    warm = msgspec.structs.replace(good.arm, started=100.0, flags=["x"], trace=Trace(at_s=[0], temp_c=[30]))
    bad = msgspec.structs.replace(
        later.arm, started=160.0, verdict="failed", state="failed", cause="segfault", fidelity=0.5,
        trusted=False, trust_reasons=["x"], trace=Trace(at_s=[1], temp_c=[35]),
    )  # fmt: skip
    joined = merge([msgspec.structs.replace(good, arm=warm), msgspec.structs.replace(later, arm=bad)])
    assert joined.arm is not None
    arm = joined.arm
    assert (arm.verdict, arm.cause, arm.fidelity, arm.trusted) == ("failed", "segfault", 0.5, False)
    assert arm.trace == Trace(at_s=[0, 61], temp_c=[30, 35])
    lost = CellOutcome(cell=1, attempt=1, phone=cell.phone, problem="lost", why="the phone was lost")
    cut = merge([msgspec.structs.replace(good, arm=warm), lost])
    assert cut.arm is not None
    assert (cut.problem, cut.arm.verdict) == (None, "succeeded")
    torn = msgspec.structs.replace(lost, arm=msgspec.structs.replace(bad, verdict=None, cause=None))
    assert merge([msgspec.structs.replace(good, arm=warm), torn]) == cut
    assert stops([cell], {1: [good, torn]}) == {1: "lost"}
    assert cut.arm.flags == ["x", "1 of 2 rounds were not measured: the phone was lost"]


def test_phones_of_one_soc_make_one_front() -> None:
    settings = [{"thread_num": n} for n in (1, 2, 4)]
    slow = [Truth(50, 5), Truth(100, 14), Truth(130, 10)]
    fast = [Truth(p.prefill * 1.2, p.decode * 1.2) for p in slow]
    first, second = cells_of(settings, phone("A")), cells_of(settings, phone("B"), first=4)
    other = cells_of(settings, phone("C", "MT6989"), first=7)
    cells = [*first, *second, *other]
    outcomes = [
        *sweep(first, Phone(slow, noise=0.01, seed=1), launches=3, seed=1),
        *sweep(second, Phone(fast, noise=0.01, seed=2), launches=3, seed=1),
        *sweep(other, Phone([Truth(200, 20), *slow[1:]], noise=0.01, seed=3), launches=3, seed=1),
    ]
    both, alone = fronts(plan_of(cells), outcomes)
    assert (both.soc, both.phones, alone.soc) == ("SM8650", ["A", "B"], "MT6989")
    assert [point.settings["thread_num"] for point in both.points if point.on_front] == [2, 4]
    assert [point.settings["thread_num"] for point in alone.points if point.on_front] == [1]
    assert [(point.cell, point.launches) for point in both.points][1:] == [(2, 6), (3, 6)]


def test_setting_wrong_on_one_phone_is_not_advised_for_its_soc() -> None:
    settings = [{"thread_num": n} for n in (1, 2)]
    first, second = cells_of(settings, phone("A")), cells_of(settings, phone("B"), first=3)
    good = [Truth(50, 5), Truth(100, 10)]
    outcomes = [
        *sweep(first, Phone(good, noise=0.01, seed=1), launches=2, seed=1),
        *sweep(
            second,
            Phone([good[0], Truth(100, 10, cause="wrong_output")], noise=0, seed=2),
            launches=2,
            seed=1,
        ),
    ]
    (front,) = fronts(plan_of([*first, *second]), outcomes)
    assert [(point.stopped, point.on_front) for point in front.points] == [(None, True), ("wrong", False)]


def test_choice_follows_what_matters_and_passes_over_weak_answers() -> None:
    settings = [{"thread_num": n} for n in (1, 2, 4, 8)]
    truths = [
        Truth(300, 8, 900), Truth(100, 22, 900), Truth(110, 18, 400), Truth(900, 90, 300, fidelity=0.5)
    ]  # fmt: skip
    cells = cells_of(settings, phone("A"))
    outcomes = sweep(cells, Phone(truths, noise=0.01, seed=1), launches=3, seed=1)
    (front,) = fronts(plan_of(cells), outcomes)
    chosen = {
        prefer: point.settings["thread_num"] if (point := choose(front, prefer)) is not None else None
        for prefer in ("prefill", "decode", "memory", "balanced", "fidelity")
    }
    assert chosen == {"prefill": 1, "decode": 2, "memory": 4, "balanced": 1, "fidelity": 1}
    assert choose(msgspec.structs.replace(front, points=[]), "decode") is None


def test_progress_of_a_sweep_is_that_of_its_rounds() -> None:
    cells = cells_of([{"thread_num": n} for n in (1, 2, 3)], phone("3A021"))
    plan = msgspec.structs.replace(plan_of(cells), launches={"bench": 3}, order={"3A021": [1, 2, 3]})
    row = CampaignRow(
        id="c1", name="n", state="running", created=0.0, client="x", plan=b"", asks=b"", deadline=None
    )
    progress = Progress(row, plan, {})
    on = Phone([Truth(100, 10), Truth(300, 30), Truth(50, 5, cause="wrong_output")], noise=0.01, seed=1)
    while (planned := progress.next_for(phone("3A021"), {})) is not None:
        assert planned.launches is not None
        begun = AttemptRow(
            campaign="c1",
            cell=planned.cell.number,
            attempt=len(progress.attempts.get(planned.cell.number, [])) + 1,
            runs=("r",),
            phone="{}",
            launches=planned.launches,
            begun=0.0,
        )
        progress.note_attempt(begun)
        assert progress.finished_groups() == []
        outcome = msgspec.json.encode(on.run(planned.cell, planned.launches))
        progress.note_attempt(dataclasses.replace(begun, over=1.0, outcome=outcome))
    (group,) = progress.finished_groups()
    before = {cell.number: progress.result_of(cell.number) for cell in cells}
    assert {cell: one.state for cell, one in before.items()} == {1: "passed", 2: "passed", 3: "failed"}
    settled = progress.merged(group)
    assert {one.cell: one.stopped for one in settled} == {1: "slower", 2: None, 3: "wrong"}
    for one in settled:
        progress.note_outcome(one)
    assert progress.finished_groups() == []
    assert progress.merged(group) == []
    assert progress.is_complete()
    assert {cell.number: progress.result_of(cell.number) for cell in cells} == before
