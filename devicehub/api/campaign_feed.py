"""Campaigns as clients see them: their results as they stand now, and an event where one moves on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from devicehub.api.campaign_model import CampaignChanged, CampaignView
from devicehub.api.campaign_views import campaign_view, cell_view, standing_of, unread_view
from devicehub.campaign.conductor import RUNNING, Conductor
from devicehub.campaign.history import PhonePoint, history, points_of
from devicehub.campaign.judge import conclude
from devicehub.campaign.sweep_front import fronts
from devicehub.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from devicehub.campaign.progress import Progress
    from devicehub.campaign.result import CampaignResult, History
    from devicehub.clock import Clock
    from devicehub.device.model import Device
    from devicehub.dispatch.queue import Queue
    from devicehub.models.catalog import ModelCatalog
    from devicehub.store.model import CampaignRow, RunRow
    from devicehub.store.store import Store

_LOOKED_BACK: Final = 200
"""Campaigns whose figures make a history."""
_SHOWN: Final = 50


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What a campaign that is over is listed with, so that no list reads thousands of outcomes."""

    view: CampaignView
    points: list[PhonePoint]


class CampaignFeed:
    """Wires the conductor to what clients are shown.

    Args:
        store: keeps campaigns.
        clock: paces the conductor.
        queue: takes the runs.
        devices: the phones as they are known now.
        models: of the catalogue.
        stop_run: ends a run that has begun.
        want: has a phone on the network connected again.
        publish: a topic's event under a key.
        tell: is told what a person should know.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        queue: Queue,
        *,
        devices: Callable[[], Sequence[Device]],
        models: ModelCatalog,
        stop_run: Callable[[str], Awaitable[RunRow]],
        want: Callable[[str], None],
        publish: Callable[[str, Any, str], None],
        tell: Callable[[str], None],
    ) -> None:
        self._store = store
        self._models = models
        self._publish = publish
        self._told: dict[str, dict[int, str]] = {}
        self.conductor = Conductor(
            store,
            clock,
            queue,
            devices=devices,
            model_id=self._model_id,
            stop_run=stop_run,
            want=want,
            summarize=self._summarize,
            on_change=self._changed,
            tell=tell,
        )

    def _model_id(self, name: str) -> str | None:
        try:
            return self._models.get(name).id
        except InputError:
            return None

    def progress(self, campaign_id: str) -> Progress:
        """How a campaign stands.

        Raises:
            InputError: there is no such campaign, or another version wrote it.
        """
        return self.conductor.progress(campaign_id)

    def result(
        self, progress: Progress, *, history: Sequence[History] = (), with_fronts: bool = False
    ) -> CampaignResult:
        """What is concluded of a campaign as it stands."""
        row = progress.row
        results = [progress.result_of(cell.number) for cell in progress.plan.cells]
        found = fronts(progress.plan, progress.known().values()) if with_fronts else []
        return conclude(
            progress.plan,
            results,
            state=row.state,
            stopped_reason=row.reason,
            ended=row.ended,
            fronts=found,
            history=history,
        )

    def view(self, campaign_id: str) -> CampaignView:
        """One campaign as lists show it.

        Raises:
            InputError: there is no such campaign.
        """
        return self.row_view(self._store.campaign(campaign_id))

    def row_view(self, row: CampaignRow) -> CampaignView:
        """The same of a row; of one that is over, as it was when it ended.

        Of one that another version wrote there is its name, and why there is no more.
        """
        if row.summary is not None and (summary := _read(row.summary)) is not None:
            return summary.view
        try:
            return self._view(self.progress(row.id))
        except InputError as error:
            return unread_view(row, str(error))

    def _view(self, progress: Progress) -> CampaignView:
        waits_for = self.conductor.waits_for(progress)
        return campaign_view(progress, self.result(progress), waits_for=waits_for)

    def history(self, progress: Progress) -> list[History]:
        """What this and earlier campaigns measured of what this one measures."""
        points: list[PhonePoint] = []
        for row in self._store.campaigns(_LOOKED_BACK):
            if row.id != progress.row.id and row.created <= progress.row.created and row.summary is not None:
                summary = _read(row.summary)
                points += summary.points if summary else []
        own = points_of(self.result(progress))
        return history([*points, *own], things={point.thing for point in own})

    def views_now(self) -> list[CampaignView]:
        """The newest campaigns, for who comes anew."""
        return [self.row_view(row) for row in self._store.campaigns(_SHOWN)]

    def _summarize(self, progress: Progress) -> bytes:
        result = self.result(progress)
        view = campaign_view(progress, result, waits_for=None)
        return msgspec.json.encode(Summary(view=view, points=points_of(result)))

    def _changed(self, campaign_id: str, numbers: Sequence[int]) -> None:
        progress = self.conductor.progress(campaign_id)
        result = self.result(progress)
        open_cells = {attempt.cell for attempt in progress.open()}
        told = self._told.setdefault(campaign_id, {})
        wanted = set(numbers)
        cells = []
        for one in result.cells:
            number, standing = one.cell.number, standing_of(progress, one, open_cells)
            if number in wanted and (told.get(number) != standing or one.cell.group is not None):
                told[number] = standing
                cells.append(cell_view(progress, one, open_cells))
        if progress.row.state != RUNNING:
            self._told.pop(campaign_id, None)
        view = campaign_view(progress, result, waits_for=self.conductor.waits_for(progress))
        self._publish("campaigns", CampaignChanged(campaign=view, cells=cells), campaign_id)


def _read(document: bytes) -> Summary | None:
    try:
        return msgspec.json.decode(document, type=Summary)
    except msgspec.MsgspecError:
        return None
