from __future__ import annotations

import pytest
from msgspec.structs import replace

from devicehub.cli.exit_codes import exit_code_for
from devicehub.cli.run_view import Narration, finish
from devicehub.errors import ApiError, HubError, PhoneAway
from devicehub.runs.model import HubProblem
from tests.store.samples import record

FULL = HubProblem(kind="NoSpace", sentence="S1: /data has no room", transient=False)
AWAY = PhoneAway(serial="S2", run_id="b", waited_s=0)


def test_every_error_is_said_and_the_first_one_ends_the_process(capsys: pytest.CaptureFixture[str]) -> None:
    refused = replace(record("failed", "a", cause="no_space"), error=FULL, launches=[])
    with pytest.raises(HubError, match="S1: /data has no room"):
        finish([refused, AWAY], as_json=False)
    said = capsys.readouterr()
    assert said.err == f"devicehub: {AWAY}\n"
    assert said.out == ""  # a run without a launch has nothing to show


def test_run_that_the_hub_refused_ends_with_the_status_of_its_error() -> None:
    problem = replace(FULL, kind="InputError", sentence="top_k: is 0")
    with pytest.raises(ApiError) as caught:
        finish([replace(record("failed", "a", cause="refused"), error=problem, launches=[])], as_json=True)
    assert exit_code_for(caught.value) == 4


def test_run_that_failed_on_its_phone_ends_with_status_1(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        finish([record("succeeded", "a"), record("failed", "b", cause="segfault")], as_json=False)
    assert caught.value.code == 1
    assert "b failed: segfault" in capsys.readouterr().out


def test_push_that_another_process_tells_of_is_shown_by_quarters(capsys: pytest.CaptureFixture[str]) -> None:
    narration = Narration("S1", stream_text=False)
    for done in (0, 30, 60, 100):
        narration.on_progress("model", done, 100)
    narration.on_progress("engine", 5, 5)
    narration.close()
    shares = [line.split(": ")[1:] for line in capsys.readouterr().err.splitlines()]
    assert [f"{label} {share.split()[0]}" for label, share in shares] == [
        "model 25%",
        "model 50%",
        "model 100%",
        "engine 100%",
    ]
