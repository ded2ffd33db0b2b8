"""Tests of a user on virtual phones: what they get of a run, and what their reports carry."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree

from tests.pytest_plugin.fakes import lean

if TYPE_CHECKING:
    import pytest

__all__ = ["lean"]

TESTS: Final = """
import signal
import threading

import pytest

from devicehub.api.contract import RUNS, RunsQuery
from devicehub.errors import ApiError
from devicehub.testing.runs import RunOverdueError

def test_answers(run_model, phone):
    run = run_model("demo-model", prompt="What is DeviceHub?", set={"max_new_tokens": 12})
    assert run.verdict == "succeeded", run
    assert run.text and run.decode_tok_s > 0 and run.prefill_tok_s > 0 and run.load_ms > 0
    assert run.record.device.serialno == phone.serialno
    assert run.record.config["max_new_tokens"] == 12

@pytest.mark.phone("vendor=mediatek,android>=14")
def test_mediatek_alone(phone):
    assert phone.vendor == "mediatek" and phone.virtual
    said = phone.shell("getprop ro.serialno; echo no >&2; exit 3")
    assert (said.status, said.stdout.strip(), said.stderr.strip()) == (3, phone.serialno, "no")

@pytest.mark.phone("vendor=google")
def test_nobody(phone):
    raise AssertionError

@pytest.mark.phone("vendor=qualcomm")
def test_fails(run_model):
    run = run_model("demo-model", prompt="What is DeviceHub?", limits={"free_mib": 100_000_000})
    assert run.verdict == "failed"
    assert run.decode_tok_s > 1

@pytest.mark.phone("vendor=qualcomm")
def test_refused(run_model):
    with pytest.raises(ApiError, match="no-such-model"):
        run_model("no-such-model", prompt="hello")

class Interrupted(BaseException):
    pass

@pytest.mark.phone("vendor=qualcomm")
def test_overdue_and_interrupted_runs_are_stopped(phone, fleet, monkeypatch):
    with pytest.raises(RunOverdueError, match="had not ended after 0 s and is stopped"):
        phone.run("demo-model", prompt="hello", timeout_s=0)

    def interrupt(*_):
        raise Interrupted

    before = signal.signal(signal.SIGUSR1, interrupt)
    def began(run_id):
        signal.pthread_kill(threading.main_thread().ident, signal.SIGUSR1)
    monkeypatch.setattr(type(phone._runner), "began", property(lambda _: began), raising=False)
    try:
        with pytest.raises(Interrupted):
            phone.run("demo-model", prompt="hello")
    finally:
        signal.signal(signal.SIGUSR1, before)
    late, interrupted = fleet.hub.call(RUNS, RunsQuery(limit=2)).runs
    assert [late.state, interrupted.state] == ["cancelled", "cancelled"]
"""


def test_two_phones_of_two_vendors_side_by_side(pytester: pytest.Pytester, lean: tuple[str, ...]) -> None:
    pytester.makepyfile(TESTS)
    result = pytester.runpytest_subprocess(
        *lean, "-n", "2", "-v", "-rs", "--devicehub-virtual", "2", "--junitxml=junit.xml"
    )
    result.assert_outcomes(passed=5, failed=1, skipped=1)
    result.stdout.fnmatch_lines([
        "E * <run * on VIRT0001 failed: *> has no decode_tok_s",
        "*- devicehub run -*",
        "run * on VIRT0001 (DeviceHub Virtual One, Snapdragon 8 Gen 3, Android 14)",
        "failed: limit_space",
        "SKIPPED*: no phone matches vendor=google: there are VIRT0001 (Snapdragon 8 Gen 3, *), VIRT0002 (*",
    ])  # fmt: skip
    cases = {
        case.attrib["name"]: [
            (found.attrib["name"], found.attrib["value"]) for found in case.iter("property")
        ]
        for case in ElementTree.parse(pytester.path / "junit.xml").iter("testcase")
    }
    (_, name), (key, record) = cases["test_answers[VIRT0002]"]
    assert (name, key) == ("VIRT0002", "devicehub_run")
    assert json.loads(record)["verdict"] == "succeeded"
    assert json.loads(record)["device"]["soc"]["vendor"] == "mediatek"
    assert cases["test_mediatek_alone[VIRT0002]"] == [("devicehub_phone", "VIRT0002")]
