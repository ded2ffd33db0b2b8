"""`devicehub compare` up to the hub: which words make a comparison, and which two runs they mean."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import click
import pytest
from msgspec.structs import replace

from devicehub.cli.compare import alike_note, finish_comparison, make_comparison
from devicehub.cli.main import main
from devicehub.cli.run_request import read_settings
from devicehub.columns import text_width
from devicehub.errors import ApiError, NoSpace
from devicehub.measure.compare import compare_records
from devicehub.runs.ask import RunAsk
from devicehub.runs.model import HubProblem
from tests.measure.halves import halves
from tests.store.samples import record

if TYPE_CHECKING:
    from pathlib import Path

    from devicehub.runs.model import RunRecord


def test_model_is_named_once() -> None:
    with pytest.raises(click.UsageError, match="--by model compares a with b; leave c out"):
        make_comparison("model", "a", "b", "c", RunAsk(model="c"))
    with pytest.raises(click.UsageError, match="name the model after the two engines: --by engine a b MODEL"):
        make_comparison("engine", "a", "b", None, RunAsk(model="a"))


def test_thing_compared_with_itself_is_told() -> None:
    note = alike_note("engine", ("a", "a"))
    assert note is not None
    assert note.startswith("A and B are the same engine: ")
    assert alike_note("engine", ("a", "b")) is None


@pytest.mark.parametrize("setting", ["thread_num", "=4"])
def test_setting_without_key_or_value_is_a_usage_error(setting: str) -> None:
    with pytest.raises(click.UsageError, match="is not key=value"):
        read_settings([setting])


def finish(a: RunRecord, b: RunRecord, *, as_json: bool = False) -> None:
    finish_comparison(compare_records(a, b, by="engine", margin=0.05), [a, b], as_json=as_json)


def end(records: tuple[RunRecord, RunRecord], *, as_json: bool = False) -> int:
    with pytest.raises(SystemExit) as caught:
        finish(*records, as_json=as_json)
    assert isinstance(caught.value.code, int)
    return int(caught.value.code)


def ended(decode_a: float, decode_b: float) -> tuple[RunRecord, RunRecord]:
    """Both halves, whose launches decode so fast, B on another engine than A."""
    speeds = (decode_a, decode_b, decode_b * 1.01, decode_a * 1.01) * 3
    a, b = halves([{"decode_tok_s": speed} for speed in speeds])
    return a, replace(b, engine=replace(b.engine, id="e-2", name="e2"))


def test_comparison_ends_well_whatever_came_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert end(ended(10.0, 8.0)) == 0
    out = capsys.readouterr().out
    assert re.search(r"^decode tok/s .* slower$", out, re.MULTILINE)
    assert max(map(text_width, out.splitlines())) <= 80


def test_comparison_as_json_is_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert end(ended(10.0, 8.0), as_json=True) == 0
    document = json.loads(capsys.readouterr().out)
    assert set(document) == {"comparison", "runs"}
    assert document["comparison"]["figures"]["decode_tok_s"]["conclusion"] == "slower"
    assert [run["id"] for run in document["runs"]] == ["a", "b"]


def test_unlike_runs_end_with_status_1(capsys: pytest.CaptureFixture[str]) -> None:
    first, second = ended(10.0, 8.0)
    warm = replace(second.conditions, throttled=True, throttling="yes")
    assert end((first, replace(second, conditions=warm))) == 1
    out = capsys.readouterr().out
    assert "They are unlike" in out
    assert "throttled" in out
    assert "slower" not in out


def test_half_that_failed_is_told_with_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    first, _ = ended(10.0, 8.0)
    bad = record("failed", "b", cause="segfault")
    assert end((first, bad)) == 1
    out = capsys.readouterr().out
    assert "b failed: segfault" in out
    assert "a line that proves it" in out


def test_error_that_ended_a_half_is_raised(capsys: pytest.CaptureFixture[str]) -> None:
    full = NoSpace(serial="S1", path="/data", needed=9, free=1)
    problem = HubProblem(kind="NoSpace", sentence=str(full), transient=full.transient)
    halted = replace(record("failed", "b", cause="no_space"), error=problem)
    with pytest.raises(ApiError, match="S1"):
        finish(ended(10.0, 8.0)[0], halted)
    assert "They are unlike" in capsys.readouterr().out


@pytest.mark.parametrize(
    "argv",
    [
        ["--by", "colour", "a", "b", "m"],
        ["a", "b", "m"],
        ["--by", "engine", "a"],
        ["--by", "engine", "a", "b", "m", "--detach"],
        ["--by", "engine", "a", "b", "m", "--workload", "custom"],
        ["--by", "engine", "a", "b", "m", "--gate", "hot"],
    ],
)
def test_wrong_usage_asks_no_phone(
    argv: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DEVICEHUB_HOME", str(tmp_path))
    monkeypatch.setenv("ADB_SERVER_SOCKET", "tcp:127.0.0.1:1")  # nothing listens there
    with pytest.raises(SystemExit) as caught:
        main(["compare", *argv])
    assert caught.value.code == 2
    assert capsys.readouterr().out == ""
