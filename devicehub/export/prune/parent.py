"""Prunes a checkpoint: its copy in a hidden place, a child process, and the rename by which it appears."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import TYPE_CHECKING, Final

import msgspec

from devicehub import procs
from devicehub.errors import InputError, ProgramError
from devicehub.export import child
from devicehub.export.estimate import memory_in_float
from devicehub.export.prune.child import PruneEvent, PruneQuestion
from devicehub.export.prune.copying import copy_checkpoint
from devicehub.export.prune.magnitude import TYPES, measure_layer
from devicehub.export.prune.report import REPORT, PruneReport
from devicehub.export.tensors import read_tensors
from devicehub.export.workplace import publish, sync, workplace
from devicehub.manifest import unwritable
from devicehub.units import format_bytes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from devicehub.export.machine import Machine
    from devicehub.export.prune.pattern import Pattern
    from devicehub.export.prune.report import LayerSparsity
    from devicehub.export.source import Source

_CHILD: Final = ("-P", "-m", "devicehub.export.prune.child")
_LINES: Final = 3
_MOST_SAID: Final = 4000


@dataclass(frozen=True)
class PruneJob:
    """What is to be pruned.

    Attributes:
        method: of `METHODS`.
        lines: a text to calibrate with, one sample a line.
        out: the folder that the pruned checkpoint becomes; it must not be there.
    """

    source: Source
    method: str
    pattern: Pattern
    lines: tuple[str, ...]
    out: Path


@dataclass(frozen=True)
class Step:
    """How far it is.

    Attributes:
        title: what a person reads.
        number: which of `of` steps that is, from 1.
        share: how much of it is done, 0 to 1; None where that is not known.
    """

    title: str
    number: int
    of: int
    share: float | None = None


def own_text() -> tuple[str, ...]:
    """The lines of the text that is there for whoever gives none."""
    text = files("devicehub.export.prune").joinpath("calibration.txt").read_text(encoding="utf-8")
    return tuple(line for line in text.splitlines() if line.strip())


def check_prunable(source: Source, pattern: Pattern, method: str, machine: Machine) -> None:
    """See that a checkpoint can be pruned so.

    Raises:
        InputError: it cannot; says why, and what to do.
    """
    if source.layout.experts:
        problem = "its layers hold mixtures of experts, which no method here takes"
        raise InputError(source.folder, problem, remedy="take a model without them")
    for linear in source.linears:
        tensor = source.tensors.get(linear.name)
        if tensor is None or tensor.dtype not in TYPES:
            problem = f"{linear.name} is {tensor.dtype if tensor else 'not there'}, not F32, F16 or BF16"
            raise InputError(source.folder, problem, remedy="take the checkpoint in one of these")
        if pattern.group and linear.inputs % pattern.group:
            problem = (
                f"{linear.name} has rows of {linear.inputs}, which groups of {pattern.group} do not divide"
            )
            raise InputError(source.folder, problem, remedy="take --pattern unstructured")
    if machine.free_disk_bytes < source.bytes:
        needed, free = format_bytes(source.bytes), format_bytes(machine.free_disk_bytes)
        raise InputError(source.folder, f"its copy takes {needed}, and {free} are free", remedy="free some")
    if method != "magnitude" and not _fits(source, machine):
        needed, free = format_bytes(memory_in_float(source)), format_bytes(machine.free_ram_bytes)
        problem = f"{method} takes {needed} of memory, and {free} are free"
        raise InputError(source.folder, problem, remedy="take --method magnitude, which takes one layer's")


async def prune(
    job: PruneJob,
    machine: Machine,
    *,
    has_torch: bool,
    on_step: Callable[[Step], None],
    python: str = sys.executable,
) -> PruneReport:
    """Prune a checkpoint; until it is whole nothing of it is seen under its name.

    Args:
        job: what; `check_prunable` has passed it.
        machine: this host: without memory for all weights there is no perplexity.
        has_torch: so it is without torch.
        on_step: is told the progress.
        python: the interpreter that has the extra.

    Raises:
        InputError: the checkpoint cannot be read, or the folder not be written.
        ProgramError: the child failed.
    """
    unmeasured = ""
    if not has_torch:
        unmeasured = "perplexity takes the extra `export`"
    elif not _fits(job.source, machine):
        unmeasured = f"perplexity takes {format_bytes(memory_in_float(job.source))} of memory"
    with workplace(job.out) as work:
        copy = work / job.source.folder.name
        steps = _Steps(on_step, of=2 if unmeasured else 4)
        asking = _Asking(job, work, copy, python, steps)
        before = None if unmeasured else await asking.perplexity(job.source.folder)
        steps.begin("copy the checkpoint")
        await copy_checkpoint(job.source.folder, copy, steps.reach)
        ended = await asking.prune()
        layers = await asyncio.to_thread(_measure, copy, asking.layers)
        report = PruneReport(
            source=job.source.folder.name,
            method=job.method,
            pattern=job.pattern.name,
            sparsity=job.pattern.sparsity,
            layers=layers,
            perplexity_before=before,
            perplexity_after=None if unmeasured else await asking.perplexity(copy),
            unmeasured=unmeasured,
            versions=ended.versions,
            seconds=ended.seconds,
        )
        await asyncio.to_thread(_finish, copy, report)
        publish(copy, job.out)
    return report


class _Steps:
    """Counts the steps of a job."""

    def __init__(self, on_step: Callable[[Step], None], *, of: int) -> None:
        self._on_step = on_step
        self._step = Step("", 0, of)

    def begin(self, title: str) -> None:
        self._step = Step(title, self._step.number + 1, self._step.of)
        self._on_step(self._step)

    def reach(self, done: int, whole: int) -> None:
        self._on_step(replace(self._step, share=done / whole if whole else None))


class _Asking:
    """The children of one job, one after the other."""

    def __init__(self, job: PruneJob, work: Path, copy: Path, python: str, steps: _Steps) -> None:
        self._job = job
        self._work = work
        self._copy = copy
        self._python = python
        self._steps = steps
        self.layers = tuple(linear.name for linear in job.source.linears)

    async def perplexity(self, folder: Path) -> float | None:
        self._steps.begin("measure the perplexity")
        question = PruneQuestion(task="perplexity", folder=str(folder), lines=self._job.lines)
        return (await self._ask(question)).perplexity

    async def prune(self) -> PruneEvent:
        self._steps.begin(f"prune by {self._job.method}")
        question = PruneQuestion(
            task=self._job.method,
            folder=str(self._copy),
            layers=self.layers,
            pattern=self._job.pattern,
            lines=self._job.lines,
        )
        return await self._ask(question, lambda done: self._steps.reach(done, len(self.layers)))

    async def _ask(
        self, question: PruneQuestion, tell: Callable[[int], None] = lambda _done: None
    ) -> PruneEvent:
        file = self._work / "question.json"
        answer: PruneEvent | None = None
        said = b""
        try:
            file.write_bytes(msgspec.json.encode(question))
            async with procs.child(
                [self._python, *_CHILD, str(file)],
                env=child.environment(self._work, os.environ),
                cwd=self._work,
                grace_s=0,
            ) as process:
                assert process.stdout is not None
                assert process.stderr is not None
                async with asyncio.TaskGroup() as tasks:
                    listening = tasks.create_task(procs.read_tail(process.stderr, _MOST_SAID))
                    async for line in process.stdout:
                        event = _read_event(line)
                        if event is not None and event.ended:
                            answer = event
                        elif event is not None:
                            tell(event.done)
                said = listening.result()
                status = await process.wait()
        except OSError as error:
            raise unwritable(file, error) from error
        if answer is None or answer.error:
            tail = " | ".join(said.decode(errors="replace").strip().splitlines()[-_LINES:])
            problem = (
                answer.error if answer else f"it ended with status {status}" + (f": {tail}" if tail else "")
            )
            remedy = "see that transformers can load the checkpoint, or take --method magnitude"
            raise ProgramError(f"pruning by {question.task}", problem, remedy=remedy)
        return answer


def _read_event(line: bytes) -> PruneEvent | None:
    try:
        return msgspec.json.decode(line, type=PruneEvent)
    except msgspec.DecodeError:
        return None


def _fits(source: Source, machine: Machine) -> bool:
    return memory_in_float(source) <= machine.free_ram_bytes


def _measure(folder: Path, names: tuple[str, ...]) -> tuple[LayerSparsity, ...]:
    tensors = read_tensors(folder)
    return tuple(measure_layer(tensors[name]) for name in names)


def _finish(copy: Path, report: PruneReport) -> None:
    try:
        (copy / REPORT).write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=1))
        sync(copy)
    except OSError as error:
        raise unwritable(copy, error) from error
