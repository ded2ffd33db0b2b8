"""Reads a started run to its end, across any number of breaks of the link."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final, TypeVar

from devicehub.cancellation import heed_cancellation
from devicehub.device.probe import read_end_state
from devicehub.dispatch.app import drive_app
from devicehub.dispatch.diagnosis import diagnose, may_diagnose
from devicehub.dispatch.launches import APP, app_plan_of, fetched_files
from devicehub.dispatch.outcome import STOPPED, Ended
from devicehub.dispatch.reader import RunReader
from devicehub.errors import (
    AdbError,
    DeviceGone,
    DeviceUnauthorized,
    HubError,
    PhoneAway,
    RunLost,
    RunnerError,
)
from devicehub.measure.evaluations import judge_evaluation
from devicehub.measure.fidelity import judge as judge_answers
from devicehub.measure.suites import judge_suite
from devicehub.runner.contract import LaunchEnded, Piece, launch_dir
from devicehub.runner.exits import whole
from devicehub.runner.launch import Runner
from devicehub.runs.lifecycle import RunEvent
from devicehub.runs.retry import backoff_s
from devicehub.runs.steps import folder_number, own_steps
from devicehub.settings import app_key
from devicehub.units import format_celsius

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from devicehub.device.state import EndState
    from devicehub.dispatch.journal import Journal
    from devicehub.dispatch.link import Link
    from devicehub.dispatch.means import Means
    from devicehub.dispatch.request import RunListener
    from devicehub.runner.contract import RunHandle
    from devicehub.runs.model import Fidelity, RunHeader

T = TypeVar("T")

_FIRST_WORD_S: Final = 3.0
_NEXT_WORD_S: Final = 30.0
"""When a person is told that a launch waits for a cool phone, and how often again."""
_STEPS: Final = {
    "idle": "reading the battery of the idle phone",
    "fixture": "asking the model its fixture, prompt {}",
    "warmup": "warm-up, launch {}",
    "measured": "measured launch {}",
}
_FOLLOW_PATIENCE_S: Final = 3.0
"""How long the runner waits by itself, before the phone is looked for anew."""


def first_of(group: BaseExceptionGroup[HubError]) -> HubError:
    """The first of the errors that tasks beside each other met."""
    error: HubError | BaseExceptionGroup[HubError] = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def gate_sentence(fields: Mapping[str, str]) -> str | None:
    """What a launch waits for, by the agent's `gate` file; None where it does not."""
    limit_mc = whole(fields.get("gate_limit_mc"))
    if limit_mc is None or fields.get("waiting") in (None, "", "0"):
        return None
    temp_mc = whole(fields.get("gate_temp_mc"))
    reasons = []
    if temp_mc is not None and temp_mc > limit_mc:
        zone = fields.get("gate_zone") or "its zone"
        reasons.append(f"{zone} has {format_celsius(temp_mc)}, the gate wants {format_celsius(limit_mc)}")
    if fields.get("gate_throttled") == "1":
        reasons.append("the phone throttles")
    return f"waiting at the gate: {'; '.join(reasons)}" if reasons else None


class Follower:
    """One attempt that has started, read to its end.

    Args:
        header: what is known of the run.
        link: the way to the phone.
        means: what the hub gives.
        listener: is told the steps and the text.
        journal: keeps states and samples.
        patience_s: how long the phone may be away.

    Attributes:
        timings: milliseconds per phase, by the fields of `runs.model.Timings`.
    """

    def __init__(
        self,
        header: RunHeader,
        link: Link,
        *,
        means: Means,
        listener: RunListener,
        journal: Journal,
        patience_s: float,
    ) -> None:
        self._header = header
        self._link = link
        self._means = means
        self._clock = means.clock
        self._listener = listener
        self._journal = journal
        self._patience_s = patience_s
        self._reader = RunReader(header)
        self._breaks = 0
        self._stopped = False
        self._own = own_steps(header.steps, header.arm)
        self._tell_gate_s: float | None = None
        self._told = 0
        self.timings: dict[str, float] = {}

    @property
    def runner(self) -> Runner:
        """The phone's agent, by the way that leads to it now."""
        return Runner(self._link.transport, agent_dir=self._means.agent, clock=self._clock)

    async def follow(self, handle: RunHandle) -> Ended:
        """Read the run to its end and judge it; what has to be asked of an app is asked meanwhile.

        Raises:
            PhoneAway: the phone was away for longer than the patience; the run goes on there.
            RunnerError: the phone has lost files of the run.
        """
        if self._header.workload != APP:
            return await self._follow(handle)
        try:
            async with asyncio.TaskGroup() as tasks:
                asking = tasks.create_task(self._ask_app(handle))
                ended = await self._follow(handle)
                # A launch that has ended answers nothing any more.
                asking.cancel()
        except* HubError as group:
            heed_cancellation()
            raise first_of(group) from None
        return ended

    async def _follow(self, handle: RunHandle) -> Ended:
        begun_s = self._clock.monotonic_s()
        cause: str | None = None
        sentence: str | None = None
        try:
            await self._across_breaks(handle, self._read)
            self.timings["run_ms"] = self._ms_since(begun_s)
            begun_s = self._clock.monotonic_s()
            self._move(RunEvent.EXITED)
            cause = await self._across_breaks(handle, self._collect)
        except RunLost as lost:
            cause, sentence = lost.cause, str(lost)
            if "run_ms" not in self.timings:
                self.timings["run_ms"] = self._ms_since(begun_s)
                begun_s = self._clock.monotonic_s()
            await self.runner.abandon(handle)  # what the supervisor left behind
        self._journal.samples(b"", last=True)
        reader, header = self._reader, self._header
        told = (cause if cause != STOPPED else None, [sentence] if sentence else [])
        # In a thread: finding the letters of thousands of answers takes seconds.
        launches = (
            await asyncio.to_thread(reader.finish, *told) if header.asked_eval else reader.finish(*told)
        )
        self.timings["collect_ms"] = self._ms_since(begun_s)
        workload = header.workload
        if may_diagnose(launches, workload=workload):
            self._listener.on_note("the launch crashed; repeating it once on a terminal, for its last lines")
        exits, at_end = reader.shown_exits, await self._look_again()
        energy = None
        if header.energy_asked:
            energy = reader.conditions.energy(
                self._own, reader.own_exits, launches, plugged_end=at_end.plugged if at_end else None
            )
        return Ended(
            cause=cause,
            sentence=sentence,
            conditions=reader.conditions.finish(exits, launches, handle.supervisor, at_end),
            launches=launches,
            breaks=reader.conditions.breaks(exits),
            unseen=reader.conditions.unseen(exits),
            answered=self._answered(),
            # In a thread: judging costs up to a second for each answer of a hostile kind.
            suite=await asyncio.to_thread(judge_suite, header, launches, cause),
            evaluation=judge_evaluation(header, launches),
            energy=energy,
            diagnosis=await diagnose(self.runner, handle, launches, workload=workload),
        )

    async def _look_again(self) -> EndState | None:
        """The phone as it is now; None where it cannot be asked, which costs the run nothing else."""
        with contextlib.suppress(AdbError):
            return await read_end_state(self._link.transport)
        return None

    def _answered(self) -> Fidelity | None:
        header = self._header
        if header.fixture is None:
            return header.fidelity_known
        return judge_answers(header.fixture, self._reader.answers(), run_id=header.id)

    async def _across_breaks(self, handle: RunHandle, work: Callable[[RunHandle], Awaitable[T]]) -> T:
        """Do something with the phone, again after every break of the link."""
        read = self._reader.positions
        while True:
            try:
                return await work(handle)
            except AdbError as error:
                if not error.transient and not isinstance(error, DeviceUnauthorized):
                    raise
            self._on_link(works=False)
            await self._wait_for_phone()
            # A phone that lists but gives nothing must not be asked in a circle.
            self._breaks = 1 if self._reader.positions != read else self._breaks + 1
            read = self._reader.positions
            await self._clock.sleep(backoff_s(self._breaks, first_s=0.1, longest_s=5.0))
            self._on_link(works=True)

    async def _wait_for_phone(self) -> None:
        deadline_s = self._clock.monotonic_s() + self._patience_s
        try:
            await self._link.back(deadline_s=deadline_s)
        except DeviceGone as error:
            raise PhoneAway(
                serial=self._header.device.serial, run_id=self._header.id, waited_s=self._patience_s
            ) from error

    async def _ask_app(self, handle: RunHandle) -> None:
        for number, step in self._own.items():
            if step.kind == "idle":
                continue
            await drive_app(
                lambda: self._link.transport,
                app_plan_of(self._header),
                launch_dir=launch_dir(handle.run_dir, folder_number(self._header.steps, number)),
                clock=self._clock,
                on_text=self._listener.on_text,
                on_reply=self._reader.reader(number).feed_reply,
                api_key=app_key(),
                patience_s=self._patience_s,
            )

    async def _read(self, handle: RunHandle) -> None:
        pieces = self.runner.follow(
            handle,
            positions=self._reader.positions,
            patience_s=_FOLLOW_PATIENCE_S,
            on_link=lambda works: self._on_link(works=works),
        )
        try:
            async with contextlib.aclosing(pieces):
                self._tell_step()
                async for item in pieces:
                    self._listener.on_text(self._reader.feed(item))
                    if isinstance(item, LaunchEnded):
                        self._tell_step()
                    if isinstance(item, Piece) and item.stream == "samples":
                        self._journal.samples(item.data)
                        self._listener.on_samples(item.data)
                        await self._tell_gate(handle)
                        await self._heed_stop(handle)
        except RunLost:
            raise
        except RunnerError:
            # A run whose supervisor never came up cannot be followed; the phone knows why.
            status = await self.runner.status(handle.run_id)
            if status.state != "lost":
                raise
            cause = status.cause or "agent_killed"
            serial = self._header.device.serial
            raise RunLost(serial=serial, run_id=handle.run_id, cause=cause) from None

    async def _heed_stop(self, handle: RunHandle) -> None:
        """End a run that a person, in another process, wants to end; looked at with each sample."""
        if not self._stopped and self._journal.stop_requested():
            await self.runner.stop(handle, STOPPED)
            self._stopped = True

    def _tell_step(self) -> None:
        """Say what comes next, where it is more than one launch."""
        number, step = len(self._reader.exits) + 1, self._reader.step
        if step is None or number == self._told or len(self._own) == 1:
            return
        self._told = number
        alike = [own for own, other in self._own.items() if other.kind == step.kind]
        place = f"{alike.index(number) + 1} of {len(alike)}"
        self._listener.on_note(_STEPS[step.kind].format(place))

    async def _tell_gate(self, handle: RunHandle) -> None:
        """Say that the next launch waits for a cool phone, and how warm it is."""
        step, now_s = self._reader.step, self._clock.monotonic_s()
        if step is None or not step.gated or self._reader.has_begun:
            self._tell_gate_s = None
        elif self._tell_gate_s is None:
            self._tell_gate_s = now_s + _FIRST_WORD_S
        elif now_s >= self._tell_gate_s:
            self._tell_gate_s = now_s + _NEXT_WORD_S
            if said := gate_sentence((await self.runner.status(handle.run_id)).fields):
                self._listener.on_note(said)

    async def _collect(self, handle: RunHandle) -> str | None:
        """Fetch what the tools wrote into files; why the agent ended the run."""
        runner = self.runner
        end = await runner.result(handle, patience_s=_FOLLOW_PATIENCE_S)
        for launch in end.launches:
            step = self._own.get(launch.number)
            for name in fetched_files(self._header, step) if step is not None and step.shown else ():
                folder = folder_number(self._header.steps, launch.number)
                data = await runner.fetch(handle, folder, name, patience_s=_FOLLOW_PATIENCE_S)
                if data is not None:
                    self._reader.reader(launch.number).feed_result(name, data)
        self._reader.log_captured, self._reader.log_wrapped = end.log_captured, end.log_wrapped
        return end.cause

    def _on_link(self, *, works: bool) -> None:
        self._move(RunEvent.LINK_BACK if works else RunEvent.LINK_LOST)

    def _move(self, event: RunEvent) -> None:
        before = self._journal.state
        if self._journal.move(event) is not before:
            self._listener.on_state(self._journal.state)

    def _ms_since(self, begun_s: float) -> float:
        return (self._clock.monotonic_s() - begun_s) * 1000
