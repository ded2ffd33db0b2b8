"""All campaigns, those under way first."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.containers import Vertical

from devicehub.api.contract import CAMPAIGNS, CampaignsQuery
from devicehub_tui import campaign_rows, clocks, places
from devicehub_tui.bars import NoticeLine
from devicehub_tui.campaign_state import take_views
from devicehub_tui.columns import Row
from devicehub_tui.filter import Filter
from devicehub_tui.filter_line import FilterLine
from devicehub_tui.screens.campaign_keys import CampaignKeys
from devicehub_tui.table import LiveTable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

    from devicehub.api.campaign_model import CampaignView
    from devicehub_tui.columns import Column
    from devicehub_tui.format import Cell
    from devicehub_tui.state import Changes

_EMPTY = (
    "No campaign yet. `devicehub campaign init FILE.toml` writes one for the phones that are there, "
    "`devicehub campaign run FILE.toml` starts it; here it shows as it goes."
)
_LISTED = 500
"""So many of the newest."""
_ACTIONS = "x stops the campaign · r resumes it with what is missing"


class CampaignsScreen(CampaignKeys):
    """The list of campaigns."""

    OFFERS: ClassVar[frozenset[str]] = frozenset({"filter", "open"})

    def __init__(self) -> None:
        super().__init__()
        self._asked = False
        self._words = ""
        self._utc_offset_s = clocks.utc_offset_s()

    def compose_body(self) -> ComposeResult:
        """The table and the line of the filter."""
        with Vertical():
            yield LiveTable(self._cells, empty=self._why_empty)
            yield FilterLine("words")

    def on_mount(self) -> None:
        """Ask for all."""
        self._table.focus()
        self.hub.attempt(self._ask)

    async def _ask(self) -> None:
        views = await self.hub.call(CAMPAIGNS, CampaignsQuery(limit=_LISTED))
        state = self.hub.state
        take_views(state.campaigns, state.changes.campaigns, views)
        self._asked = True
        if self.is_mounted:
            self._lay_out()

    def _why_empty(self) -> str:
        if self._words and self.hub.state.campaigns.views:
            return "Nothing matches the filter; esc clears it."
        if self._asked:
            return _EMPTY
        return "Asking the hub." if self.hub.state.link.up else "Not known yet: there is no hub."

    def show(self, changes: Changes) -> None:
        """Draw what moved on."""
        if changes.link and self.hub.state.link.up and not self._asked:
            self.hub.attempt(self._ask)
        if changes.everything or changes.campaigns.views or changes.link:
            self._lay_out()

    def _lay_out(self) -> None:
        table = self._table
        views = self.hub.state.campaigns.newest_first()
        shown = [view.id for view in views if self._passes(view)]
        table.set_columns(campaign_rows.columns_for(table.room))
        table.set_rows([Row(name) for name in shown], ())
        table.touch(shown)
        self.query_one(FilterLine).say(Filter(), len(shown), len(views))
        self._hint()

    def _passes(self, view: CampaignView) -> bool:
        text = f"{view.name} {view.id} {view.sentence} {campaign_rows.state(view)[0]}".lower()
        return all(word in text for word in self._words.lower().split())

    def _cells(self, campaign: str, columns: Sequence[Column]) -> list[Cell]:
        view = self.hub.state.campaigns.views.get(campaign)
        if view is None:
            return [("", "")] * len(columns)
        return campaign_rows.cells(view, columns, utc_offset_s=self._utc_offset_s)

    def _hint(self) -> None:
        view = self.campaign()
        said = (view.waits_for or view.sentence) if view else ""
        self.query_one(NoticeLine).hint(said or (_ACTIONS if view else ""))

    def campaign(self) -> CampaignView | None:
        """The one under the cursor."""
        return self.hub.state.campaigns.views.get(self._table.cursor or "")

    def copy_text(self) -> str:
        """The campaign's id."""
        return self._table.cursor or ""

    def on_live_table_moved(self) -> None:
        """Say how another one stands."""
        self._hint()

    def on_live_table_resized(self) -> None:
        """Other columns may fit."""
        self._lay_out()

    def on_live_table_opened(self) -> None:
        """A click on the row of the cursor."""
        self.action_open()

    def filter_by(self, text: str) -> None:
        """Show what matches so far."""
        self._words = text
        self._lay_out()

    def action_back(self) -> None:
        """Leave the filter; then this screen."""
        if not self.leave_filter():
            super().action_back()

    def action_open(self) -> None:
        """Open the campaign."""
        if (campaign := self._table.cursor) is not None:
            self.hub.push_screen(places.campaign_screen(campaign))
