"""Carries one run to its one end: attempts, breaks of the link, retries."""

from __future__ import annotations

import asyncio
import contextlib
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import msgspec

from devicehub.deploy.apk import find_app
from devicehub.dispatch.adopt import Adopter
from devicehub.dispatch.closing import cause_of, close_run, tidy
from devicehub.dispatch.conditions import ConditionsReader
from devicehub.dispatch.follower import Follower
from devicehub.dispatch.header import check_fit, make_header
from devicehub.dispatch.journal import Journal
from devicehub.dispatch.link import Link
from devicehub.dispatch.outcome import STOPPED, Ended
from devicehub.dispatch.proof import has_begun
from devicehub.dispatch.request import SilentListener
from devicehub.dispatch.starter import Starter
from devicehub.errors import (
    AdbError,
    DeviceGone,
    HubError,
    PhoneAway,
    PhoneLocked,
    RunLost,
    RunnerError,
    RunRefused,
    StoreError,
)
from devicehub.runner.launch import Runner
from devicehub.runs.lifecycle import RunEvent, RunState
from devicehub.runs.model import Attempt

if TYPE_CHECKING:
    from devicehub.adb.client import Transport
    from devicehub.deploy.apk import InstalledApp
    from devicehub.device.model import Device
    from devicehub.dispatch.means import Means
    from devicehub.dispatch.request import RunListener, RunRequest
    from devicehub.runner.contract import RunHandle
    from devicehub.runs.model import RunHeader, RunRecord

_CANCEL_S: Final = 20.0
_STOP_LOOK_S: Final = 1.0
"""How often the store is asked whether a person wants the run to end."""
_ON_PHONE: Final = frozenset({RunState.STARTING, RunState.RUNNING, RunState.DETACHED, RunState.COLLECTING})


@dataclass(frozen=True)
class Outcome:
    """What came of a run, and the error that ended it where the hub met one."""

    record: RunRecord
    error: HubError | None = None


class Carrier:
    """One run on one phone. Not reusable.

    Args:
        request: what is asked.
        device: the phone, identified.
        transport: the way to it.
        means: what the hub gives.
        listener: is told what happens.
    """

    def __init__(
        self,
        request: RunRequest,
        device: Device,
        transport: Transport,
        means: Means,
        listener: RunListener | None = None,
    ) -> None:
        assert device.identity is not None
        self._request = request
        self._device = device
        self._means = means
        self._listener = listener or SilentListener()
        self._link = Link(
            means.client,
            means.door,
            serialno=device.identity.serialno,
            boot_id=device.identity.boot_id,
            transport=transport,
            serial=device.serial,
            clock=means.clock,
        )
        self._journal = Journal(means.store, request.run_id, means.clock)
        self._starter: Starter
        self._header: RunHeader
        self._failed: list[Attempt] = []
        self._phone_run_id = request.run_id
        self._timings: dict[str, Any] = {}

    async def carry(self) -> Outcome:
        """Carry the run to its end.

        Raises:
            HubError: it was refused before it began, and nothing was written down.
            PhoneAway: it has begun and goes on on the phone, which is out of reach.
        """
        await self._prepare()
        try:
            return await self._unless_stopped()
        except asyncio.CancelledError:
            await self._cancel()
            raise
        except (PhoneAway, StoreError):
            self._means.store.release(self._header.id)
            raise

    async def start_detached(self) -> RunHeader:
        """Start the run and leave it to the phone; a later command collects it.

        Raises:
            HubError: it could not be started; the run has ended so.
        """
        await self._prepare()
        try:
            self._begin_attempt(1)
            await self._deploy_and_start()
        except (AdbError, HubError) as error:
            if not isinstance(error, PhoneAway | StoreError):
                self._close(Ended(cause_of(error), self._no_conditions(), sentence=str(error)), 1)
            raise
        except asyncio.CancelledError:
            await self._cancel()
            raise
        self._means.store.release(self._header.id)
        return self._header

    async def _prepare(self) -> None:
        check_fit(self._request, self._device)
        app = await self._find_app()
        header = make_header(
            self._request, self._device, adb=self._means.adb, started_s=self._means.clock.wall_s(), app=app
        )
        self._starter = Starter(
            self._request, agent=self._means.agent, clock=self._means.clock, listener=self._listener
        )
        cautions = await self._starter.check(self._link.transport, self._device.serial, header.config)
        self._header = msgspec.structs.replace(header, cautions=cautions)
        self._journal.begin(self._header)
        self._listener.on_note(f"run {self._header.id}")

    async def _find_app(self) -> InstalledApp | None:
        plan = self._request.app
        if plan is None:
            return None
        app = await find_app(self._link.transport)
        if app is None:
            problem = "MnnLlmChat is not installed"
            raise RunRefused(self._device.serial, problem, remedy="install it: `devicehub app install APK`")
        plan = replace(plan, package=app.package, debuggable=app.debuggable)
        self._request = replace(self._request, app=plan)
        return app

    async def _unless_stopped(self) -> Outcome:
        """Carry on to the end, unless another process asks to stop before the phone has the run."""

        async def carry() -> Outcome | HubError:
            try:
                return await self._carry_attempts()
            except HubError as error:
                return error

        async with asyncio.TaskGroup() as tasks:
            carrying = tasks.create_task(carry())
            while not carrying.done():
                await asyncio.wait({carrying}, timeout=_STOP_LOOK_S)
                if self._journal.state not in _ON_PHONE and self._journal.stop_requested():
                    carrying.cancel()
        if carrying.cancelled():
            return Outcome(self._close(Ended(STOPPED, self._no_conditions()), len(self._failed) + 1))
        outcome = carrying.result()
        if isinstance(outcome, HubError):
            raise outcome
        return outcome

    async def _carry_attempts(self) -> Outcome:
        number = 0
        while True:
            number += 1
            self._begin_attempt(number)
            error: HubError | None = None
            try:
                handle = await self._deploy_and_start()
                ended = await self._follow(handle)
            except (PhoneAway, StoreError):
                raise
            except HubError as failure:
                await self._leave_nothing(failure)
                error = failure
                ended = Ended(cause_of(failure), self._no_conditions(), sentence=str(failure))
            if not await self._may_try_again(ended, error, number):
                record = self._close(ended, number)
                if error is None:
                    await tidy(self._means, self._runner, record.device.serialno)
                return Outcome(record, error)

    async def _leave_nothing(self, failure: HubError) -> None:
        """Whatever went wrong between hub and phone: a run that is given up must not go on there."""
        if self._journal.state in _ON_PHONE and not isinstance(failure, PhoneLocked):
            await self._runner.abandon(self._runner.handle(self._phone_run_id))

    @property
    def _runner(self) -> Runner:
        """The phone's agent, by the way that leads to it now."""
        return Runner(self._link.transport, agent_dir=self._means.agent, clock=self._means.clock)

    def _begin_attempt(self, number: int) -> None:
        self._phone_run_id = self._header.id if number == 1 else f"{self._header.id}.{number}"
        self._journal.new_attempt(number, self._phone_run_id)
        self._listener.on_state(RunState.CHECKING)

    async def _deploy_and_start(self) -> RunHandle:
        self._move(RunEvent.DEPLOY)
        await self._starter.deploy(self._link.transport)
        self._move(RunEvent.START)
        try:
            handle = await self._starter.start(self._link.transport, self._header, self._phone_run_id)
        except AdbError as error:
            handle = await self._settle(error)
        except RunnerError as error:
            await self._ask_why(error)
            raise
        self._move(RunEvent.STARTED)
        return handle

    async def _ask_why(self, error: RunnerError) -> None:
        """A supervisor that never came up may have been killed with the rest: the phone knows.

        Raises:
            RunLost: it was.
        """
        if isinstance(error, PhoneLocked):
            return
        status = await self._runner.status(self._phone_run_id)
        if status.state == "lost":
            raise RunLost(
                serial=self._device.serial,
                run_id=self._phone_run_id,
                cause=status.cause or "agent_killed",
            ) from error

    async def _settle(self, error: AdbError) -> RunHandle:
        """The link broke while the run was started: find out whether it was.

        Raises:
            AdbError: it was not, and never will be.
            PhoneAway: the phone cannot tell.
        """
        if not error.transient:
            raise error
        self._move(RunEvent.LINK_LOST)
        patience_s = self._request.patience_s
        try:
            await self._link.back(deadline_s=self._means.clock.monotonic_s() + patience_s)
            if not await has_begun(self._runner, self._phone_run_id):
                raise error
            return await self._runner.find(self._phone_run_id)
        except DeviceGone as gone:
            if gone is error:
                raise
            raise PhoneAway(serial=self._device.serial, run_id=self._header.id, waited_s=patience_s) from gone

    async def _follow(self, handle: RunHandle) -> Ended:
        follower = Follower(
            self._header,
            self._link,
            means=self._means,
            listener=self._listener,
            journal=self._journal,
            patience_s=self._request.patience_s,
        )
        try:
            return await follower.follow(handle)
        finally:
            self._timings |= follower.timings

    async def _may_try_again(self, ended: Ended, error: HubError | None, number: int) -> bool:
        if error is not None and not error.transient:
            return False
        wait_s = self._request.retries.wait_s(ended.cause, number)
        if wait_s is None:
            return False
        self._failed.append(
            Attempt(
                number=number, phone_run_id=self._phone_run_id, cause=ended.cause, sentence=ended.sentence
            )
        )
        self._journal.note("retry", f"attempt {number} ended: {ended.cause}; the next one in {wait_s:g} s")
        self._listener.on_note(f"attempt {number} ended ({ended.cause}); trying again")
        clock = self._means.clock
        await clock.sleep(wait_s)
        try:
            await self._link.back(deadline_s=clock.monotonic_s() + self._request.patience_s)
        except DeviceGone:
            self._failed.pop()
            return False
        return True

    async def _cancel(self) -> None:
        """Ctrl-C: what the run has so far is kept; a phone that cannot be told is told when it is back."""
        store, run_id = self._means.store, self._header.id
        if self._journal.state not in _ON_PHONE:
            self._close(Ended(STOPPED, self._no_conditions()), len(self._failed) + 1)
            return
        store.request_stop(run_id, self._means.clock.wall_s())
        store.release(run_id)
        adopter = Adopter(store.run(run_id), self._means, lost_after_s=math.inf)
        with contextlib.suppress(HubError, TimeoutError):
            async with asyncio.timeout(_CANCEL_S):
                if await adopter.adopt([(self._device, self._link.transport)]) is not None:
                    self._listener.on_note(f"run {run_id} was stopped on the phone")
                    return
        self._listener.on_note(f"run {run_id} is stopped when its phone answers again")

    def _close(self, ended: Ended, number: int) -> RunRecord:
        cause = ended.cause or next((launch.cause for launch in ended.launches if launch.cause), None)
        last = Attempt(number=number, phone_run_id=self._phone_run_id, cause=cause, sentence=ended.sentence)
        record = close_run(
            self._means,
            self._journal,
            self._header,
            ended,
            attempts=[*self._failed, last],
            timings=self._starter.timings | self._timings,
        )
        self._listener.on_state(record.state)
        return record

    def _no_conditions(self) -> Any:
        return ConditionsReader(self._header).finish()

    def _move(self, event: RunEvent) -> None:
        self._listener.on_state(self._journal.move(event))
