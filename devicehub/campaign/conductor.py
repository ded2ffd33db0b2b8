"""Carries campaigns: begins each cell on its phone, takes what it came to, and ends the campaign.

One hub at a time does so, and the store is what it knows: an attempt is written down with the ids of its runs
before these are queued, its outcome when they have ended. A hub that is killed in between finds the attempt
open, asks for the same runs again where they were never queued, and goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import msgspec

from devicehub.campaign.asks import cell_ask, decode_asks
from devicehub.campaign.extract import extract
from devicehub.campaign.outcome import CellOutcome
from devicehub.campaign.planned import PhoneRef, Plan
from devicehub.campaign.presence import Presence
from devicehub.campaign.progress import MOVE_AFTER_S, Progress, is_to_be_tried_again
from devicehub.errors import HubError, InputError, StoreError
from devicehub.runs.ask import CompareAsk
from devicehub.runs.model import RunRecord
from devicehub.store.model import AttemptRow, CampaignRow

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from devicehub.campaign.progress import Next
    from devicehub.clock import Clock
    from devicehub.device.model import Device
    from devicehub.dispatch.queue import Queue
    from devicehub.store.model import RunRow
    from devicehub.store.store import Store

log = logging.getLogger(__name__)

RUNNING: Final = "running"
STOPPED: Final = "stopped"
ENDED: Final = "ended"
MAX_DURATION: Final = "max_duration"
PHONE_AWAY: Final = "phone_away"
_LOOK_S: Final = 1.0
_LATEST: Final = 20
_ALL: Final = 2**31


class Conductor:
    """All campaigns that are under way.

    Args:
        store: keeps them.
        clock: paces it.
        queue: takes the runs.
        devices: the phones as they are known now, without I/O.
        model_id: the id that a model of the catalogue has now; None where there is none.
        stop_run: ends a run that has begun.
        want: is told the label of a phone that cells wait for, once a life of the hub.
        summarize: what to keep of a campaign that is over, for lists.
        on_change: is told a campaign's id and the numbers of its cells that stand differently.
        tell: is told what a person should know.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        queue: Queue,
        *,
        devices: Callable[[], Sequence[Device]],
        model_id: Callable[[str], str | None],
        stop_run: Callable[[str], Awaitable[RunRow]],
        want: Callable[[str], None],
        summarize: Callable[[Progress], bytes],
        on_change: Callable[[str, Sequence[int]], None],
        tell: Callable[[str], None],
    ) -> None:
        self._store = store
        self._clock = clock
        self._queue = queue
        self._presence = Presence(devices, clock)
        self._model_id = model_id
        self._stop_run = stop_run
        self._want = want
        self._summarize = summarize
        self._on_change = on_change
        self._tell = tell
        self._under_way: dict[str, Progress] = {}
        self._over: Progress | None = None
        self._wake = asyncio.Event()

    # What clients ask

    def begin(self, row: CampaignRow) -> None:
        """Carry a campaign that is not written down yet.

        Raises:
            StoreError: it cannot be written down.
        """
        self._store.add_campaign(row)
        self._take_up(row.id)

    def resume(self, campaign_id: str, *, deadline: float | None) -> None:
        """Carry a campaign again that was stopped or ended with cells missing; nothing where it is under way.

        Raises:
            InputError: there is no such campaign, or another version wrote it.
        """
        progress = self.load(campaign_id)
        if self._store.resume_campaign(progress.row.id, deadline=deadline):
            progress = self._take_up(progress.row.id)
            progress.withdrawn = {(row.cell, row.attempt) for row in progress.open()}

    async def stop(self, campaign_id: str) -> None:
        """End a campaign and the runs that it has under way; what is missing can be resumed.

        Raises:
            InputError: there is no such campaign.
        """
        row = self._store.campaign(campaign_id)
        self._store.end_campaign(row.id, STOPPED, STOPPED, wall_s=self._clock.wall_s())
        progress = self._under_way.pop(row.id, None) or self.load(row.id)
        for attempt in progress.open():
            for run_id in attempt.runs:
                await self._end_run(run_id)
            progress.withdrawn.add((attempt.cell, attempt.attempt))
            await self._look_at(progress, attempt)
        self._end_campaign(progress)

    def waits_for(self, progress: Progress) -> str | None:
        """Why nothing of a campaign is under way though it runs; None where something is."""
        if progress.row.state != RUNNING or progress.open():
            return None
        away_s = self._presence.away_s(progress.plan.phones)
        away = [
            phone.serial
            for phone in progress.plan.phones
            if phone.serialno in away_s and progress.missing(phone.serialno)
        ]
        return f"waits for {', '.join(away)}" if away else None

    def is_busy(self) -> bool:
        """Whether any campaign is under way."""
        return bool(self._under_way)

    def wake(self) -> None:
        """Have all looked at now: a run moved on, or a phone came."""
        self._wake.set()

    def progress(self, campaign_id: str) -> Progress:
        """How a campaign stands; one that is over is read once for all pages of a report.

        Raises:
            InputError: there is no such campaign, or another version wrote it.
        """
        row = self._store.campaign(campaign_id)
        if row.id in self._under_way:
            return self._under_way[row.id]
        over = self._over
        if over is None or (over.row.id, over.row.state, over.row.ended) != (row.id, row.state, row.ended):
            over = self._over = self.load(row.id)
        return over

    def load(self, campaign_id: str) -> Progress:
        """A campaign as the store has it; raises as `progress`."""
        row = self._store.campaign(campaign_id)
        try:
            plan = msgspec.json.decode(row.plan, type=Plan)
            progress = Progress(row, plan, decode_asks(row.asks))
            for attempt in self._store.attempts(row.id):
                progress.note_attempt(attempt)
            for _, document in self._store.outcomes(row.id, limit=_ALL):
                progress.note_outcome(msgspec.json.decode(document, type=CellOutcome))
        except msgspec.MsgspecError as error:
            raise InputError(
                f"campaign {row.id}",
                "was written by another version of DeviceHub",
                remedy="look at it with that version, or run the file again",
            ) from error
        return progress

    # The work

    async def run(self) -> None:
        """Carry what is under way until cancelled; the runs go on in the queue and on their phones."""
        self._keep_what_is_over()
        for campaign_id in self._store.running_campaigns():
            try:
                self._take_up(campaign_id)
            except InputError as error:
                self._tell(f"{error}; it stands still")  # the others go on
        while True:
            self._presence.look(phone for one in self._under_way.values() for phone in one.plan.phones)
            for progress in list(self._under_way.values()):
                await self._advance(progress)
            self._wake.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_S):
                    await self._wake.wait()

    def _keep_what_is_over(self) -> None:
        """Summarize what a hub ended that was killed before it kept how it stands: histories read that."""
        for row in self._store.campaigns(_LATEST):
            if row.state != RUNNING and row.summary is None:
                with contextlib.suppress(InputError):  # another version wrote it
                    self._end_campaign(self.load(row.id))

    def _take_up(self, campaign_id: str) -> Progress:
        progress = self._under_way[campaign_id] = self.load(campaign_id)
        open_on = {_phone_of(attempt).serialno for attempt in progress.open()}
        for phone in progress.plan.phones:
            if phone.serialno in open_on or progress.missing(phone.serialno):
                self._want(phone.serial)
        self._on_change(campaign_id, [])
        self.wake()
        return progress

    async def _advance(self, progress: Progress) -> None:
        for attempt in progress.open():
            await self._look_at(progress, attempt)
        for group in progress.finished_groups():
            for outcome in progress.merged(group):
                if outcome.cell not in progress.outcomes:
                    self._finish(progress, outcome)
        if self._under_way.get(progress.row.id) is not progress:
            return  # it was stopped meanwhile, and perhaps taken up again
        if not self._is_over_time(progress):
            self._begin_cells(progress)
        self._end_if_done(progress)

    def _is_over_time(self, progress: Progress) -> bool:
        deadline = progress.row.deadline
        return deadline is not None and self._clock.wall_s() >= deadline

    def _begin_cells(self, progress: Progress) -> None:
        busy = {_phone_of(attempt).serialno for attempt in progress.open()}
        away_s = self._presence.away_s(progress.plan.phones)
        for phone in progress.plan.phones:
            device = self._presence.device(phone)
            if phone.serialno in busy or device is None:
                continue
            if (planned := progress.next_for(phone, away_s)) is not None:
                self._begin(progress, planned, phone, device)

    def _begin(self, progress: Progress, planned: Next, phone: PhoneRef, device: Device) -> None:
        cell = planned.cell
        if (problem := self._changed(progress, planned)) is not None:
            outcome = CellOutcome(
                cell=cell.number,
                attempt=0,
                phone=phone,
                problem="model_changed",
                why=problem,
                ended=self._clock.wall_s(),
            )
            self._finish(progress, outcome)
            return
        ask = cell_ask(progress.asks, cell, launches=planned.launches)
        row = AttemptRow(
            campaign=progress.row.id,
            cell=cell.number,
            attempt=len(progress.attempts.get(cell.number, [])) + 1,
            runs=self._queue.new_ids(2 if isinstance(ask, CompareAsk) else 1),
            phone=msgspec.json.encode(phone).decode(),
            launches=planned.launches or progress.launches(cell),
            begun=self._clock.wall_s(),
        )
        self._store.add_attempt(row)
        progress.note_attempt(row)
        self._submit(progress, row, device)
        self._on_change(progress.row.id, [cell.number])

    def _changed(self, progress: Progress, planned: Next) -> str | None:
        """Why a cell is no longer what was planned; None where it is."""
        cell = planned.cell
        variants = [cell.variant]
        if cell.against is not None and cell.against.problem is None:
            variants.append(cell.against.variant)
        for variant in variants:
            if self._model_id(variant.model.name) != variant.model.id:
                return f"model {variant.model.name} is not in the catalogue any more as it was planned"
        return None

    def _submit(self, progress: Progress, row: AttemptRow, device: Device) -> None:
        """Queue an attempt's runs, under the ids that it has."""
        cell = progress.cells[row.cell]
        rounds = row.launches if cell.group is not None else None
        ask = cell_ask(progress.asks, cell, launches=rounds)
        client = f"campaign {progress.plan.name}"
        try:
            if isinstance(ask, CompareAsk):
                self._queue.submit_comparison(ask, client=client, on=[device], run_ids=row.runs)
            else:
                self._queue.submit(ask, client=client, on=[device], run_ids=row.runs)
        except StoreError:
            raise  # it is asked again at the next look
        except HubError as error:
            self._finish(progress, self._problem(row, "refused", str(error)), attempt=row)

    async def _look_at(self, progress: Progress, attempt: AttemptRow) -> None:
        """See how far an attempt is, and take what it came to."""
        waits = [run_id for run_id in attempt.runs if self._store.is_queued(run_id)]
        is_known = all(map(self._store.is_known, attempt.runs))
        phone = _phone_of(attempt)
        away_s = self._presence.away_s(progress.plan.phones).get(phone.serialno, 0.0)
        if not is_known:
            device = self._presence.device(phone)
            if (attempt.cell, attempt.attempt) in progress.withdrawn or self._gives_up(progress, away_s):
                self._withdraw(progress, attempt)
            elif device is not None:
                self._submit(progress, attempt, device)
            return
        if waits:
            if self._gives_up(progress, away_s):
                for run_id in waits:
                    await self._queue.stop(run_id)
                if not any(map(self._store.is_queued, attempt.runs)):
                    self._withdraw(progress, attempt)
            return
        rows = [self._store.run(run_id) for run_id in attempt.runs]
        if all(row.ended is not None and row.state != "lost" for row in rows):
            await self._take(progress, attempt, rows)
        elif away_s > progress.plan.wait_for_phone_s:
            why = f"{phone.serial} was away for more than {progress.plan.wait_for_phone_s / 60:g} min"
            self._finish(progress, self._problem(attempt, "lost", why), attempt=attempt)

    def _gives_up(self, progress: Progress, away_s: float) -> bool:
        """Whether a run that has not begun is taken back from a phone that has left."""
        patience_s = progress.plan.wait_for_phone_s
        return away_s > (min(patience_s, MOVE_AFTER_S) if progress.plan.move else patience_s)

    def _withdraw(self, progress: Progress, attempt: AttemptRow) -> None:
        self._end_attempt(progress, attempt, None, final=False)

    async def _take(self, progress: Progress, attempt: AttemptRow, rows: Sequence[RunRow]) -> None:
        records = [_record(row) for row in rows]
        if None in records:
            why = "its run was recorded by another version of DeviceHub"
            self._finish(progress, self._problem(attempt, "refused", why), attempt=attempt)
            return
        known = [record for record in records if record is not None]
        ours = (attempt.cell, attempt.attempt) in progress.withdrawn
        if ours and any(record.state == "cancelled" for record in known):
            self._withdraw(progress, attempt)
            return
        if is_to_be_tried_again(known, progress.failures(attempt.cell)):
            self._withdraw(progress, attempt)
            return
        cell = progress.cells[attempt.cell]
        samples = [self._store.samples(row.id, row.attempt) for row in rows]
        outcome = await asyncio.to_thread(
            extract,
            cell,
            attempt=attempt.attempt,
            phone=_phone_of(attempt),
            moved=_phone_of(attempt).serialno != cell.phone.serialno,
            record=known[-1],
            base=known[0] if len(known) > 1 else None,
            samples=samples[-1],
            base_samples=samples[0] if len(known) > 1 else b"",
        )
        self._finish(progress, outcome, attempt=attempt)

    def _problem(self, attempt: AttemptRow, problem: str, why: str) -> CellOutcome:
        return CellOutcome(
            cell=attempt.cell,
            attempt=attempt.attempt,
            phone=_phone_of(attempt),
            problem=problem,
            why=why,
            ended=self._clock.wall_s(),
        )

    def _finish(self, progress: Progress, outcome: CellOutcome, *, attempt: AttemptRow | None = None) -> None:
        """An attempt is over, or a cell has its outcome without one; of a sweep it is one round."""
        final = progress.cells[outcome.cell].group is None or attempt is None
        if attempt is None:
            self._store.add_outcome(
                progress.row.id, outcome.cell, msgspec.json.encode(outcome), wall_s=self._clock.wall_s()
            )
        else:
            self._end_attempt(progress, attempt, outcome, final=final)
        if final:
            progress.note_outcome(outcome)
        self._on_change(progress.row.id, [outcome.cell])
        self.wake()

    def _end_attempt(
        self, progress: Progress, attempt: AttemptRow, outcome: CellOutcome | None, *, final: bool
    ) -> None:
        now_s = self._clock.wall_s()
        encoded = None if outcome is None else msgspec.json.encode(outcome)
        self._store.end_attempt(attempt, wall_s=now_s, outcome=encoded, final=final)
        progress.note_attempt(_over(attempt, now_s, encoded))
        progress.withdrawn.discard((attempt.cell, attempt.attempt))

    def _end_if_done(self, progress: Progress) -> None:
        """End the campaign where nothing is under way and nothing can be begun."""
        reason = self._reason_to_end(progress)
        if reason is None:
            return
        self._under_way.pop(progress.row.id, None)
        slug = None if reason == ENDED else reason
        self._store.end_campaign(progress.row.id, ENDED, slug, wall_s=self._clock.wall_s())
        self._end_campaign(progress)

    def _end_campaign(self, progress: Progress) -> None:
        """Keep how a campaign stands that is no longer under way."""
        progress.row = row = self._store.campaign(progress.row.id)
        if row.state != RUNNING:
            self._store.summarize_campaign(row.id, self._summarize(progress))
        self._over = progress
        self._on_change(row.id, [cell.number for cell in progress.plan.cells])

    def _reason_to_end(self, progress: Progress) -> str | None:
        """Why it is over: all cells have outcomes, its time is up, or nobody comes back; None where not."""
        if progress.open():
            return None
        if progress.is_complete():
            return ENDED
        if self._is_over_time(progress):
            return MAX_DURATION
        away_s = self._presence.away_s(progress.plan.phones)
        waiting = [phone for phone in progress.plan.phones if progress.missing(phone.serialno)]
        patience_s = progress.plan.wait_for_phone_s
        if not all(away_s.get(phone.serialno, 0.0) > patience_s for phone in waiting):
            return None
        present = [phone for phone in progress.plan.phones if phone.serialno not in away_s]
        if any(progress.next_for(phone, away_s) for phone in present):
            return None
        return PHONE_AWAY

    async def _end_run(self, run_id: str) -> None:
        try:
            if self._store.is_queued(run_id):
                await self._queue.stop(run_id)
            if self._store.is_known(run_id) and not self._store.is_queued(run_id):
                row = self._store.run(run_id)
                if row.ended is None:
                    await self._stop_run(run_id)
        except HubError as error:
            self._tell(f"run {run_id} could not be ended: {error}")


def _phone_of(attempt: AttemptRow) -> PhoneRef:
    return msgspec.json.decode(attempt.phone, type=PhoneRef)


def _over(attempt: AttemptRow, wall_s: float, outcome: bytes | None) -> AttemptRow:
    return replace(attempt, over=wall_s, outcome=outcome)


def _record(row: RunRow) -> RunRecord | None:
    if row.record is None:
        return None
    try:
        return msgspec.json.decode(row.record, type=RunRecord)
    except msgspec.MsgspecError:
        return None
