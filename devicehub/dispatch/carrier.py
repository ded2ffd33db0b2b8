"""Carries a phone's list to its one end: a run's attempts, or the two runs of a comparison."""

from __future__ import annotations

import asyncio
import contextlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devicehub.cancellation import heed_cancellation
from devicehub.dispatch.adopt import Adopter
from devicehub.dispatch.carried import CarriedRun
from devicehub.dispatch.closing import cause_of, tidy
from devicehub.dispatch.follower import first_of
from devicehub.dispatch.header import check_fit
from devicehub.dispatch.link import Link
from devicehub.dispatch.outcome import STOPPED
from devicehub.dispatch.planning import with_shared_steps, with_steps
from devicehub.dispatch.prepare import look, prepare
from devicehub.dispatch.proof import has_begun
from devicehub.dispatch.request import SilentListener
from devicehub.errors import (
    AdbError,
    DeviceGone,
    HubError,
    PhoneAway,
    PhoneLocked,
    RunLost,
    RunnerError,
    StoreError,
)
from devicehub.runner.launch import Runner
from devicehub.runs.lifecycle import RunEvent, RunState

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from devicehub.adb.client import Transport
    from devicehub.device.model import Device
    from devicehub.dispatch.means import Means
    from devicehub.dispatch.outcome import Ended
    from devicehub.dispatch.request import RunListener, RunRequest
    from devicehub.runner.contract import RunHandle
    from devicehub.runs.model import RunRecord

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
    """One list of steps on one phone. Not reusable.

    Args:
        requests: what is asked: one run, or the two of a comparison, which are not tried again.
        device: the phone, identified.
        transport: the way to it.
        means: what the hub gives.
        listeners: are told what happens, one per request.
        before_start: awaited when all is on the phone: two phones of a comparison start together.
        leaves_runs: when `carry` is cancelled, what the phone has goes on there, for whoever comes next.
    """

    def __init__(
        self,
        requests: Sequence[RunRequest],
        device: Device,
        transport: Transport,
        means: Means,
        listeners: Sequence[RunListener] | None = None,
        *,
        before_start: Callable[[], Awaitable[None]] | None = None,
        leaves_runs: bool = False,
    ) -> None:
        assert device.identity is not None
        self._requests = list(requests)
        self._device = device
        self._means = means
        self._listeners = listeners or [SilentListener() for _ in requests]
        self._before_start = before_start
        self._leaves_runs = leaves_runs
        self._patience_s = requests[0].patience_s
        self._link = self._new_link(transport)
        self._runs: list[CarriedRun] = []

    def _new_link(self, transport: Transport) -> Link:
        assert self._device.identity is not None
        return Link(
            self._means.client,
            self._means.door,
            serialno=self._device.identity.serialno,
            boot_id=self._device.identity.boot_id,
            transport=transport,
            serial=self._device.serial,
            clock=self._means.clock,
        )

    async def carry(self) -> list[Outcome]:
        """Carry the runs to their ends.

        Raises:
            HubError: they were refused before they began, and nothing was written down.
            PhoneAway: they have begun and go on on the phone, which is out of reach.
        """
        await self._prepare()
        try:
            return await self._unless_stopped()
        except asyncio.CancelledError:
            await self._cancel()
            raise
        except Exception:
            # The phone is away, or the store; or the hub stumbled, and the keeper ends what it left.
            self._release()
            raise

    async def _prepare(self) -> None:
        for request in self._requests:
            check_fit(request, self._device)
        for_app = any(request.app is not None for request in self._requests)
        seen = await look(self._device, self._link.transport, self._means, for_app=for_app)
        prepared = [
            prepare(request, self._device, seen, self._means, listener)
            for request, listener in zip(self._requests, self._listeners, strict=True)
        ]
        if len(prepared) == 1:
            [one] = prepared
            headers = [with_steps(one.request, one.header, one.question, self._means)]
        else:
            headers = [*with_shared_steps(prepared, self._means)]
        for one, header, listener in zip(prepared, headers, self._listeners, strict=True):
            self._runs.append(CarriedRun(one, header, self._means, listener))
        for run in self._runs:
            run.begin()

    async def _unless_stopped(self) -> list[Outcome]:
        """Carry on to the end, unless another process asks to stop before the phone has the runs."""

        async def carry() -> list[Outcome] | HubError:
            try:
                return await self._carry_attempts()
            except HubError as error:
                return error

        async with asyncio.TaskGroup() as tasks:
            carrying = tasks.create_task(carry())
            while not carrying.done():
                await asyncio.wait({carrying}, timeout=_STOP_LOOK_S)
                if not self._on_phone and any(run.journal.stop_requested() for run in self._runs):
                    carrying.cancel()
        if carrying.cancelled():
            return [Outcome(record) for record in self._close_all(STOPPED)]
        outcome = carrying.result()
        if isinstance(outcome, HubError):
            raise outcome
        return outcome

    @property
    def _on_phone(self) -> bool:
        return self._runs[0].journal.state in _ON_PHONE

    async def _carry_attempts(self) -> list[Outcome]:
        number = 0
        while True:
            number += 1
            self._begin_attempt(number)
            try:
                handle = await self._deploy_and_start()
                ends = await self._follow_all(handle)
            except (PhoneAway, StoreError):
                raise
            except HubError as failure:
                await self._leave_nothing(failure)
                if await self._may_try_again(cause_of(failure), failure, number):
                    continue
                return [Outcome(record, failure) for record in self._close_all(cause_of(failure), failure)]
            if await self._may_try_again(ends[0].cause, None, number, ends[0].sentence):
                continue
            records = [run.close(ended) for run, ended in zip(self._runs, ends, strict=True)]
            await tidy(self._means, self._runner, records[0].device.serialno)
            return [Outcome(record) for record in records]

    async def _follow_all(self, handle: RunHandle) -> list[Ended]:
        """Read every run to its end; each by a link of its own, for each finds the phone again by itself."""
        first, *others = self._runs
        if not others:
            return [await first.follow(handle, self._link, patience_s=self._patience_s)]

        async def follow(run: CarriedRun) -> Ended:
            link = self._new_link(self._link.transport)
            own = await self._runner.find(run.phone_run_id)
            return await run.follow(own, link, patience_s=self._patience_s)

        try:
            async with asyncio.TaskGroup() as tasks:
                following = [tasks.create_task(follow(run)) for run in self._runs]
        except* HubError as group:
            heed_cancellation()
            raise first_of(group) from None
        return [task.result() for task in following]

    async def _leave_nothing(self, failure: HubError) -> None:
        """Whatever went wrong between hub and phone: a run that is given up must not go on there."""
        if self._on_phone and not isinstance(failure, PhoneLocked):
            await self._runner.abandon(self._runner.handle(self._runs[0].phone_run_id))

    @property
    def _runner(self) -> Runner:
        """The phone's agent, by the way that leads to it now."""
        return Runner(self._link.transport, agent_dir=self._means.agent, clock=self._means.clock)

    def _begin_attempt(self, number: int) -> None:
        for run in self._runs:
            run.begin_attempt(number)

    async def _deploy_and_start(self) -> RunHandle:
        self._move(RunEvent.DEPLOY)
        for run in self._runs:
            await run.prepared.starter.deploy(self._link.transport)
        if self._before_start is not None:
            await self._before_start()
        self._move(RunEvent.START)
        starter = self._runs[0].prepared.starter
        try:
            handle = await starter.start(self._link.transport, [run.half for run in self._runs])
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
        phone_run_id = self._runs[0].phone_run_id
        status = await self._runner.status(phone_run_id)
        if status.state == "lost":
            raise RunLost(
                serial=self._device.serial,
                run_id=phone_run_id,
                cause=status.cause or "agent_killed",
            ) from error

    async def _settle(self, error: AdbError) -> RunHandle:
        """The link broke while the list was started: find out whether it was.

        Raises:
            AdbError: it was not, and never will be.
            PhoneAway: the phone cannot tell.
        """
        if not error.transient:
            raise error
        self._move(RunEvent.LINK_LOST)
        first, patience_s = self._runs[0], self._patience_s
        try:
            await self._link.back(deadline_s=self._means.clock.monotonic_s() + patience_s)
            if not await has_begun(self._runner, first.phone_run_id):
                raise error
            return await self._runner.find(first.phone_run_id)
        except DeviceGone as gone:
            if gone is error:
                raise
            raise PhoneAway(serial=self._device.serial, run_id=first.header.id, waited_s=patience_s) from gone

    async def _may_try_again(
        self, cause: str | None, error: HubError | None, number: int, sentence: str | None = None
    ) -> bool:
        if len(self._runs) > 1 or (error is not None and not error.transient):
            return False
        [run] = self._runs
        wait_s = self._requests[0].retries.wait_s(cause, number)
        if wait_s is None:
            return False
        run.attempt_failed(cause, str(error) if error else sentence, wait_s)
        clock = self._means.clock
        await clock.sleep(wait_s)
        try:
            await self._link.back(deadline_s=clock.monotonic_s() + self._patience_s)
        except DeviceGone:
            run.attempt_stands()
            return False
        return True

    async def _cancel(self) -> None:
        """Ctrl-C: what the runs have so far is kept; a phone that cannot be told is told when it is back.

        A hub that ends leaves them to their phones.
        """
        store = self._means.store
        if not self._on_phone:
            self._close_all(STOPPED)
            return
        if self._leaves_runs:
            self._release()
            return
        for run in self._runs:
            store.request_stop(run.header.id, self._means.clock.wall_s())
        self._release()
        for run in self._runs:
            await self._end_on_phone(run)

    async def _end_on_phone(self, run: CarriedRun) -> None:
        run_id = run.header.id
        adopter = Adopter(self._means.store.run(run_id), self._means, lost_after_s=math.inf)
        with contextlib.suppress(HubError, TimeoutError):
            async with asyncio.timeout(_CANCEL_S):
                if await adopter.adopt([(self._device, self._link.transport)]) is not None:
                    run.listener.on_note(f"run {run_id} was stopped on the phone")
                    return
        run.listener.on_note(f"run {run_id} is stopped when its phone answers again")

    def _close_all(self, cause: str, error: HubError | None = None) -> list[RunRecord]:
        return [run.close_untold(cause, error) for run in self._runs]

    def _release(self) -> None:
        for run in self._runs:
            self._means.store.release(run.header.id)

    def _move(self, event: RunEvent) -> None:
        for run in self._runs:
            run.move(event)
