"""The methods that check, begin, show and end campaigns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from devicehub.api import contract
from devicehub.api.campaign_model import CampaignDocument, OutcomesPage
from devicehub.api.campaign_views import (
    cell_view,
    plan_view,
)
from devicehub.api.campaigning import Campaigning, Draft, baseline_path
from devicehub.campaign.asks import encode_asks
from devicehub.campaign.baseline import make_baseline, write_baseline
from devicehub.campaign.file import parse_duration_s
from devicehub.campaign.outcome import CellOutcome
from devicehub.errors import AskError, ConfigError
from devicehub.files import publish
from devicehub.store.model import CampaignRow

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devicehub.api.campaign_feed import CampaignFeed
    from devicehub.api.campaign_model import CampaignPlanView, CampaignView, ProblemView
    from devicehub.api.server import Caller, Handler
    from devicehub.api.services import Services

_LOOKED_AT: Final = 500
"""Campaigns whose names are compared with a name."""


class CampaignMethods:
    """Handlers of the methods `campaigns.*`."""

    def __init__(self, services: Services) -> None:
        self._hub = services
        self._campaigning = Campaigning(services)

    @property
    def _feed(self) -> CampaignFeed:
        return self._hub.campaigns

    def handlers(self) -> Mapping[str, Handler]:
        """By method name."""
        return {
            contract.CAMPAIGN_CHECK.name: self.check,
            contract.CAMPAIGN_PLAN.name: self.plan,
            contract.CAMPAIGN_START.name: self.start,
            contract.CAMPAIGNS.name: self.list_all,
            contract.CAMPAIGN.name: self.show,
            contract.CAMPAIGN_STOP.name: self.stop,
            contract.CAMPAIGN_RESUME.name: self.resume,
            contract.CAMPAIGN_OUTCOMES.name: self.outcomes,
            contract.CAMPAIGN_BASELINE.name: self.baseline,
        }

    async def check(self, asked: contract.CampaignText, _caller: Caller) -> list[ProblemView]:
        """All that is wrong in a campaign's file, by its lines."""
        return self._campaigning.read(asked)[1]

    async def plan(self, asked: contract.CampaignText, _caller: Caller) -> CampaignPlanView:
        """What a campaign would do on the phones that are there now.

        Raises:
            ConfigError: its file is wrong.
            SelectionError: no phone is meant, or none of them can be used.
        """
        return plan_view(await self._campaigning.plan(self._read(asked)))

    async def start(self, asked: contract.CampaignText, caller: Caller) -> CampaignView:
        """Begin a campaign; it outlives this process before this returns.

        Raises:
            AskError: not one of its cells can be run.
            ConfigError: its file is wrong.
            SelectionError: no phone is meant, or none of them can be used.
        """
        draft = self._read(asked)
        plan = await self._campaigning.plan(draft)
        if all(cell.left_out is not None for cell in plan.cells):
            why = plan.cells[0].left_out_why if plan.cells else "there are no phones"
            raise AskError(f"not one cell can be run; the first: {why}")
        deadline = None if plan.max_duration_s is None else plan.created + plan.max_duration_s
        row = CampaignRow(
            id=plan.id,
            name=plan.name,
            client=caller.client,
            created=plan.created,
            deadline=deadline,
            plan=msgspec.json.encode(plan),
            asks=encode_asks(draft.asks),
        )
        self._feed.conductor.begin(row)
        return self._feed.view(plan.id)

    def _read(self, asked: contract.CampaignText) -> Draft:
        draft, problems = self._campaigning.read(asked)
        if draft is None or problems:
            first = problems[0]
            more = f"; {len(problems) - 1} more, see `devicehub campaign check`" if len(problems) > 1 else ""
            raise ConfigError(first.problem + more, file=asked.place, key=first.key or None, line=first.line)
        return draft

    async def list_all(self, query: contract.CampaignsQuery, _caller: Caller) -> list[CampaignView]:
        """Campaigns, the newest first."""
        return [self._feed.row_view(row) for row in self._hub.store.campaigns(query.limit)]

    async def show(self, params: contract.CampaignNamed, _caller: Caller) -> CampaignDocument:
        """All that is known of one, the raw launches apart."""
        progress = self._feed.progress(self._id(params.campaign))
        result = self._feed.result(progress, with_fronts=True)
        open_cells = {attempt.cell for attempt in progress.open()}
        return CampaignDocument(
            campaign=self._feed.view(progress.row.id),
            cells=[cell_view(progress, cell, open_cells) for cell in result.cells],
            notes=list(progress.plan.notes),
            fronts=result.fronts,
            history=self._feed.history(progress),
        )

    async def stop(self, params: contract.CampaignNamed, _caller: Caller) -> CampaignView:
        """End a campaign and the runs that it has under way."""
        campaign_id = self._id(params.campaign)
        await self._feed.conductor.stop(campaign_id)
        return self._feed.view(campaign_id)

    async def resume(self, params: contract.CampaignResume, _caller: Caller) -> CampaignView:
        """Go on with the cells that are missing.

        Raises:
            AskError: a duration that is none.
        """
        campaign_id = self._id(params.campaign)
        deadline = None
        if params.max_duration is not None:
            duration_s = parse_duration_s(params.max_duration)
            if duration_s is None:
                raise AskError(f"--max-duration {params.max_duration}: write one as 90s, 30m, 8h or 2d")
            deadline = self._hub.clock.wall_s() + duration_s
        self._feed.conductor.resume(campaign_id, deadline=deadline)
        return self._feed.view(campaign_id)

    async def outcomes(self, query: contract.OutcomesQuery, _caller: Caller) -> OutcomesPage:
        """A campaign's plan and some of its outcomes."""
        progress = self._feed.progress(self._id(query.campaign))
        row = progress.row
        if progress.has_sweep:
            known = progress.known()
            numbers = sorted(number for number in known if number > query.after)
            more = len(numbers) > query.limit
            page = [(number, msgspec.to_builtins(known[number])) for number in numbers[: query.limit]]
        else:
            stored = self._hub.store.outcomes(row.id, after=query.after, limit=query.limit + 1)
            more = len(stored) > query.limit
            page = [(number, msgspec.json.decode(document)) for number, document in stored[: query.limit]]
        is_first = query.after == 0
        return OutcomesPage(
            state=row.state,
            reason=row.reason,
            plan=msgspec.to_builtins(progress.plan) if is_first else None,
            outcomes=[outcome for _, outcome in page],
            history=self._feed.history(progress) if is_first else [],
            ended=row.ended,
            next=page[-1][0] if more else None,
        )

    async def baseline(self, params: contract.SaveBaseline, _caller: Caller) -> str:
        """What a campaign measured, as a baseline in JSON.

        Raises:
            InputError: the name cannot be a file's, or the campaign has nothing to save.
        """
        progress = self._feed.progress(self._id(params.campaign))
        path = baseline_path(self._hub.catalogue.home, params.name)
        stored = self._hub.store.outcomes(progress.row.id, limit=len(progress.cells))
        outcomes = {cell: msgspec.json.decode(document, type=CellOutcome) for cell, document in stored}
        made = make_baseline(params.name, progress.plan, outcomes, created=self._hub.clock.wall_s())
        text = write_baseline(made).decode()
        if params.keep:
            path.parent.mkdir(parents=True, exist_ok=True)
            publish(path, text)
        return text

    def _id(self, name: str) -> str:
        """The id of the campaign that is meant; the newest one where it is a name.

        Raises:
            InputError: there is none.
        """
        named = [row.id for row in self._hub.store.campaigns(_LOOKED_AT) if row.name == name]
        return named[0] if named else self._hub.store.campaign(name).id
