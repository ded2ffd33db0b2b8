"""The methods that start, show, compare and end runs."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Final

import msgspec

from devicehub.api import contract
from devicehub.api.contract import SamplesPage
from devicehub.api.model import Noted, RecordPage, RunDocument, RunPage
from devicehub.api.views import queued_view, run_document
from devicehub.device.select import CAN_WAIT, find_meant, left_out, select
from devicehub.dispatch import comparing
from devicehub.dispatch.asking import check_ask, load_profile, make_request
from devicehub.dispatch.entry import read_ask
from devicehub.dispatch.header import check_fit
from devicehub.errors import AskError, InputError
from devicehub.measure.compare import MARGIN, compare_records
from devicehub.measure.likeness import FACTORS
from devicehub.runs.ask import RunAsk
from devicehub.runs.model import RunRecord

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from devicehub.api.model import RunView
    from devicehub.api.server import Caller, Handler
    from devicehub.api.services import Services
    from devicehub.device.model import Device
    from devicehub.measure.compare import Comparison
    from devicehub.runs.ask import CompareAsk
    from devicehub.store.model import RunRow

MOST_A_PAGE: Final = 500
_MOST_LINES: Final = 10_000


class RunMethods:
    """Handlers of the methods `runs.*` and `queue.*`."""

    def __init__(self, services: Services) -> None:
        self._hub = services

    def handlers(self) -> Mapping[str, Handler]:
        """By method name."""
        return {
            contract.RUN_START.name: self.start,
            contract.RUN_COMPARE.name: self.start_comparison,
            contract.RUN_AGAIN.name: self.again,
            contract.RUNS.name: self.list_all,
            contract.RUN.name: self.show,
            contract.RUN_STOP.name: self.stop,
            contract.RUN_RECORDS.name: self.records,
            contract.RUN_SAMPLES.name: self.samples,
            contract.RUNS_COMPARED.name: self.compare,
            contract.QUEUE.name: self.queue,
        }

    async def start(self, ask: RunAsk, caller: Caller) -> list[RunView]:
        """Queue a run on each phone that is meant, or on any one of them.

        Raises:
            AskError: things that do not go together.
            InputError: a model, a prompt, a profile or a protocol that cannot be used.
            SelectionError: no phone is meant, or none of them can be used.
        """
        catalogue = self._hub.catalogue
        asked = await asyncio.to_thread(check_ask, ask, catalogue.home)
        profile = load_profile(asked, catalogue.home)
        model = catalogue.models.get(ask.model)
        if ask.spread == "any" and ask.selectors:
            find_meant(self._hub.phones.devices(), ask.selectors)  # a bad term is told at once
            return self._views(self._hub.queue.submit(ask, client=caller.client))
        devices = await self._meant(ask.selectors)
        for device in devices:
            # What the phone cannot do whenever its turn comes is refused now.
            check_fit(make_request(catalogue, model, device, asked, run_id="", profile=profile), device)
        run_ids = self._hub.queue.submit(ask, client=caller.client, on=devices)
        if others := left_out(self._hub.phones.devices(), ask.selectors, devices):
            told = Noted(text=f"left out: {others}", wall_s=self._hub.clock.wall_s(), run=run_ids[0])
            self._hub.feed.note(told)
        return self._views(run_ids)

    async def start_comparison(self, ask: CompareAsk, caller: Caller) -> list[RunView]:
        """Queue the two runs of a comparison.

        Raises:
            AskError: they make no comparison.
            InputError: something that is named is not there.
            SelectionError: a phone is not there.
        """
        comparing.check_comparison(ask)
        asked = await asyncio.to_thread(
            check_ask, ask.run, self._hub.catalogue.home, protocols=comparing.DEFAULT_PROTOCOLS
        )
        words = [(ask.a,), (ask.b,)] if ask.by == "phone" else [ask.run.selectors] * 2
        pair = comparing.check_phones(ask, [await self._meant(said) for said in words])
        arms = comparing.find_arms(ask, asked, pair, self._hub.catalogue)
        requests = comparing.make_requests(
            ask, asked, arms, self._hub.catalogue, comparison_id="", run_ids=("", "")
        )
        comparing.check_requests(requests, pair, now_s=self._hub.clock.wall_s())
        on = pair if ask.by == "phone" else pair[:1]
        return self._views(self._hub.queue.submit_comparison(ask, client=caller.client, on=on))

    async def again(self, params: contract.Selected, caller: Caller) -> list[RunView]:
        """Queue on each phone what it ran last; on one that ran nothing, what ran last anywhere.

        Raises:
            AskError: nothing has been run that can be repeated.
        """
        devices = await self._meant(params.selectors)
        asks = [self._last_ask(device) for device in devices]
        started: list[str] = []
        for device, ask in zip(devices, asks, strict=True):
            if isinstance(ask, RunAsk):
                started += self._hub.queue.submit(ask, client=caller.client, on=[device])
            elif ask.by == "phone":
                started += self._hub.queue.submit(ask.run, client=caller.client, on=[device])
            else:
                started += self._hub.queue.submit_comparison(ask, client=caller.client, on=[device])
        return self._views(started)

    def _last_ask(self, device: Device) -> RunAsk | CompareAsk:
        serialno = device.identity.serialno if device.identity else None
        document = self._hub.store.last_ask(serialno) or self._hub.store.last_ask()
        ask = read_ask(document) if document is not None else None
        if ask is None:
            raise AskError("nothing was run yet that could be repeated: start a run first")
        return ask

    async def _meant(self, selectors: Sequence[str]) -> list[Device]:
        await self._hub.phones.settled()
        return select(self._hub.phones.devices(), selectors, CAN_WAIT)

    def _views(self, run_ids: Sequence[str]) -> list[RunView]:
        return [self._hub.feed.view(run_id) for run_id in run_ids]

    async def list_all(self, query: contract.RunsQuery, _caller: Caller) -> RunPage:
        """Runs, the newest first; those that wait are in `queue.list`."""
        limit = _limit(query.limit)
        before = self._hub.store.run(query.before).id if query.before else None
        rows = self._hub.store.runs(
            state=query.states,
            serial=query.serial,
            model=query.model,
            engine=query.engine,
            workload=query.workload,
            since=query.since,
            before=before,
            limit=limit + 1,
        )
        shown = rows[:limit]
        return RunPage(
            runs=[self._hub.feed.row_view(row) for row in shown],
            total=self._hub.store.count_runs(),
            next=shown[-1].id if len(rows) > limit else None,
        )

    async def queue(self, query: contract.QueueQuery, _caller: Caller) -> list[RunView]:
        """The runs that wait, in their order."""
        first = max(query.first, 0)
        return [
            queued_view(queued) for queued in self._hub.queue.waiting()[first : first + _limit(query.limit)]
        ]

    async def show(self, params: contract.RunNamed, _caller: Caller) -> RunDocument:
        """All that is known of one run; of one that waits, what is asked."""
        if queued := self._hub.queue.find(params.run):
            view = queued_view(queued)
            asked: dict[str, Any] = msgspec.to_builtins(queued.entry.comparison or queued.entry.run)
            document = {**msgspec.to_builtins(view), "asked": asked}
            return RunDocument(run=view, document=document, events=[])
        row = self._hub.store.run(params.run)
        return run_document(self._hub.store, row, text=self._hub.feed.text(row.id))

    async def stop(self, params: contract.RunNamed, _caller: Caller) -> RunView:
        """End a run: in the queue at once, on its phone as soon as that answers."""
        if queued := self._hub.queue.find(params.run):
            await self._hub.queue.stop(queued.id)
        row = self._hub.store.run(queued.id if queued else params.run)
        if row.ended is None:
            await self._hub.stop_run(row.id)
        return self._hub.feed.view(row.id)

    async def records(self, query: contract.RecordsQuery, _caller: Caller) -> RecordPage:
        """Records of the runs that are named, else of all that have ended."""
        limit = _limit(query.limit)
        if query.runs:
            rows = [self._hub.store.run(run_id) for run_id in query.runs[:limit]]
            further = None
        else:
            before = self._hub.store.run(query.before).id if query.before else None
            found = self._hub.store.runs(since=query.since, before=before, limit=limit + 1)
            further = found[limit - 1].id if len(found) > limit else None
            rows = [self._hub.store.run(row.id) for row in found[:limit] if row.ended is not None]
        return RecordPage(records=[json.loads(row.record) for row in rows if row.record], next=further)

    async def samples(self, query: contract.SamplesQuery, _caller: Caller) -> SamplesPage:
        """Whole lines of a run's samples."""
        row = self._hub.store.run(query.run)
        # Not splitlines: a phone's names may hold what that takes for the end of a line.
        lines = self._hub.store.samples(row.id, row.attempt).decode("utf-8", "replace").split("\n")[:-1]
        last = query.first + max(min(query.limit, _MOST_LINES), 1)
        return SamplesPage(
            attempt=row.attempt,
            lines=lines[query.first : last],
            next=last if last < len(lines) else None,
        )

    async def compare(self, params: contract.CompareRuns, _caller: Caller) -> Comparison:
        """What two runs that have ended say of each other."""
        a, b = (_record(self._hub.store.run(run_id)) for run_id in (params.a, params.b))
        if a.id == b.id:
            raise InputError(a.id, "is named twice", remedy="name two runs; see `devicehub runs list`")
        if params.by is not None and params.by not in FACTORS:
            raise AskError(f"--by {params.by}: is none; there are {', '.join(FACTORS)}")
        margin = MARGIN if params.margin is None else params.margin
        return compare_records(a, b, by=params.by, margin=margin)


def _record(row: RunRow) -> RunRecord:
    if row.record is None:
        raise InputError(
            f"run {row.id}", "has not ended", remedy=f"wait for it: devicehub runs watch {row.id}"
        )
    try:
        return msgspec.json.decode(row.record, type=RunRecord)
    except msgspec.MsgspecError:
        raise InputError(
            f"run {row.id}",
            "was recorded by another version of DeviceHub",
            remedy="run it again; `devicehub runs show --json` shows it as it is",
        ) from None


def _limit(limit: int) -> int:
    return max(1, min(limit, MOST_A_PAGE))
