"""Exports a model: llmexport in a child process, its acceptance, and the one rename by which it appears."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from devicehub import procs
from devicehub.errors import InputError
from devicehub.export import child
from devicehub.export.errors import ExportFailed
from devicehub.export.listener import Listener, opened_log
from devicehub.export.progress import Pace
from devicehub.export.result import ChildResult, read_result
from devicehub.export.stages import Stage, stages_of
from devicehub.export.workplace import publish, sync, workplace

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from pathlib import Path

    from devicehub.clock import Clock
    from devicehub.export.progress import Progress

T = TypeVar("T")

NEEDED: Final = ("config.json", "llm_config.json", "llm.mnn", "llm.mnn.weight")
"""Without one of these there is nothing to accept."""


@dataclass(frozen=True)
class ExportJob(Generic[T]):
    """What is to be exported.

    Attributes:
        source: the folder of the checkpoint.
        options: llmexport's, without `--path` and `--dst_path`; paths in them are absolute.
        out: the folder that the model becomes; it must not be there.
        log: a file that takes all that the exporter says; it is written anew.
        accept: looks at what was made and at how the exporter ended; its error refuses the model.
    """

    source: Path
    options: tuple[str, ...]
    out: Path
    log: Path
    accept: Callable[[Path, ChildResult], Awaitable[T]]


@dataclass(frozen=True)
class Exported(Generic[T]):
    """A model that has appeared.

    Attributes:
        folder: where.
        acceptance: what its acceptance found.
        result: how the exporter ended.
        took_s: the seconds of each stage.
        child_s: from the child's start to its end; its acceptance comes after.
        pip_calls: the pip commands that something in the exporter tried, in vain.
    """

    folder: Path
    acceptance: T
    result: ChildResult
    took_s: Mapping[Stage, float]
    child_s: float
    pip_calls: tuple[str, ...]


async def export(
    job: ExportJob[T], *, on_stage: Callable[[Progress], None], clock: Clock, python: str = sys.executable
) -> Exported[T]:
    """Export a model; until it is whole and accepted nothing of it is seen under its name.

    However this ends, the child and all that it started has ended too, and what was half made is removed.
    Where this very process is killed the child ends at once; the next export beside it removes the rest.

    Args:
        job: what.
        on_stage: is told the progress, several times a second.
        clock: times the stages.
        python: the interpreter that has llmexport.

    Raises:
        ExportFailed: the exporter failed, or left out a file.
        InputError: the folder or the log cannot be written.
        HubError: of `job.accept`.
    """
    began_s = clock.monotonic_s()
    pace = Pace(stages_of(job.options), now_s=began_s)
    with workplace(job.out) as work, opened_log(job.log) as log:
        listener = Listener(pace, log, job.log, clock=clock, tell=on_stage)
        listener.tell()
        result = await _in_child(job, work, python, listener, pace)
        child_s = clock.monotonic_s() - began_s
        made = work / child.EXPORTED
        pip_calls = tuple(child.pip_calls(work))
        listener.enter(Stage.ACCEPT)
        acceptance = await job.accept(made, result)
        await _sync(made, job)
        publish(made, job.out)
    took_s = pace.took_s(now_s=clock.monotonic_s())
    return Exported(job.out, acceptance, result, took_s, child_s, pip_calls)


async def _in_child(
    job: ExportJob[T], work: Path, python: str, listener: Listener, pace: Pace
) -> ChildResult:
    """Let the child make the model in the work place; how it ended.

    Raises:
        ExportFailed: it did not come to its end, or left out a file.
    """
    try:
        child.prepare(work, job.source)
        async with procs.child(
            child.command(python, job.options), env=child.environment(work, os.environ), cwd=work
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            await listener.listen(process.stdout)
            # The child's first act joins the two: only an interpreter that cannot start says something here.
            await listener.listen(process.stderr)
            status = await process.wait()
    except OSError as error:
        raise _failed(job, pace, listener, f"the child cannot be started: {error.strerror}") from error
    listener.add_converter_log(work / child.CONVERTER_LOG)
    result = read_result(work / child.RESULT)
    if result is None:
        raise _failed(job, pace, listener, _describe_end(status))
    if result.error:
        raise _failed(job, pace, listener, result.error)
    missing = [name for name in NEEDED if not (work / child.EXPORTED / name).is_file()]
    if missing:
        raise _failed(job, pace, listener, f"llmexport came to its end without {', '.join(missing)}")
    return result


def _failed(job: ExportJob[T], pace: Pace, listener: Listener, reason: str) -> ExportFailed:
    return ExportFailed(job.source, pace.stage, reason, tail=listener.tail, log=job.log)


def _describe_end(status: int) -> str:
    if status >= 0:
        return f"the exporter ended with status {status} and left no result"
    with contextlib.suppress(ValueError):
        name = signal.Signals(-status).name
        memory = ", as the system does when memory is short" if -status == signal.SIGKILL else ""
        return f"the exporter was ended by {name}{memory}"
    return f"the exporter was ended by signal {-status}"


async def _sync(made: Path, job: ExportJob[T]) -> None:
    try:
        # In a thread: gigabytes may take seconds, and whoever waits for this loop has other things to do.
        await asyncio.to_thread(sync, made)
    except OSError as error:
        raise InputError(
            job.out, f"cannot be written: {error.strerror}", remedy="free space there"
        ) from error
