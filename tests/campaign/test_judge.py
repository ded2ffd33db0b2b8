"""What is concluded of cells that ran well, wrongly, slowly, warm, elsewhere or not at all."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from devicehub.campaign.judge import conclude, describe, exit_of, judge_campaign, judge_cell
from tests.campaign.synthetic import make_outcomes, make_plan, make_result

if TYPE_CHECKING:
    from devicehub.campaign.outcome import CellOutcome
    from devicehub.campaign.result import CellResult


def _judge(kind: str, change: Any = None, *, launches: int = 6, demands: tuple[str, ...] = ()) -> CellResult:
    """The one cell of a campaign with such a plant, its outcome changed, or under other demands."""
    plan = make_plan(cells=1, kinds=[kind], demands=demands or None)
    outcome = make_outcomes(plan, launches=launches, kinds=[kind]).get(1)
    return judge_cell(plan, plan.cells[0], change(outcome) if change else outcome)


def _arm(**changed: Any) -> Any:
    return lambda outcome: replace(outcome, arm=replace(outcome.arm, **changed))


def _base(**changed: Any) -> Any:
    return lambda outcome: replace(outcome, base=replace(outcome.base, **changed))


@pytest.mark.parametrize(
    ("kind", "state", "reason"),
    [
        ("good", "passed", None),
        ("slow", "failed", "limit"),
        ("wrong", "failed", "wrong_output"),
        ("crashed", "failed", "segfault"),
        ("throttled", "not_comparable", "throttled"),
        ("baseline_missing", "not_comparable", "baseline_missing"),
        ("left_out", "not_run", "profile_soc"),
        ("phone_away", "not_run", "phone_away"),
        ("lost", "inconclusive", "lost"),
        ("suite", "passed", None),
        ("suite_failed", "failed", "suite_failed"),
        ("eval", "passed", None),
    ],
)
def test_each_kind_of_end_has_its_state(kind: str, state: str, reason: str | None) -> None:
    found = _judge(kind)
    assert (found.state, found.reason) == (state, reason), found.sentence
    assert found.sentence


def test_wrong_engine_fails_as_wrong_and_not_as_slow() -> None:
    def slow_as_well(outcome: CellOutcome) -> CellOutcome:
        assert outcome.arm is not None
        wrong = {"state": "failed", "verdict": "failed", "cause": "wrong_output", "evidence": ["phone: xx"]}
        return replace(outcome, arm=replace(outcome.arm, **wrong))

    found = _judge("slow", slow_as_well)
    assert (found.state, found.reason, found.proof) == ("failed", "wrong_output", ["phone: xx"])
    assert found.limits == []
    assert "worse" not in found.sentence


def test_low_fidelity_fails_as_wrong_though_every_speed_is_kept() -> None:
    found = _judge("good", _arm(fidelity=0.5))
    assert (found.state, found.reason) == ("failed", "wrong_output")
    assert [limit.state for limit in found.limits] == ["passed"] * 4 + ["failed"]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"throttled": True}, "throttled"),
        ({"gate_timed_out": True}, "gate_timed_out"),
        ({"trusted": False, "trust_reasons": ["the engine stood still"]}, "untrusted"),
        ({"verdict": "failed", "state": "failed", "cause": "suspended", "trusted": False}, "suspended"),
        ({"verdict": "failed", "state": "failed", "cause": "clock_step", "trusted": False}, "clock_step"),
    ],
)
def test_conditions_forbid_a_comparison_and_leave_a_bound_undecided(
    changed: dict[str, Any], reason: str
) -> None:
    for change in (_arm(**changed), _base(**changed)):
        found = _judge("slow", change)
        assert (found.state, found.reason) == ("not_comparable", reason), found.sentence
    alone = _judge("suite", _arm(**changed), demands=("decode_tok_s >= 5", "fidelity >= 90 %"))
    assert (alone.state, alone.reason) == ("inconclusive", reason)
    assert [limit.state for limit in alone.limits] == ["inconclusive", "passed"]


def test_throttled_phone_without_any_demand_of_speed_passes() -> None:
    assert _judge("suite", _arm(throttled=True)).state == "passed"


def test_launch_that_is_doubted_does_not_make_the_others_untrusted() -> None:
    def doubted(outcome: CellOutcome) -> CellOutcome:
        assert outcome.arm is not None
        first, *others = outcome.arm.launches
        launches = [replace(first, why_not="the log has holes"), *others]
        arm = replace(outcome.arm, launches=launches, trusted=False, trust_reasons=["the log has holes"])
        return replace(outcome, arm=arm)

    assert _judge("good", doubted).state == "passed"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_base(state="failed", verdict="failed", cause="wrong_output"), "baseline_wrong_output"),
        (_base(state="failed", verdict="failed", cause="segfault"), "baseline_segfault"),
        (_base(state="lost", verdict=None, cause="phone_lost"), "baseline_lost"),
        (lambda outcome: replace(outcome, base=None, compared=None), "baseline_not_run"),
        (lambda outcome: replace(outcome, base=None, compared=None, moved=True), "moved"),
        (
            lambda outcome: replace(outcome, compared=replace(outcome.compared, unlike=["charging differs"])),
            "unlike",
        ),
    ],
)
def test_what_is_wrong_with_the_baseline_forbids_to_compare(change: Any, reason: str) -> None:
    found = _judge("slow", change)
    assert (found.state, found.reason) == ("not_comparable", reason)


def test_baseline_whose_answers_fail_a_suite_has_sound_figures() -> None:
    assert _judge("good", _base(state="failed", verdict="failed", cause="suite_failed")).state == "passed"


def test_moved_cell_is_compared_where_both_variants_ran_there() -> None:
    assert _judge("good", lambda outcome: replace(outcome, moved=True)).state == "passed"


def test_bound_of_its_own_fails_beside_a_baseline_that_cannot_be_compared() -> None:
    found = _judge("baseline_missing", demands=("decode_tok_s >= 500", "decode_tok_s no worse than 5 %"))
    assert (found.state, found.reason) == ("failed", "limit")
    assert [limit.state for limit in found.limits] == ["failed", "not_comparable"]


@pytest.mark.parametrize(
    ("cause", "state"), [("adbd_restarted", "inconclusive"), ("rebooted", "failed"), ("refused", "not_run")]
)
def test_what_speaks_of_the_phone_alone_does_not_fail_a_cell(cause: str, state: str) -> None:
    found = _judge("suite", _arm(state="failed", verdict="failed", cause=cause))
    assert (found.state, found.reason) == (state, cause)


@pytest.mark.parametrize(
    ("demand", "launches", "state", "reason"),
    [
        ("decode_tok_s >= 5", 2, "inconclusive", "too_few_launches"),
        ("decode_tok_s >= 5", 3, "passed", None),
        ("decode_tok_s >= 500", 3, "failed", "limit"),
        ("load_ms <= 5000", 3, "passed", None),
        ("load_ms <= 50", 3, "failed", "limit"),
        ("joules_per_token <= 0.31", 2, "passed", None),
        ("joules_per_token <= 0.3", 2, "failed", "limit"),
        ("perplexity <= 20", 2, "inconclusive", "not_measured"),
        ("accuracy >= 40 %", 2, "inconclusive", "not_measured"),
    ],
)
def test_bound(demand: str, launches: int, state: str, reason: str | None) -> None:
    found = _judge("suite", launches=launches, demands=(demand,))
    assert (found.state, found.reason) == (state, reason), found.sentence
    assert found.limits[0].sentence in found.sentence


@pytest.mark.parametrize(
    ("demand", "state"),
    [
        ("accuracy >= 35 %", "passed"),
        ("accuracy >= 50 %", "inconclusive"),
        ("accuracy >= 70 %", "failed"),
        ("perplexity <= 14.2", "passed"),
        ("perplexity <= 14", "failed"),
    ],
)
def test_answers_to_questions_are_held_by_their_interval(demand: str, state: str) -> None:
    assert _judge("eval", demands=(demand,)).state == state


def test_launches_that_do_not_count_are_in_no_figure() -> None:
    def with_a_wild_one(outcome: CellOutcome) -> CellOutcome:
        assert outcome.arm is not None
        first, *others = outcome.arm.launches
        wild = replace(first, kind="measured", cold=True, counts=False, decode_tok_s=9000.0)
        return replace(outcome, arm=replace(outcome.arm, launches=[wild, *others]))

    found = _judge("suite", with_a_wild_one, demands=("decode_tok_s >= 500",))
    assert found.state == "failed"
    assert found.figures["decode_tok_s"].launches == 6
    assert found.figures["decode_tok_s"].highest < 100


def test_suite_with_a_limit_need_not_pass_whole() -> None:
    assert _judge("suite_failed", demands=("suite >= 50 %",)).state == "passed"
    found = _judge("suite_failed", demands=("suite >= 60 %",))
    assert (found.state, found.reason) == ("failed", "suite_failed")
    assert found.proof[0].startswith("prompt json: ")


def test_bound_within_the_interval_is_inconclusive() -> None:
    plan = make_plan(cells=1, kinds=["good"], demands=["decode_tok_s >= 20"])
    outcome = make_outcomes(plan, launches=6, kinds=["good"])[1]
    level = judge_cell(plan, plan.cells[0], outcome).figures["decode_tok_s"].median
    exact = make_plan(cells=1, kinds=["good"], demands=[f"decode_tok_s >= {level:.4f}"])
    found = judge_cell(exact, exact.cells[0], outcome)
    assert (found.state, found.reason) == ("inconclusive", "undecided")


def test_more_pairs_would_decide_what_six_noisy_ones_do_not() -> None:
    found = _judge("noisy")
    open_ones = [limit for limit in found.limits if limit.state == "inconclusive"]
    assert found.state == "inconclusive"
    assert open_ones
    assert any(limit.more_pairs for limit in open_ones)
    for limit in open_ones:
        said = f"about {limit.more_pairs} more pairs would decide" if limit.more_pairs else "would hardly"
        assert said in limit.sentence


def test_single_pair_decides_nothing() -> None:
    found = _judge("slow", launches=1, demands=("decode_tok_s no worse than 5 %",))
    assert (found.state, found.reason, found.limits[0].pairs) == ("inconclusive", "too_few_pairs", 1)


def test_figure_of_which_less_is_better_is_worse_when_it_grows() -> None:
    def turned(outcome: CellOutcome) -> CellOutcome:
        assert outcome.compared is not None
        pairs = [replace(pair, base=pair.cell, cell=pair.base) for pair in outcome.compared.pairs["load_ms"]]
        return replace(outcome, compared=replace(outcome.compared, pairs={"load_ms": pairs}))

    demand = ("load_ms no worse than 10 %",)
    assert _judge("slow", demands=demand).state == "failed"
    found = _judge("slow", turned, demands=demand)
    assert found.state == "passed"
    assert "better" in found.limits[0].sentence


def test_what_may_be_chance_among_many_cells_is_taken_back() -> None:
    """A mean beyond the limit at p = 0.03 fails alone, and not beside many cells that show nothing."""
    kinds = ["chance", *["good"] * 39]
    plan = make_plan(cells=40, kinds=kinds, demands=["decode_tok_s no worse than 5 %"])
    outcomes = make_outcomes(plan, launches=6, kinds=kinds)
    outcomes[1] = _scattered(outcomes[1])
    alone = judge_cell(plan, plan.cells[0], outcomes[1])
    assert alone.state == "failed"
    p = alone.limits[0].p
    assert p is not None
    assert 0.01 < p < 0.05
    for state in ("running", "ended"):
        result = judge_campaign(plan, outcomes, state=state)
        first = result.cells[0]
        assert (first.state, first.reason, first.limits[0].p) == ("inconclusive", "undecided", p)
        assert "may be chance" in first.sentence
        assert first.limits[0].more_pairs
        assert result.exit == 5


def _scattered(outcome: CellOutcome) -> CellOutcome:
    """Pairs some 7 % slower, of wide spread."""
    assert outcome.compared is not None
    draw = random.Random(0)
    base = [draw.gauss(20, 1) for _ in range(6)]
    cell = [draw.gauss(18.4, 1) for _ in range(6)]
    planned = outcome.compared.pairs["decode_tok_s"]
    pairs = [
        replace(pair, base=one, cell=other) for pair, one, other in zip(planned, base, cell, strict=True)
    ]
    return replace(outcome, compared=replace(outcome.compared, pairs={"decode_tok_s": pairs}))


def test_all_five_states_stand_in_one_campaign() -> None:
    result = make_result(cells=12)
    assert all(result.counts.values()), result.counts
    assert sum(result.counts.values()) == 12
    assert result.exit == 1
    assert [cell.cell.number for cell in result.cells] == list(range(1, 13))


@pytest.mark.parametrize(
    ("state", "stopped", "reason"),
    [("running", None, "waiting"), ("stopped", "max_duration", "max_duration"), ("ended", None, "stopped")],
)
def test_cell_without_an_outcome_tells_why(state: str, stopped: str | None, reason: str) -> None:
    plan = make_plan(cells=2, kinds=["good", "left_out"])
    results = [judge_cell(plan, cell, None) for cell in plan.cells]
    found = conclude(plan, results, state=state, stopped_reason=stopped)
    assert [cell.reason for cell in found.cells] == [reason, "profile_soc"]
    assert found.exit == 5


@pytest.mark.parametrize(
    ("counts", "accepted", "status", "sentence"),
    [
        ({"passed": 24}, (), 0, "all 24 cells passed"),
        (
            {"passed": 21, "failed": 2, "not_run": 1},
            (),
            1,
            "21 of 24 cells passed, 2 failed, 1 was not run: 1 of 24 not judged",
        ),
        (
            {"passed": 1, "inconclusive": 1, "not_comparable": 2},
            (),
            5,
            "1 of 4 cells passed, 0 failed, 1 is inconclusive, 2 are not comparable: 3 of 4 not judged",
        ),
        ({"passed": 1, "not_run": 1}, ("not_run",), 0, "1 of 2 cells passed, 0 failed, 1 was not run"),
        ({"failed": 1, "not_run": 1}, ("not_run",), 1, "0 of 2 cells passed, 1 failed, 1 was not run"),
        ({"failed": 1}, ("failed",), 0, "0 of 1 cells passed, 1 failed"),
    ],
)
def test_exit_and_sentence(
    counts: dict[Any, int], accepted: tuple[str, ...], status: int, sentence: str
) -> None:
    assert exit_of(counts, accepted) == status
    assert describe(counts).startswith(sentence)
