"""What is taken of a run's record, and of its samples, launch by launch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from devicehub.campaign.extract import extract, first_token_ms
from devicehub.campaign.judge import judge_cell
from devicehub.campaign.sampled import MOST_POINTS, Sampled
from devicehub.runs.lifecycle import RunState
from devicehub.runs.model import Answer, Energy, Fidelity, Flag, GateEnd, HubProblem, Launch, RunRecord
from devicehub.workloads.record import Record
from tests.campaign.synthetic import make_plan
from tests.measure.halves import halves
from tests.store.samples import record

if TYPE_CHECKING:
    from devicehub.campaign.outcome import CellOutcome

_FIGURES = [
    {"prefill_tok_s": 200.0, "decode_tok_s": 20.0 + place % 3, "load_ms": 900.0} for place in range(12)
]
_STARTS_S = 100.0
_EACH_S = 10.0


def _outcome(own: RunRecord, base: RunRecord | None = None, **changed: Any) -> CellOutcome:
    plan = make_plan(cells=1, kinds=["good"])
    fields: dict[str, Any] = {"attempt": 1, "phone": plan.cells[0].phone, "moved": False}
    return extract(plan.cells[0], record=own, base=base, **fields | changed)


def _halves() -> tuple[RunRecord, RunRecord]:
    """Baseline and own run of six pairs, with their times on the phone's clock."""
    return (_timed(run) for run in halves(_FIGURES))  # type: ignore[return-value]


def _timed(run: RunRecord) -> RunRecord:
    launches = [
        replace(launch, started_s=_STARTS_S + launch.order * _EACH_S, duration_s=_EACH_S - 2)
        for launch in run.launches
    ]
    return replace(run, launches=launches)


def _samples(seconds: int = 150, **at: str) -> bytes:
    """One a second from 90 s on; `at` adds fields to the sample of that second (`s112="rss_kb=5"`)."""
    lines = []
    for second in range(90, 90 + seconds):
        extra = "".join(f"\t{field}" for field in at.get(f"s{second}", "").split() if field)
        skin = 30000 + 20 * (second - 90)
        line = f"fast\tup={second}\twall=1.0\tzone.skin={skin}\tcap.policy0=2000000\tzone.cpu=55000{extra}"
        lines.append(line)
    return "\n".join(lines).encode()  # the last one without its end


def test_figures_of_each_launch() -> None:
    base, own = _halves()
    samples = _samples(
        s131="rss_kb=1048576 peak_kb=1048576",
        s133="rss_kb=2097152 peak_kb=3145728",
        s134="rss_kb=1048576",
        s139="rss_kb=9999999",
        s141="rss_kb=5",
        s142="rss_kb=5",
    )
    outcome = _outcome(own, base, samples=samples)
    assert outcome.arm is not None
    warm_up, _, second = outcome.arm.launches[:3]
    assert (warm_up.kind, warm_up.counts, warm_up.why_not) == ("warmup", False, "a warm-up")
    assert (second.order, second.counts, second.why_not) == (5, True, None)
    assert (second.prefill_tok_s, second.decode_tok_s, second.load_ms) == (200.0, 22.0, 900.0)
    assert second.ttft_ms == pytest.approx(512 / 200 * 1000)
    first = outcome.arm.launches[1]
    assert first.order == 4
    assert (first.at_s, first.temp_c, first.throttled) == (50.0, 31.0, False)
    started = {launch.order: launch.peak_memory_mib for launch in outcome.arm.launches}
    assert started[4] is None  # from 140 s on: two samples do not tell its height
    assert outcome.base is not None
    assert _outcome(base, samples=samples).arm.launches[1].peak_memory_mib == 3072.0  # type: ignore[union-attr]


def test_pairs_of_every_figure_with_their_places() -> None:
    base, own = _halves()
    compared = _outcome(own, base).compared
    assert compared is not None
    assert compared.unlike == []
    assert set(compared.pairs) == {"prefill_tok_s", "decode_tok_s", "load_ms", "ttft_ms"}
    places = [(pair.place_base, pair.place_cell) for pair in compared.pairs["decode_tok_s"]]
    assert places == [(3, 4), (6, 5), (7, 8), (10, 9), (11, 12), (14, 13)]
    assert [pair.base for pair in compared.pairs["decode_tok_s"]] == [20.0, 20.0, 21.0, 21.0, 22.0, 22.0]


def test_launch_that_failed_is_named_and_forms_no_pair() -> None:
    base, own = _halves()
    launches = list(own.launches)
    launches[2] = replace(launches[2], verdict="failed", cause="segfault", records=[])
    compared = _outcome(replace(own, launches=launches), base).compared
    assert compared is not None
    assert len(compared.pairs["decode_tok_s"]) == 5
    assert compared.left_out == ["launch 3 of the baseline: its neighbour is missing", "launch 3: segfault"]


def test_unlike_conditions_are_told_in_words() -> None:
    base, own = _halves()
    other = replace(own, conditions=replace(own.conditions, charge="discharging"))
    outcome = _outcome(other, base)
    assert outcome.compared is not None
    assert outcome.compared.unlike == ["charging: discharging, with the baseline full"]
    plan = make_plan(cells=1, kinds=["good"])
    found = judge_cell(plan, plan.cells[0], outcome)
    assert (found.state, found.reason) == ("not_comparable", "unlike")


def test_runs_that_did_not_alternate_form_no_pairs() -> None:
    base, own = _halves()
    compared = _outcome(replace(own, comparison=None), base).compared
    assert compared is not None
    assert compared.pairs == {}
    assert "did not alternate" in compared.unlike[0]


def test_run_as_a_whole() -> None:
    base, own = _halves()
    launches = [
        replace(
            launch,
            gate=GateEnd(waited_s=60, timed_out=launch.number == 3),
            flags=[
                Flag(slug="gate_timed_out", sentence="the phone was still at 45.0 °C after 60 s at the gate")
            ],
        )
        for launch in own.launches
    ]
    run = replace(
        own,
        launches=launches,
        energy=Energy(joules_per_token=0.4),
        fidelity=0.9,
        conditions=replace(own.conditions, throttled=True, throttling="yes"),
    )
    arm = _outcome(run, samples=_samples()).arm
    assert arm is not None
    assert (arm.gate_timed_out, arm.throttled, arm.joules_per_token, arm.fidelity) == (True, True, 0.4, 0.9)
    assert arm.conditions["charging"] == "full"
    assert arm.conditions["governor"] == "policy0 walt, policy4 walt"
    assert "launch 3: the phone was still at 45.0 °C after 60 s at the gate" in arm.flags
    assert arm.config_sha256 == own.config_sha256
    assert len(arm.trace.at_s) == len(arm.trace.temp_c) == MOST_POINTS
    assert (arm.trace.at_s[0], arm.trace.at_s[-1], arm.trace.temp_c[-1]) == (0.0, 149.0, 33.0)
    assert base.id != arm.run


def test_throttling_is_told_of_the_launch_that_met_it() -> None:
    _, own = _halves()
    arm = _outcome(own, samples=_samples(s142="status=0")).arm
    assert arm is not None
    assert [launch.throttled for launch in arm.launches if launch.order in (4, 5)] == [False, False]
    capped = _samples().replace(
        b"up=152\twall=1.0\tzone.skin=31240\tcap.policy0=2000000", b"up=152\tcap.policy0=900000"
    )
    arm = _outcome(own, samples=capped).arm
    assert arm is not None
    assert [launch.throttled for launch in arm.launches if launch.order in (4, 5)] == [False, True]


def test_temperature_of_another_time_is_none_of_a_launch() -> None:
    _, own = _halves()
    arm = _outcome(own, samples=_samples(seconds=20)).arm  # up to 109 s; the second launch begins at 140 s
    assert arm is not None
    assert [(launch.at_s, launch.temp_c) for launch in arm.launches[:2]] == [(30.0, 30.4), (50.0, None)]


@pytest.mark.parametrize("samples", [b"", b"\n\xff\x00=\t", b"fast\tup=nan\tzone.skin=31000\n"])
def test_samples_that_say_nothing(samples: bytes) -> None:
    told = Sampled(samples)
    found = told.of_launch(
        Launch(verdict="succeeded", cause=None, text=None, records=[], exit_status=0, started_s=5)
    )
    assert (found.at_s, found.temp_c, found.peak_memory_mib, found.throttled) == (None, None, None, None)
    assert told.trace().at_s == []


def _row(**fields: Any) -> Record:
    return Record(tool=fields.pop("tool", "llm_demo"), source="stdout", **fields)


@pytest.mark.parametrize(
    ("rows", "prompts", "expected"),
    [
        ([_row(prefill_s=0.4, prompt_tokens=40, prefill_tok_s=100.0)], 1, 400.0),
        ([_row(prefill_s=0.4, vision_s=1.1, audio_s=0.5)], 1, 2000.0),
        ([_row(prefill_s=1.2)], 3, 400.0),
        ([_row(tool="mnn_chat", prefill_s=0.2), _row(tool="mnn_chat", prefill_s=0.4)], 2, 300.0),
        ([_row(tool="llm_bench", prompt_tokens=512, prefill_tok_s=256.0), _row(tool="llm_bench")], 1, 2000.0),
        (
            [
                _row(tool="llm_bench", prompt_tokens=512, prefill_tok_s=256.0),
                _row(tool="llm_bench", prompt_tokens=64, prefill_tok_s=256.0),
            ],
            1,
            None,
        ),
        ([_row(decode_tok_s=20.0)], 1, None),
        ([], 1, None),
    ],
)
def test_time_to_the_first_token(rows: list[Record], prompts: int, expected: float | None) -> None:
    launch = Launch(verdict="succeeded", cause=None, text=None, records=rows, exit_status=0)
    found = first_token_ms(launch, prompts)
    assert found == (None if expected is None else pytest.approx(expected))


def test_wrong_output_is_proven_by_both_texts() -> None:
    answer = Answer(prompt="Why?", expected="Because of light.", text="xxxx", matched=0, of=4)
    run = record("failed", cause="wrong_output", fidelity=0.0, answered=Fidelity(share=0.0, answers=[answer]))
    arm = _outcome(run).arm
    assert arm is not None
    assert arm.evidence[1:] == ['host:  "Because of light."', 'phone: "xxxx"']
    assert arm.remedy


def test_failed_run_is_proven_by_its_lines() -> None:
    arm = _outcome(record("failed", cause="segfault")).arm
    assert arm is not None
    assert (arm.cause, arm.evidence) == ("segfault", ["a line that proves it"])


@pytest.mark.parametrize(
    ("state", "cause", "problem", "judged"),
    [
        ("cancelled", "stopped", "cancelled", "not_run"),
        ("lost", "phone_lost", "lost", "inconclusive"),
        ("failed", "refused", "refused", "not_run"),
    ],
)
def test_run_that_cannot_be_judged(state: str, cause: str, problem: str, judged: str) -> None:
    run = record(
        state,
        cause=cause,
        launches=[],
        summary=None,
        error=HubProblem(kind="InputError", sentence="the model is gone", transient=False),
    )
    assert run.state == RunState(state)
    run = replace(run, engine=replace(run.engine, id="", name=""), steps=[])
    outcome = _outcome(run, run)
    assert (outcome.problem, outcome.why) == (problem, "the model is gone")
    plan = make_plan(cells=1, kinds=["good"])
    found = judge_cell(plan, plan.cells[0], outcome)
    assert (found.state, found.reason, found.sentence) == (judged, problem, "the model is gone")
