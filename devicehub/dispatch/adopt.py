"""Takes up runs whose command has ended: what the phones have of them is collected, once."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, TypeAlias

from devicehub.dispatch.closing import close_run
from devicehub.dispatch.conditions import ConditionsReader
from devicehub.dispatch.follower import Follower
from devicehub.dispatch.journal import Journal, is_alive, own_process
from devicehub.dispatch.link import Link
from devicehub.dispatch.outcome import PHONE_LOST, STOPPED, Ended, read_header
from devicehub.dispatch.proof import has_begun
from devicehub.dispatch.request import SilentListener
from devicehub.errors import AdbError, HubError, PhoneAway, RunnerError
from devicehub.mistakes import describe_mistake
from devicehub.runner.launch import Runner
from devicehub.runs.lifecycle import RunEvent, RunState
from devicehub.runs.model import Attempt
from devicehub.runs.retry import HUB_KILLED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devicehub.adb.client import Transport
    from devicehub.device.model import Device
    from devicehub.dispatch.means import Means
    from devicehub.dispatch.request import RunListener
    from devicehub.runs.model import RunHeader, RunRecord
    from devicehub.store.model import RunRow

log = logging.getLogger(__name__)

_BEFORE_PHONE: Final = frozenset({RunState.QUEUED, RunState.CHECKING, RunState.DEPLOYING})
"""The store is told `starting` before the phone is told anything."""

Phone: TypeAlias = "tuple[Device, Transport]"


class Adopter:
    """One run that nobody carries.

    Args:
        row: the run as the store has it.
        means: what the hub gives.
        lost_after_s: how long a phone may stay away before its run counts as lost.
    """

    def __init__(
        self, row: RunRow, means: Means, *, lost_after_s: float, listener: RunListener | None = None
    ) -> None:
        self._row = row
        self._means = means
        self._lost_after_s = lost_after_s
        self._listener = listener or SilentListener()
        self._journal = Journal(means.store, row.id, means.clock, state=RunState(row.state))
        self._journal.resume(row.attempt)

    async def adopt(
        self, phones: Sequence[Phone], *, wait: bool = False, patience_s: float = 0.0
    ) -> RunRecord | None:
        """Bring the run as far as it can be told now; its record if that is its end.

        Args:
            phones: those of its ro.serialno that are there: cheap ones share it.
            wait: follow a run that is still under way to its end.
            patience_s: how long the phone may be away meanwhile.
        """
        pid, started = own_process()
        if not self._means.store.claim(self._row.id, pid, started, is_alive):
            return None
        try:
            return await self._adopt(phones, wait=wait, patience_s=patience_s)
        except (AdbError, PhoneAway):
            return None  # it is away again; the next command finds it
        finally:
            self._means.store.release(self._row.id)

    async def _adopt(self, phones: Sequence[Phone], *, wait: bool, patience_s: float) -> RunRecord | None:
        header = read_header(self._row.request)
        if header is None:
            return None  # another version's; that one can read it
        if self._journal.state in _BEFORE_PHONE:
            asked = self._means.store.stop_requested(self._row.id)
            return self._close(header, STOPPED if asked else HUB_KILLED)
        if not phones:
            away_s = self._means.clock.wall_s() - (self._row.last_contact or self._row.created)
            if self._journal.state is RunState.LOST or away_s < self._lost_after_s:
                return None
            return self._close(header, PHONE_LOST)
        self._means.store.touch(self._row.id, self._means.clock.wall_s())
        try:
            phone = await self._find_phone(phones)
            if phone is None:
                return self._close_without_trace(header)
            return await self._collect(header, *phone, wait=wait, patience_s=patience_s)
        except RunnerError as error:
            # The phone answers, and what it has cannot be read: that will not change.
            if error.transient or self._journal.state is RunState.LOST:
                raise
            return self._close(header, "agent_failed", sentence=str(error))
        except HubError:
            raise
        except Exception as error:
            # The hub would stumble over it each time: it must not have the phone for ever.
            log.exception("run %s could not be taken up", self._row.id)
            for runner in (self._runner(transport) for _, transport in phones):
                await runner.abandon(runner.handle(self._row.phone_run_id))
            if self._journal.state is RunState.LOST:
                return None
            return self._close(header, "agent_failed", sentence=describe_mistake(error))

    def _close_without_trace(self, header: RunHeader) -> RunRecord | None:
        """No phone has anything of the run, nor ever will."""
        state = self._journal.state
        if state is RunState.LOST:
            return None
        if self._means.store.stop_requested(self._row.id):
            return self._close(header, STOPPED)
        if state is RunState.STARTING:
            return self._close(header, HUB_KILLED)
        return self._close(header, PHONE_LOST, sentence="the phone has nothing of the run any more")

    async def _find_phone(self, phones: Sequence[Phone]) -> Phone | None:
        """The phone that has begun the run; None where none has, nor ever will."""
        row = self._row
        phones = sorted(phones, key=lambda phone: _boot_id(phone[0]) != row.boot_id)
        for device, transport in phones:
            if await has_begun(self._runner(transport), row.phone_run_id):
                return device, transport
        return None

    def _runner(self, transport: Transport) -> Runner:
        return Runner(transport, agent_dir=self._means.agent, clock=self._means.clock)

    async def _collect(
        self, header: RunHeader, device: Device, transport: Transport, *, wait: bool, patience_s: float
    ) -> RunRecord | None:
        means, phone_run_id, runner = self._means, self._row.phone_run_id, self._runner(transport)
        running = (await runner.status(phone_run_id)).state == "running"
        if running and self._journal.state is RunState.LOST:
            return None
        if running and means.store.stop_requested(self._row.id):
            await runner.stop(runner.handle(phone_run_id), STOPPED)
        elif running and not wait:
            self._journal.move(RunEvent.STARTED)
            return None
        self._journal.move(RunEvent.STARTED if running else RunEvent.EXITED)
        link = Link(
            means.client,
            means.door,
            serialno=self._row.serialno,
            boot_id=_boot_id(device),
            transport=transport,
            serial=device.serial,
            clock=means.clock,
        )
        follower = Follower(
            header,
            link,
            means=means,
            listener=self._listener,
            journal=self._journal,
            patience_s=patience_s,
        )
        ended = await follower.follow(await runner.find(phone_run_id))
        # How long it took to read what had ended says nothing of the run.
        timings = follower.timings if running else {}
        return self._close(header, ended.cause, ended, timings=timings)

    def _close(
        self,
        header: RunHeader,
        cause: str | None,
        ended: Ended | None = None,
        *,
        timings: dict[str, float] | None = None,
        sentence: str | None = None,
    ) -> RunRecord:
        if ended is None:
            ended = Ended(cause, ConditionsReader(header).finish(), sentence=sentence)
        attempt = Attempt(
            number=self._row.attempt, phone_run_id=self._row.phone_run_id, cause=cause, sentence=sentence
        )
        return close_run(
            self._means, self._journal, header, ended, attempts=[attempt], timings=dict(timings or {})
        )


def _boot_id(device: Device) -> str:
    return device.identity.boot_id if device.identity else ""
