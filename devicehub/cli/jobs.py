"""Jobs of the hub, shown until each has ended: pushes, installs, fixtures."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Final, TypeVar

from devicehub.api import contract
from devicehub.api.model import JobChanged, JobView, ProgressMade, StageView
from devicehub.cli.output import Progress, StageBar, say
from devicehub.errors import ApiError, HubError, HubUnreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from devicehub.api.client import Client
    from devicehub.api.contract import Method, Params
    from devicehub.cli.at_hub import Place

P = TypeVar("P", bound="Params")

_START_S: Final = 90.0
"""How long the hub may take to check what it is asked; it may have to look at the phones first."""
_CANCEL_S: Final = 15.0


async def finish_jobs(
    place: Place,
    method: Method[P, Any],
    params: P,
    show: Callable[[Mapping[str, Any]], None] = lambda _result: None,
    *,
    hear: Callable[[JobView | ProgressMade], None] | None = None,
) -> list[Any]:
    """Ask for a job, or for one on each phone, and show how far each is until all have ended.

    Args:
        place: the hub.
        method: answers with a job or with several.
        params: what it takes.
        show: is given the result of each job as it ends.
        hear: is given all that is told of the jobs, in place of the bars.

    Returns:
        The results, in the order of the jobs.

    Raises:
        HubError: the first job that failed; the others' reasons were said. What was cancelled is cancelled.
    """
    async with place.client() as client:
        await client.subscribe("jobs", "progress")
        answer: JobView | list[JobView] = await client.call(method, params, timeout_s=_START_S)
        jobs = answer if isinstance(answer, list) else [answer]
        following = _Following({job.id: job for job in jobs}, show, hear)
        try:
            await following.run(client)
        except asyncio.CancelledError:
            await _cancel(client, following.open())
            raise
        except HubUnreachable as error:
            problem = f"{error}; what was under way has ended with the hub: repeat it, what arrived is kept"
            raise HubUnreachable(problem) from None
        finally:
            following.close()
    return _results([following.jobs[job.id] for job in jobs])


class _Following:
    def __init__(
        self,
        jobs: dict[str, JobView],
        show: Callable[[Mapping[str, Any]], None],
        hear: Callable[[JobView | ProgressMade], None] | None,
    ) -> None:
        self.jobs = jobs
        self._show = show
        self._hear = hear
        self._bars: dict[str, tuple[str, Progress | StageBar]] = {}
        self._done: dict[str, int] = {}
        self._told: dict[str, int] = {}

    def open(self) -> list[str]:
        return [job.id for job in self.jobs.values() if job.state == "running"]

    async def run(self, client: Client) -> None:
        for job_id in self.open():
            # It may have ended before it was known which one it is.
            self._see(await client.call(contract.JOB, contract.JobNamed(job=job_id)))
        if not self.open():
            return
        async for event in client.events():
            match event.data:
                case JobChanged(job=job) if job.id in self.open():
                    self._see(job)
                case ProgressMade(job=str(job_id)) as made if job_id in self.open():
                    self._advance(job_id, made)
            if not self.open():
                return

    def close(self) -> None:
        for _, bar in self._bars.values():
            bar.close()
        self._bars.clear()

    def _see(self, job: JobView) -> None:
        self.jobs[job.id] = job
        if self._hear is not None:
            self._hear(job)
        told = job.told[self._told.get(job.id, 0) :]
        if told or job.state != "running":
            self._close_bar(job.id)
        for sentence in told:
            say(f"{job.serial}: {sentence}" if job.serial else sentence)
        # What is older than the answer that came first tells less.
        self._told[job.id] = max(len(job.told), self._told.get(job.id, 0))
        if job.state == "running":
            return
        if job.state == "done" and isinstance(job.result, dict):
            self._show(job.result)

    def _close_bar(self, job_id: str) -> None:
        if shown := self._bars.pop(job_id, None):
            shown[1].close()

    def _advance(self, job_id: str, made: ProgressMade) -> None:
        if self._hear is not None:
            self._hear(made)
        elif made.stage is not None:
            self._advance_stage(job_id, made.stage)
        else:
            self._advance_bar(job_id, made)

    def _advance_stage(self, job_id: str, stage: StageView) -> None:
        name = f"{stage.recipe}: {stage.title} ({stage.number} of {stage.of})"
        shown = self._bars.get(job_id)
        if shown is None or shown[0] != name or not isinstance(shown[1], StageBar):
            self._close_bar(job_id)
            shown = name, StageBar(name, alone=len(self.jobs) == 1)
            self._bars[job_id] = shown
        bar = shown[1]
        assert isinstance(bar, StageBar)
        bar.reach(stage.share, stage.left_s)

    def _advance_bar(self, job_id: str, made: ProgressMade) -> None:
        name = f"{made.serial}: {made.label}" if made.serial else made.label
        shown = self._bars.get(job_id)
        if shown is None or shown[0] != name or made.done < self._done[job_id]:
            self._close_bar(job_id)
            shown = name, Progress(name, made.total, alone=len(self.jobs) == 1)
            self._bars[job_id], self._done[job_id] = shown, 0
        bar = shown[1]
        assert isinstance(bar, Progress)
        bar.advance(made.done - self._done[job_id])
        self._done[job_id] = made.done


async def _cancel(client: Client, job_ids: list[str]) -> None:
    for job_id in job_ids:
        with contextlib.suppress(HubError):
            await client.call(contract.JOB_CANCEL, contract.JobNamed(job=job_id), timeout_s=_CANCEL_S)


def _results(jobs: list[JobView]) -> list[Any]:
    errors = [
        ApiError(job.error or f"the job was {job.state}", code=0, kind=job.error_kind)
        for job in jobs
        if job.state != "done"
    ]
    for error in errors[1:]:
        say(f"devicehub: {error}")
    if errors:
        raise errors[0]
    return [job.result for job in jobs]
