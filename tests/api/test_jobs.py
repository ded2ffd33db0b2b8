"""Pushes and other work that takes a while: one state after the other, and each ends once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from devicehub.api.jobs import Job, Jobs
from devicehub.api.model import JobChanged, ProgressMade, StageView
from devicehub.errors import InputError
from tests.manual_clock import ManualClock

if TYPE_CHECKING:
    import msgspec


class Heard:
    """Jobs, and what they published."""

    def __init__(self) -> None:
        self.events: list[msgspec.Struct] = []
        self.clock = ManualClock()
        self.jobs = Jobs(lambda _topic, event, _key: self.events.append(event), self.clock)

    @property
    def states(self) -> list[str]:
        return [event.job.state for event in self.events if isinstance(event, JobChanged)]

    @property
    def done(self) -> list[int]:
        return [event.done for event in self.events if isinstance(event, ProgressMade)]


async def ended(heard: Heard, job_id: str) -> None:
    while heard.jobs.find(job_id).state == "running":
        await asyncio.wait([asyncio.ensure_future(heard.clock.sleep(0))])


async def test_job_ends_with_its_result() -> None:
    heard = Heard()

    async def work(job: Job) -> Any:
        job.begin("push", 10)
        job.advance(4)
        job.advance(6)
        return {"sent": 10}

    async with heard.jobs as jobs:
        view = jobs.start("push", work, label="m", serial="S1")
        await ended(heard, view.id)
        found = jobs.find(view.id)
    assert (found.state, found.result, found.done, found.total) == ("done", {"sent": 10}, 10, 10)
    assert heard.states == ["running", "running", "done"]
    assert heard.done == [4, 10], "the last byte is told however soon it comes"


async def test_error_of_ours_is_its_end_and_names_its_kind() -> None:
    heard = Heard()

    async def work(_job: Job) -> Any:
        raise InputError("m", "is no model", remedy="add one")

    async with heard.jobs as jobs:
        view = jobs.start("push", work)
        await ended(heard, view.id)
    assert heard.jobs.find(view.id).state == "failed"
    assert heard.jobs.find(view.id).error_kind == "InputError"
    assert "is no model" in (heard.jobs.find(view.id).error or "")


async def test_mistake_of_the_hub_ends_that_job_alone(caplog: pytest.LogCaptureFixture) -> None:
    heard = Heard()
    go_on = asyncio.Event()

    async def stumble(_job: Job) -> Any:
        raise ZeroDivisionError("division by zero")

    async def work(_job: Job) -> Any:
        await go_on.wait()
        return 1

    async with heard.jobs as jobs:
        other = jobs.start("push", work)
        view = jobs.start("push", stumble)
        await ended(heard, view.id)
        go_on.set()
        await ended(heard, other.id)
    found = heard.jobs.find(view.id)
    assert (found.state, heard.jobs.find(other.id).state) == ("failed", "done")
    assert found.error == "the hub failed; see its log: ZeroDivisionError: division by zero"
    assert "Traceback" in caplog.text


async def test_job_can_be_cancelled_once() -> None:
    heard = Heard()

    async def work(_job: Job) -> Any:
        await asyncio.Event().wait()

    async with heard.jobs as jobs:
        view = jobs.start("push", work)
        assert [job.id for job in jobs.under_way()] == [view.id]
        assert (await jobs.cancel(view.id)).state == "cancelled"
        assert (await jobs.cancel(view.id)).state == "cancelled"
        assert jobs.under_way() == []
    assert heard.states == ["running", "cancelled"]


async def test_jobs_end_with_the_hub() -> None:
    heard = Heard()

    async def work(_job: Job) -> Any:
        await asyncio.Event().wait()

    async with heard.jobs as jobs:
        view = jobs.start("push", work)
    assert heard.jobs.find(view.id).state == "cancelled"


async def test_job_that_is_not_there() -> None:
    with pytest.raises(InputError, match="there is no such job"):
        Heard().jobs.find("x")


async def test_old_jobs_are_forgotten_and_those_under_way_are_not() -> None:
    heard = Heard()
    stop = asyncio.Event()

    async def wait(_job: Job) -> Any:
        await stop.wait()

    async def work(_job: Job) -> Any:
        return None

    async with heard.jobs as jobs:
        kept = jobs.start("long", wait)
        first = jobs.start("short", work)
        await ended(heard, first.id)
        for _ in range(202):
            await ended(heard, jobs.start("short", work).id)
        assert jobs.find(kept.id).state == "running"
        with pytest.raises(InputError):
            jobs.find(first.id)
        stop.set()


def stage(name: str, share: float) -> StageView:
    return StageView(
        recipe="default",
        stage=name,
        title=name,
        number=1,
        of=2,
        stage_share=None,
        share=share,
        elapsed_s=0,
        left_s=None,
    )


async def test_stage_of_an_export_is_told_as_a_change_and_what_is_between_as_progress() -> None:
    heard = Heard()

    async def export(job: Job) -> None:
        for view in (stage("load", 0), stage("load", 0.25), stage("onnx", 0.5)):
            job.reach(view)
            heard.clock.advance(1)

    async with heard.jobs as jobs:
        view = jobs.start("exports.start", export)
        assert (await jobs.wait(view.id)).state == "done"
        assert await jobs.wait(view.id) == jobs.find(view.id)
    changes = [event.job.stage for event in heard.events if isinstance(event, JobChanged)]
    assert [one.stage if one else None for one in changes] == [None, "load", "onnx", "onnx"]
    assert heard.done == [0, 250, 500]
