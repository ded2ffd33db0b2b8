"""Things that take a while and are no runs: pushes, fixtures, installs."""

from __future__ import annotations

import asyncio
import logging
import secrets
from typing import TYPE_CHECKING, Any, Final, Self

from msgspec.structs import replace

from devicehub.api.model import JobChanged, JobView, ProgressMade, StageView
from devicehub.errors import HubError, InputError
from devicehub.mistakes import describe_mistake

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from types import TracebackType

    import msgspec

    from devicehub.clock import Clock

log = logging.getLogger(__name__)

_KEPT: Final = 200
"""Jobs that have ended and can still be asked for."""
_PROGRESS_S: Final = 0.1
_THOUSAND: Final = 1000


class Job:
    """One of them, as the work itself sees it."""

    def __init__(self, view: JobView, jobs: Jobs) -> None:
        self.view = view
        self._jobs = jobs

    def begin(self, label: str, total: int) -> None:
        """A part of `total` bytes begins."""
        self._jobs.tell(replace(self.view, label=label, done=0, total=total, stage=None))

    def reach(self, stage: StageView) -> None:
        """An export is there."""
        before = self.view.stage
        done = round(stage.share * _THOUSAND)
        view = replace(self.view, label=stage.title, done=done, total=_THOUSAND, stage=stage)
        if before is None or (before.recipe, before.stage) != (stage.recipe, stage.stage):
            self._jobs.tell(view)
        else:
            self.view = view
        self._jobs.progress(self)

    def say(self, sentence: str) -> None:
        """A person should know it."""
        self._jobs.tell(replace(self.view, told=[*self.view.told, sentence]))

    def advance(self, size: int) -> None:
        """So many more bytes are done."""
        self.view = replace(self.view, done=self.view.done + size)
        self._jobs.progress(self)


class Jobs:
    """All jobs, each a task of its own; those under way end with the hub.

    Args:
        publish: takes a topic, an event and the job's id.
        clock: paces progress.
    """

    def __init__(self, publish: Callable[[str, msgspec.Struct, str], None], clock: Clock) -> None:
        self._publish = publish
        self._clock = clock
        self._tasks = asyncio.TaskGroup()
        self._jobs: dict[str, Job] = {}
        self._under_way: dict[str, asyncio.Task[JobView]] = {}
        self._told_s: dict[str, float] = {}

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for task in self._under_way.values():
            task.cancel()
        await self._tasks.__aexit__(kind, error, trace)

    def start(
        self, kind: str, work: Callable[[Job], Awaitable[Any]], *, label: str = "", serial: str | None = None
    ) -> JobView:
        """Begin a piece of work; what it returns becomes the job's result."""
        job = Job(
            JobView(id=secrets.token_hex(6), kind=kind, state="running", label=label, serial=serial), self
        )
        self._forget()
        self._jobs[job.view.id] = job
        task = self._tasks.create_task(self._carry(job, work))
        self._under_way[job.view.id] = task
        task.add_done_callback(lambda ended: self._end(job, ended))
        self.tell(job.view)
        return job.view

    async def _carry(self, job: Job, work: Callable[[Job], Awaitable[Any]]) -> JobView:
        try:
            result = await work(job)
            return replace(job.view, state="done", result=result)
        except (HubError, OSError) as error:
            kind = type(error).__name__ if isinstance(error, HubError) else ""
            return replace(job.view, state="failed", error=str(error), error_kind=kind)
        except Exception as error:
            # One job that the hub stumbles over must not take the hub along.
            log.exception("job %s of %s failed", job.view.id, job.view.kind)
            return replace(job.view, state="failed", error=describe_mistake(error))

    def _end(self, job: Job, task: asyncio.Task[JobView]) -> None:
        # Here, not in the task: one that is cancelled before its first step never runs.
        del self._under_way[job.view.id]
        self._told_s.pop(job.view.id, None)
        if task.cancelled():
            self.tell(replace(job.view, state="cancelled", error="it was cancelled"))
        elif task.exception() is None:
            self.tell(task.result())

    def tell(self, view: JobView) -> None:
        """A job moved on."""
        self._jobs[view.id].view = view
        self._told_s.pop(view.id, None)
        self._publish("jobs", JobChanged(job=view), view.id)

    def progress(self, job: Job) -> None:
        """A job did more; told ten times a second at most, and at its end."""
        view, now_s = job.view, self._clock.monotonic_s()
        if now_s - self._told_s.get(view.id, float("-inf")) < _PROGRESS_S and view.done < view.total:
            return
        self._told_s[view.id] = now_s
        made = ProgressMade(
            run=None,
            job=view.id,
            label=view.label,
            done=view.done,
            total=view.total,
            serial=view.serial,
            stage=view.stage,
        )
        self._publish("progress", made, view.id)

    def find(self, job_id: str) -> JobView:
        """One job.

        Raises:
            InputError: there is none of that id, or it ended long ago.
        """
        if job_id not in self._jobs:
            raise InputError(job_id or "''", "there is no such job", remedy="it may have ended long ago")
        return self._jobs[job_id].view

    def under_way(self) -> Sequence[JobView]:
        """Those that have not ended."""
        return [self._jobs[job_id].view for job_id in self._under_way]

    async def wait(self, job_id: str) -> JobView:
        """How a job has ended, once it has."""
        if task := self._under_way.get(job_id):
            await asyncio.wait({task})
        return self.find(job_id)

    async def cancel(self, job_id: str) -> JobView:
        """End a job; one that has ended stays as it is."""
        view = self.find(job_id)
        task = self._under_way.get(job_id)
        if task is not None:
            task.cancel()
            await asyncio.wait({task})
        return self.find(view.id)

    def _forget(self) -> None:
        ended = [job_id for job_id in self._jobs if job_id not in self._under_way]
        for job_id in ended[: max(len(ended) - _KEPT, 0)]:
            del self._jobs[job_id]
