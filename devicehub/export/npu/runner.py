"""Makes a model for Qualcomm's NPU, step by step; what is done stays done when the rest fails."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec

from devicehub import procs
from devicehub.errors import InputError
from devicehub.export.listener import opened_log
from devicehub.export.machine import installed_versions
from devicehub.export.npu.check import check_graphs, check_ready
from devicehub.export.npu.errors import NpuStepFailed
from devicehub.export.npu.output import Reading
from devicehub.export.npu.progress import ACCEPT, PUBLISH, progress_at
from devicehub.export.npu.stamps import Stamps, remove_work
from devicehub.export.npu.steps import EXPORT, GRAPHS, MODEL, READY
from devicehub.export.result import ChildResult
from devicehub.export.workplace import publish, sync
from devicehub.manifest import unwritable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence
    from typing import BinaryIO

    from devicehub.clock import Clock
    from devicehub.export.npu.plan import NpuPlan
    from devicehub.export.npu.progress import NpuProgress
    from devicehub.export.npu.stamps import Stamp
    from devicehub.export.npu.steps import Command, Step

T = TypeVar("T")

_RESULT = "command.json"
_OWNER = "owner"
_TAIL_LINES = 12
_FRAMES = ("Traceback ", '  File "', "    ")
"""Where an error was raised is for the log; with it the tail would hold nothing else."""
_PIECE = 64 * 1024
_SILENCE_S = 1.0
"""So often progress is told while a tool says nothing."""


@dataclass(frozen=True)
class NpuMade(Generic[T]):
    """A model that has appeared.

    Attributes:
        acceptance: what was found about it before it was compiled.
        result: how its exporter ended.
        took_s: the seconds of each step; those of an earlier try for a step that was not done again.
        reused: the steps that were not done again.
        graphs: the compiled ones, as relative paths.
    """

    folder: Path
    acceptance: T
    result: ChildResult
    took_s: dict[str, float]
    reused: tuple[str, ...]
    graphs: tuple[str, ...]


async def run_npu(
    plan: NpuPlan,
    log: Path,
    *,
    judge: Callable[[Path, ChildResult], Awaitable[T]],
    describe: Callable[[Path, ChildResult, T], Awaitable[None]],
    on_progress: Callable[[NpuProgress], None],
    clock: Clock,
) -> NpuMade[T]:
    """Do the steps that are not done yet, check what came of them, and let the model appear.

    However this ends, all that was started has ended too. Nothing is seen under the model's name before it is
    whole; what was finished is kept in a hidden folder beside it, for the next try.

    Args:
        plan: what to do.
        log: takes all that the tools say; it is written anew.
        judge: looks at the exported model before it is compiled; its error refuses it.
        describe: writes into the finished folder how it was made.
        on_progress: is told where it is.
        clock: times the steps.

    Raises:
        NpuStepFailed: a tool failed.
        InputError: the model is there already, another process makes it, or it is not as it should be.
        HubError: of `judge` and `describe`.
    """
    with _claimed(plan), opened_log(log) as stream:
        work = _Work(plan, log, stream, on_progress, clock)
        accepted: list[T] = []
        for step in plan.steps:
            await work.do(step)
            if step.name == EXPORT:
                work.enter(ACCEPT)
                accepted.append(await judge(plan.kit.work / MODEL, work.result))
        work.enter(PUBLISH)
        ready = plan.kit.work / READY
        check_ready(ready)
        await describe(ready, work.result, accepted[0])
        await work.publish(ready)
        graphs = check_graphs(plan.out)
        return NpuMade(plan.out, accepted[0], work.result, work.took_s, tuple(work.reused), graphs)


class _Work:
    """One try."""

    def __init__(
        self,
        plan: NpuPlan,
        log: Path,
        stream: BinaryIO,
        on_progress: Callable[[NpuProgress], None],
        clock: Clock,
    ) -> None:
        self._plan = plan
        self._log = log
        self._stream = stream
        self._tell = on_progress
        self._clock = clock
        self._began_s = clock.monotonic_s()
        self._stamps = Stamps(plan.kit.work)
        self._tail: list[str] = []
        self._at: tuple[str, int] = ("", 0)
        self.took_s: dict[str, float] = {}
        self.reused: list[str] = []
        self.result = ChildResult(error="", seconds=0, peak_bytes=0, versions={}, options=[])

    async def do(self, step: Step) -> None:
        """Do a step, unless its stamp says that it is done."""
        self.enter(step.name)
        stamp = await asyncio.to_thread(self._stamps.find, step)
        if stamp is not None:
            self._write([f"# {step.title}: done before, {stamp.seconds:g} s"])
            self.reused.append(step.name)
        else:
            stamp = await self._redo(step)
        self.took_s[step.name] = stamp.seconds
        if step.name == EXPORT:
            self.result = self._exported(step, stamp)

    def enter(self, stage: str, part: int = 0) -> None:
        """Something begins."""
        self._at = (stage, part)
        self._tell(progress_at(stage, part, elapsed_s=self._clock.monotonic_s() - self._began_s))

    async def publish(self, ready: Path) -> None:
        """Let the model appear; the work place is not needed any more."""
        try:
            await asyncio.to_thread(sync, ready)
        except OSError as error:
            raise unwritable(self._plan.out, error) from error
        publish(ready, self._plan.out)
        await asyncio.to_thread(remove_work, self._plan.kit.work)

    async def _redo(self, step: Step) -> Stamp:
        began_s = self._clock.monotonic_s()
        inputs = await asyncio.to_thread(self._stamps.inputs, step)
        peak_bytes = 0
        try:
            self._stamps.drop(step)
            self._write([f"# {step.title}"])
            for command in step.commands:
                peak_bytes = max(peak_bytes, await self._run(step, command))
            if step.name == GRAPHS:
                check_graphs(step.output)
            await asyncio.to_thread(sync, step.output)
            seconds = self._clock.monotonic_s() - began_s
            return await asyncio.to_thread(
                self._stamps.put, step, inputs, seconds=seconds, peak_bytes=peak_bytes
            )
        except OSError as error:
            reason = f"{error.filename or step.output}: {error.strerror}"
            raise self._failed(step, reason) from error

    async def _run(self, step: Step, command: Command) -> int:
        """Run a command to its end; the most memory that one of its processes had, in bytes."""
        self._write([f"$ {command}"])
        result = self._plan.kit.work / _RESULT
        result.unlink(missing_ok=True)
        entry = (sys.executable, "-P", "-m", "devicehub.export.npu.step_entry", str(result))
        cwd = self._plan.kit.work if command.cwd is None else Path(command.cwd)
        reading = Reading()
        env = command.environment(os.environ)
        async with procs.child((*entry, *command.argv), env=env, cwd=cwd) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            await self._listen(step, process.stdout, reading)
            await self._listen(step, process.stderr, reading)
            await process.wait()
        ended = _read_end(result)
        if ended is None or ended["status"] != 0:
            raise self._failed(step, _why(command, ended, reading))
        if _is_generator(command) and not reading.ended:
            reason = reading.reason or "it ended without a word of its end"
            raise self._failed(step, f"generate_llm_qnn.py: {reason}")
        return int(ended["peak_bytes"])

    async def _listen(self, step: Step, stream: asyncio.StreamReader, reading: Reading) -> None:
        while True:
            try:
                async with asyncio.timeout(_SILENCE_S):
                    data = await stream.read(_PIECE)
            except TimeoutError:
                self.enter(*self._at)
                continue
            lines = reading.receive(data) if data else reading.close()
            self._write(lines)
            told = [line for line in lines if not line.startswith(_FRAMES)]
            self._tail = [*self._tail, *told][-_TAIL_LINES:]
            if (step.name, reading.part) != self._at:
                self.enter(step.name, reading.part)
            if not data:
                return

    def _exported(self, step: Step, stamp: Stamp) -> ChildResult:
        versions = {"python": sys.version.split()[0], **installed_versions(), **self._plan.versions}
        # The wheel's exporter and converter had no part in it.
        versions = {name: version for name, version in versions.items() if name not in ("llmexport", "MNN")}
        options = list(step.commands[-1].argv[2:])
        return ChildResult(
            error="", seconds=stamp.seconds, peak_bytes=stamp.peak_bytes, versions=versions, options=options
        )

    def _failed(self, step: Step, reason: str) -> NpuStepFailed:
        source, work = self._plan.export.source.folder, self._plan.kit.work
        return NpuStepFailed(source, step.name, reason, tail=self._tail, log=self._log, work=work)

    def _write(self, lines: Sequence[str]) -> None:
        try:
            self._stream.write("".join(f"{line}\n" for line in lines).encode(errors="replace"))
            self._stream.flush()
        except OSError as error:
            raise unwritable(self._log, error) from error


def _is_generator(command: Command) -> bool:
    return any(word.endswith("generate_llm_qnn.py") for word in command.argv[:2])


def _why(command: Command, ended: dict[str, Any] | None, reading: Reading) -> str:
    program = next(
        (word.rpartition("/")[2] for word in command.argv if word.endswith(".py")), command.argv[0]
    )
    if ended is None:
        return f"{program} was killed"
    if reading.reason:
        return f"{program}: {reading.reason}"
    status = ended["status"]
    how = f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
    return f"{program} {how}"


def _read_end(result: Path) -> dict[str, Any] | None:
    try:
        return msgspec.json.decode(result.read_bytes(), type=dict[str, int])
    except (OSError, msgspec.DecodeError):
        return None


@contextlib.contextmanager
def _claimed(plan: NpuPlan) -> Iterator[None]:
    """Only one process works at a model; what is left of one that has appeared is removed.

    Raises:
        InputError: it is there already, or another process makes it, or its folder cannot be written.
    """
    out, work = plan.out, plan.kit.work
    try:
        work.mkdir(parents=True, exist_ok=True)
        owner = os.open(work / _OWNER, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        problem = f"cannot be written: {error.strerror}"
        raise InputError(out.parent, problem, remedy="name another folder") from error
    try:
        try:
            fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(
                out, "another export is making it", remedy="wait for its end, or name another folder"
            ) from error
        if out.exists() or out.is_symlink():
            remove_work(work)
            raise InputError(out, "is there already", remedy="name another folder, or remove it first")
        yield
    finally:
        os.close(owner)
