from __future__ import annotations

from dataclasses import replace
from typing import Literal

import msgspec
import pytest

from devicehub.dispatch.outcome import Ended, conclude, make_record, read_header, remedy_for
from devicehub.runs.answers import SuiteAnswer, SuiteResult
from devicehub.runs.lifecycle import RunEvent, RunState
from devicehub.runs.model import Launch, Timings
from devicehub.telemetry.timeline import Break
from devicehub.workloads.suite import Suite, SuitePrompt
from tests.dispatch.samples import CONDITIONS, header, launch, measured


def ended(cause: str | None = None, *launches: Launch, breaks: tuple[Break, ...] = ()) -> Ended:
    return Ended(cause, CONDITIONS, launches=launches, breaks=breaks)


def test_every_launch_succeeded() -> None:
    found = conclude(header(steps=measured(2)), ended(None, launch(), launch(number=2)))
    assert (found.event, found.verdict, found.cause) == (RunEvent.SUCCEED, "succeeded", None)
    assert not found.trust_reasons


def test_the_first_launch_that_did_not_succeed_decides() -> None:
    launches = (launch(), launch("incomplete", "log_loss", 2), launch("failed", "segfault", 3))
    found = conclude(header(steps=measured(3)), ended(None, *launches))
    assert (found.event, found.verdict, found.cause) == (RunEvent.FAIL, "incomplete", "log_loss")
    assert found.trust_reasons


def test_a_launch_that_never_came_fails_the_run() -> None:
    found = conclude(header(steps=measured(2)), ended(None, launch()))
    assert (found.verdict, found.cause) == ("failed", "agent_failed")


def test_a_limit_before_the_next_launch_fails_the_run() -> None:
    found = conclude(header(steps=measured(2)), ended("limit_time", launch()))
    assert (found.verdict, found.cause) == ("failed", "limit_time")


def test_a_person_stopped_it() -> None:
    found = conclude(header(), ended("stopped", launch("failed", "stopped")))
    assert (found.event, found.verdict, found.cause) == (RunEvent.CANCEL, None, "stopped")


def test_a_phone_that_never_came_back() -> None:
    found = conclude(header(), ended("phone_lost"))
    assert (found.event, found.verdict) == (RunEvent.LOSE, None)


@pytest.mark.parametrize("cause", ["suspended", "clock_step"])
def test_figures_across_a_sleep_are_kept_and_not_trusted(cause: Literal["suspended", "clock_step"]) -> None:
    gap = Break(cause=cause, from_up_s=1.0, at_up_s=5.0, size_s=9.0, sentence="it slept")
    sleepy = ended(None, launch(), breaks=(gap,))
    found = conclude(header(), sleepy)
    assert (found.event, found.verdict, found.cause) == (RunEvent.FAIL, "failed", cause)
    record = make_record(
        header(),
        sleepy,
        state=RunState.FAILED,
        conclusion=found,
        attempts=[],
        timings=Timings(),
        ended_s=200.0,
    )
    assert record.trusted is False
    assert record.trust_reasons == ["it slept"]
    assert record.launches[0].records[0].decode_tok_s == 9.0
    assert remedy_for(record)


@pytest.mark.parametrize(("backend", "named"), [("cpu", False), ("hexagon", True)])
def test_only_a_restart_with_hexagon_is_put_down_to_it(backend: str, named: bool) -> None:
    asked = msgspec.structs.replace(header(), config={"backend_type": backend})
    found = ended("rebooted", launch("failed", "rebooted"))
    record = make_record(
        asked,
        found,
        state=RunState.FAILED,
        conclusion=conclude(asked, found),
        attempts=[],
        timings=Timings(),
        ended_s=200.0,
    )
    assert ("hexagon" in (remedy_for(record) or "")) is named
    assert remedy_for(record)


def test_a_cause_of_its_own_outranks_a_sleep() -> None:
    gap = Break(cause="suspended", from_up_s=1.0, at_up_s=5.0, size_s=9.0, sentence="it slept")
    found = conclude(header(), ended(None, launch("failed", "segfault"), breaks=(gap,)))
    assert found.cause == "segfault"
    assert "it slept" in found.trust_reasons


SUITE = Suite(name="basics", prompts=(SuitePrompt(id="1", text="?", contains=("a",)),))


def judged(*, passed: bool) -> SuiteResult:
    why = None if passed else "the answer lacks"
    answer = SuiteAnswer(id="1", text="b", passed=passed, why=why)
    return SuiteResult(name="basics", answers=[answer], passed=int(passed), of=1)


def test_answers_that_fail_their_suite_fail_the_run_and_leave_its_figures() -> None:
    asked, found = header(asked_suite=SUITE), replace(ended(None, launch()), suite=judged(passed=False))
    conclusion = conclude(asked, found)
    assert (conclusion.event, conclusion.verdict, conclusion.cause) == (
        RunEvent.FAIL,
        "failed",
        "suite_failed",
    )
    record = make_record(
        asked,
        found,
        state=RunState.FAILED,
        conclusion=conclusion,
        attempts=[],
        timings=Timings(),
        ended_s=200.0,
    )
    assert record.trusted
    assert record.launches[0].verdict == "succeeded"
    assert record.summary is not None
    assert record.suite == found.suite
    assert "runs show" in (remedy_for(record) or "")


def test_answers_that_pass_leave_the_run_as_it_is() -> None:
    found = conclude(header(asked_suite=SUITE), replace(ended(None, launch()), suite=judged(passed=True)))
    assert (found.verdict, found.cause) == ("succeeded", None)


def test_what_befell_a_launch_or_the_phone_is_said_before_its_answers() -> None:
    gap = Break(cause="suspended", from_up_s=1.0, at_up_s=5.0, size_s=9.0, sentence="it slept")
    for end, cause in (
        (ended(None, launch("failed", "segfault")), "segfault"),
        (ended(None, launch(), breaks=(gap,)), "suspended"),
    ):
        found = conclude(header(asked_suite=SUITE), replace(end, suite=judged(passed=False)))
        assert (found.verdict, found.cause) == ("failed", cause)


def test_suite_of_a_run_that_did_not_come_so_far_is_unanswered() -> None:
    asked, found = header(asked_suite=SUITE), ended("phone_gone")
    record = make_record(
        asked,
        found,
        state=RunState.FAILED,
        conclusion=conclude(asked, found),
        attempts=[],
        timings=Timings(),
        ended_s=200.0,
    )
    assert record.suite is not None
    assert [answer.why for answer in record.suite.answers] == ["it was not asked: phone_gone"]


def test_a_header_survives_the_store_and_another_version_is_no_header() -> None:
    assert read_header(msgspec.json.encode(header())) == header()
    with_suite = header(asked_suite=SUITE)
    assert read_header(msgspec.json.encode(with_suite)) == with_suite
    assert read_header(b'{"id": "r1"}') is None
    assert read_header(b"") is None
