from typing import Any

import pytest

from devicehub.api.model import ProgressMade, RunEventView
from devicehub_tui import run_lines
from tests.tui.scripted import WALL_S, run, sample


def plain(lines: run_lines.Lines) -> list[str]:
    return ["".join(text for text, _ in line).rstrip() for line in lines]


def event(seq: int, state: str, *, after_s: float, attempt: int = 1) -> RunEventView:
    return RunEventView(
        seq=seq, attempt=attempt, wall_s=WALL_S + after_s, kind="check", state=state, detail=""
    )


RECORD: dict[str, Any] = {
    "summary": {
        "prefill_tok_s": {"median": 120.0, "lowest": 118.0, "highest": 121.5},
        "decode_tok_s": {"median": 21.37, "lowest": 21.37, "highest": 21.37},
        "load_ms": None,
    },
    "flags": [{"slug": "unsteady", "sentence": "decode moved by 8 %"}],
    "trust_reasons": ["the phone slept"],
    "launches": [
        {
            "number": 1, "kind": "warmup", "verdict": "succeeded", "records": [{"decode_tok_s": 20.5}],
            "text": "Hi",
        },
        {
            "number": 2, "kind": "measured", "verdict": "failed", "cause": "out_of_memory", "records": [],
            "evidence": ["can't malloc"], "remedy": "take a smaller model", "text": "Ho",
        },
    ],
    "conditions": {
        "temp_mc_start": 31000, "temp_mc_highest": 44500, "throttling": "no", "battery_percent_start": 80,
        "battery_percent_end": 78, "caps_khz": {"policy0": {"lowest": 2265600}}, "link": {"kind": "usb"},
    },
}  # fmt: skip


def test_phases_take_the_time_until_the_next_one() -> None:
    events = [
        event(1, "queued", after_s=0),
        event(2, "checking", after_s=2),
        event(3, "running", after_s=2.5),
    ]
    lines = plain(run_lines.phases(run("r", state="running"), events, WALL_S + 100))
    assert lines == [
        "Phases",
        "  queued            2.0 s",
        "  checking         500 ms",
        "▶ running      1 min 37 s",
    ]


def test_the_last_phase_ends_with_the_run() -> None:
    ended = run("r", state="failed", ended=WALL_S + 3)
    lines = plain(run_lines.phases(ended, [event(1, "running", after_s=0)], WALL_S + 100))
    assert lines[1:] == ["  running           3.0 s"]


def test_a_clock_that_steps_back_gives_no_negative_time() -> None:
    events = [event(1, "queued", after_s=0), event(2, "checking", after_s=-50)]
    assert "0 ms" in plain(run_lines.phases(run("r"), events, WALL_S - 40))[1]


def test_a_phase_of_a_second_attempt_stands_by_itself() -> None:
    events = [event(1, "checking", after_s=0), event(2, "checking", after_s=1, attempt=2)]
    lines = plain(run_lines.phases(run("r", state="checking"), events, WALL_S + 2))
    assert len(lines) == 3
    assert lines[2].endswith("attempt 2")


def test_a_median_stands_with_its_range_where_there_is_one() -> None:
    lines = plain(run_lines.figures(run("r", virtual=True), RECORD))
    assert lines[1] == "prefill      120.0 tok/s  118.0 to 121.5  virtual"
    assert lines[2] == "decode       21.4 tok/s  virtual"
    assert "! decode moved by 8 %" in lines


def test_the_verdict_comes_with_proof_and_remedy() -> None:
    failed = run("r", state="failed", cause="out_of_memory", ended=WALL_S)
    assert plain(run_lines.conclusion(failed, RECORD)) == [
        "Verdict",
        "✗ failed: out_of_memory",
        "! the phone slept",
        "  │ can't malloc",
        "→ take a smaller model",
    ]


def test_prompts_that_failed_their_suite_are_the_proof() -> None:
    answers = [{"id": "1", "passed": True, "why": None}, {"id": "sum", "passed": False, "why": "not 4"}]
    failed = run("r", state="failed", cause="suite_failed", ended=WALL_S)
    assert plain(run_lines.conclusion(failed, {"suite": {"answers": answers}})) == [
        "Verdict",
        "✗ failed: suite_failed",
        "  │ prompt sum: not 4",
    ]


def test_nothing_is_concluded_of_a_run_under_way() -> None:
    assert run_lines.conclusion(run("r", state="running"), RECORD) == []


def test_conditions_are_those_that_are_known() -> None:
    lines = plain(run_lines.conditions(RECORD))
    assert "temperature  from 31.0 °C, at most 44.5 °C" in lines
    assert "battery      80 to 78 %" in lines
    assert "caps         policy0 2266 MHz" in lines
    assert not any(line.startswith("build") for line in lines)


def test_the_head_says_how_far_it_is() -> None:
    progress = ProgressMade(run="r", job=None, label="push", done=1, total=2)
    lines = plain(
        run_lines.head(run("r", state="deploying"), progress, sample("a", run="r", decode_tok_s=9.5))
    )
    assert "50%" in lines[1]
    assert "decode 9.5 tok/s so far" in lines[1]


def test_what_the_model_says_now_comes_before_what_the_record_has() -> None:
    assert run_lines.said(RECORD, "so far") == "so far"
    assert run_lines.said(RECORD, "") == "Hi\n\nHo"


@pytest.mark.parametrize("shape", [None, 1, "x", [], {}, [1], {"a": None}, float("nan")])
@pytest.mark.parametrize(
    "key", ["summary", "flags", "launches", "conditions", "trust_reasons", "attempts", "suite"]
)
def test_no_shape_of_a_document_raises(key: str, shape: Any) -> None:
    document = {**RECORD, key: shape}
    failed = run("r", state="failed", ended=WALL_S)
    assert plain(run_lines.figures(failed, document))
    assert plain(run_lines.conclusion(failed, document))
    run_lines.conditions(document)
    run_lines.said(document, "")
