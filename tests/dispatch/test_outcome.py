from __future__ import annotations

from typing import Literal

import msgspec
import pytest

from devicehub.dispatch.outcome import Ended, conclude, make_record, read_header, remedy_for
from devicehub.runs.lifecycle import RunEvent, RunState
from devicehub.runs.model import Launch, Timings
from devicehub.telemetry.timeline import Break
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


def test_a_header_survives_the_store_and_another_version_is_no_header() -> None:
    assert read_header(msgspec.json.encode(header())) == header()
    assert read_header(b'{"id": "r1"}') is None
    assert read_header(b"") is None
