"""One campaign: the matrix of its cells, the fronts of its sweeps, its history; below, what is chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from textual.binding import Binding, BindingType
from textual.containers import Vertical

from devicehub.api.contract import CAMPAIGN, CampaignNamed
from devicehub_tui import campaign_grid, campaign_lines, clocks, front_rows, history_rows, places
from devicehub_tui.bars import NoticeLine
from devicehub_tui.campaign_grid import Grid
from devicehub_tui.campaign_state import forget_document, take_document
from devicehub_tui.filter import Filter
from devicehub_tui.filter_line import FilterLine
from devicehub_tui.lines import Lines, Pane
from devicehub_tui.matrix import Matrix
from devicehub_tui.screens.campaign_keys import CampaignKeys
from devicehub_tui.subject import Subject
from devicehub_tui.table import LiveTable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from textual.app import ComposeResult

    from devicehub.api.campaign_model import CampaignDocument, CampaignView, CellView
    from devicehub_tui import run_lines
    from devicehub_tui.campaign_state import CampaignChanges
    from devicehub_tui.columns import Column
    from devicehub_tui.format import Cell
    from devicehub_tui.state import Changes

_TABLES: Final = {"cells": "matrix", "fronts": "fronts", "history": "history"}
"""What shows each of the views."""
_ACTIONS: Final = "n the next that did not pass · v cells, fronts, history · x stops · r resumes"
_AFTER: Final = {"cells": "fronts", "fronts": "history", "history": "cells"}
_NOTHING: Final = {
    "cells": "The campaign has no cell.",
    "fronts": "The campaign sweeps nothing; a [sweep] table in its file does.",
    "history": "No campaign before measured the same; it is filled as campaigns end.",
}


class CampaignScreen(CampaignKeys):
    """Follows a campaign while it is under way, and shows what came of it after."""

    OFFERS: ClassVar[frozenset[str]] = frozenset({"filter", "open"})
    DEFAULT_CSS = """
    CampaignScreen #views { background: $surface; }
    CampaignScreen #socs { padding: 0; }
    CampaignScreen #tables { height: 3fr; }
    CampaignScreen #about { height: 2fr; min-height: 6; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("v", "next_view", "view", show=False),
        Binding("n", "next_asking", "next", show=False),
    ]

    def __init__(self, campaign: str) -> None:
        super().__init__()
        self.campaign_id = campaign
        self._shown = "cells"
        self._grid = Grid()
        self._gridded: CampaignDocument | None = None
        self._words = ""
        self._is_asking = False
        self._utc_offset_s = clocks.utc_offset_s()

    def compose_body(self) -> ComposeResult:
        """The head, what can be shown, the three tables of which one is seen, the detail."""
        yield Lines(ident="head")
        yield Lines(ident="views")
        with Vertical(id="tables"):
            yield Lines(ident="socs")
            yield Matrix(self._cells, empty=lambda: self._why_empty("cells"))
            yield LiveTable(self._front_cells, empty=lambda: self._why_empty("fronts"), name="fronts")
            yield LiveTable(self._history_cells, empty=lambda: self._why_empty("history"), name="history")
        yield FilterLine("words: of the variant, a state, a reason, a SoC")
        yield Pane("Cell", "about")

    def on_mount(self) -> None:
        """Ask for all that is known."""
        self.query_one(NoticeLine).hint(_ACTIONS)
        self._switch()

    def on_unmount(self) -> None:
        """Have its cells kept no longer."""
        forget_document(self.hub.state.campaigns, self.campaign_id)

    # What is known

    def campaign(self) -> CampaignView | None:
        """This one."""
        return self.hub.state.campaigns.views.get(self.campaign_id)

    @property
    def _document(self) -> CampaignDocument | None:
        return self.hub.state.campaigns.documents.get(self.campaign_id)

    def _cells(self) -> Mapping[int, CellView]:
        return self.hub.state.campaigns.cells.get(self.campaign_id, {})

    def _front_cells(self, key: str, columns: Sequence[Column]) -> list[Cell]:
        document = self._document
        return front_rows.cells(document.fronts if document else (), key, columns)

    def _history_cells(self, key: str, columns: Sequence[Column]) -> list[Cell]:
        document = self._document
        return history_rows.cells(
            document.history if document else (), key, columns, utc_offset_s=self._utc_offset_s
        )

    def _why_empty(self, view: str) -> str:
        if self._document is None:
            return "Asking the hub." if self.hub.state.link.up else "Not known yet: there is no hub."
        if view == "cells" and self._words:
            return "Nothing matches the filter; esc clears it."
        return _NOTHING[view]

    def _ask_soon(self) -> None:
        if not self._is_asking:
            self._is_asking = True
            self.hub.attempt(self._ask)

    async def _ask(self) -> None:
        try:
            document = await self.hub.call(CAMPAIGN, CampaignNamed(campaign=self.campaign_id))
        finally:
            self._is_asking = False
        if self.is_mounted:
            state = self.hub.state
            take_document(state.campaigns, state.changes.campaigns, document)
            self.hub.flush()

    # Drawing

    @property
    def _table(self) -> LiveTable:
        return next(table for table in self.query(LiveTable) if table.name == _TABLES[self._shown])

    def show(self, changes: Changes) -> None:
        """Draw what moved on; ask anew where that does not tell all."""
        news = changes.campaigns
        came_up = changes.link and self.hub.state.link.up
        if changes.everything or news.missed or came_up or self._is_outdated(news):
            self._ask_soon()
        if changes.everything or self.campaign_id in news.whole:
            self._lay_out()
            return
        if numbers := {number for campaign, number in news.cells if campaign == self.campaign_id}:
            self.query_one(Matrix).touch_cells(numbers)
            self._detail()
        if self.campaign_id in news.views:
            self._head()

    def _is_outdated(self, news: CampaignChanges) -> bool:
        """Whether fronts, history or the campaign's end are to be asked for: no event brings them."""
        view, document = self.campaign(), self._document
        if view is None or document is None or self.campaign_id not in news.views:
            return False
        ended = (
            cell.state not in ("waiting", "running")
            for campaign, number in news.cells
            if campaign == self.campaign_id and (cell := self._cells().get(number))
        )
        return view.state != document.campaign.state or (self._shown != "cells" and any(ended))

    def _lay_out(self) -> None:
        document = self._document
        if document is not self._gridded:
            # Where cells stand in the matrix never changes; how they stand is looked up.
            self._gridded, self._grid = document, campaign_grid.grid_of(self._cells().values())
        self._head()
        self._lay_out_matrix()
        for table in self.query(LiveTable):
            if table.name == "fronts":
                table.set_columns(front_rows.columns_for(table.room))
                table.set_rows(front_rows.rows(document.fronts if document else ()), ())
            elif table.name == "history":
                table.set_columns(history_rows.columns_for(table.room))
                table.set_rows(history_rows.rows(document.history if document else ()), ())
            table.touch(table.in_sight)
        self._detail()

    def _lay_out_matrix(self) -> None:
        rows = campaign_grid.matching(self._grid, self._cells(), self._words)
        matrix = self.query_one(Matrix)
        matrix.show_grid(self._grid, rows)
        self.query_one("#socs", Lines).show([matrix.socs])
        self.query_one(FilterLine).say(Filter(), len(rows), len(self._grid.variants))

    def _head(self) -> None:
        view, document = self.campaign(), self._document
        if view is None:
            asking: list[Cell] = [("asking the hub", "dim")]
            self.query_one("#head", Lines).show([[(f"campaign {self.campaign_id}", "title")], asking])
            return
        head = campaign_lines.head_lines(view, self._grid.shared, self.size.width - 2)
        self.query_one("#head", Lines).show(head)
        counted = {
            "cells": len(self._cells()),
            "fronts": len(document.fronts) if document else 0,
            "history": len(document.history) if document else 0,
        }
        self.query_one("#views", Lines).show([campaign_lines.views_line(self._shown, counted)])

    def _detail(self) -> None:
        pane = self.query_one("#about", Pane)
        pane.border_title = {"cells": "Cell", "fronts": "Setting", "history": "Campaign"}[self._shown]
        pane.show(self._detail_lines(pane))

    def _detail_lines(self, pane: Pane) -> run_lines.Lines:
        document = self._document
        if document is None:
            return []
        key = self._table.cursor or ""
        if self._shown == "fronts" and (point := front_rows.find(document.fronts, key)):
            return front_rows.point_lines(*point, pane.size.width - 3, pane.size.height)
        if self._shown == "history" and (found := history_rows.find(document.history, key)):
            return history_rows.point_lines(*found)
        cell = self.chosen_cell()
        lines = campaign_lines.cell_lines(cell, self.size.width) if cell is not None else []
        return [*lines, *campaign_lines.note_lines(document.notes)] if self._shown == "cells" else []

    def chosen_cell(self) -> CellView | None:
        """The cell under the cursor; of a sweep's front that of the setting."""
        document, number = self._document, None
        if self._shown == "cells":
            number = self.query_one(Matrix).number
        elif self._shown == "fronts" and document is not None:
            found = front_rows.find(document.fronts, self._table.cursor or "")
            number = found[1].cell if found and found[1] else None
        return self._cells().get(number) if number is not None else None

    def _switch(self) -> None:
        for table in self.query(LiveTable):
            table.display = table.name == _TABLES[self._shown]
        self.query_one("#socs").display = self._shown == "cells"
        self._table.focus()
        self._head()
        self._detail()

    def on_live_table_moved(self) -> None:
        """Tell of another cell."""
        self.query_one("#socs", Lines).show([self.query_one(Matrix).socs])
        self._detail()

    def on_live_table_resized(self) -> None:
        """Other columns may fit."""
        self._lay_out()

    def on_live_table_opened(self) -> None:
        """A click on what the cursor is on."""
        self.action_open()

    # Keys

    def subject(self) -> Subject:
        """The runs of the cell, the baseline's first, and its phone."""
        cell = self.chosen_cell()
        if cell is None:
            return Subject()
        devices = [device.id for device in self.hub.state.devices.values() if device.serial == cell.serial]
        return Subject(devices=tuple(devices), runs=tuple(cell.runs))

    def copy_text(self) -> str:
        """What is known of the chosen cell or row."""
        return "\n".join(
            "".join(text for text, _ in line) for line in self._detail_lines(self.query_one("#about", Pane))
        )

    def action_next_view(self) -> None:
        """Show the next of cells, fronts and history."""
        self._shown = _AFTER[self._shown]
        if self._shown != "cells":
            self._ask_soon()
        self._switch()

    def action_next_asking(self) -> None:
        """Go to the next cell that ended without passing."""
        if self._shown != "cells":
            self._nothing("go on to")
            return
        matrix = self.query_one(Matrix)
        rows = [row.key for row in matrix.rows]
        place = campaign_grid.next_asking(self._grid, self._cells(), rows, matrix.chosen)
        if place is None:
            self.hub.tell("no cell has ended without passing")
        else:
            matrix.go_to_cell(place)

    def action_filter(self) -> None:
        """Type which variants to show."""
        if self._shown == "cells":
            super().action_filter()
        else:
            self._nothing("filter")

    def filter_by(self, text: str) -> None:
        """Show what matches so far."""
        self._words = text
        self._lay_out_matrix()
        self._detail()

    def action_back(self) -> None:
        """Leave the filter; then fronts and history; then this screen."""
        if self.leave_filter():
            return
        if self._shown != "cells":
            self._shown = "cells"
            self._switch()
        else:
            super().action_back()

    def action_open(self) -> None:
        """Open the run of the chosen cell, of history the campaign."""
        if self._shown == "history":
            self._open_campaign()
            return
        cell = self.chosen_cell()
        if cell is None:
            self._nothing("open")
        elif not cell.runs:
            self.hub.tell(f"cell {cell.number} has no run: {cell.sentence or cell.state.replace('_', ' ')}")
        else:
            self.hub.push_screen(places.run_screen(cell.runs[-1]))

    def _open_campaign(self) -> None:
        document = self._document
        found = history_rows.find(document.history, self._table.cursor or "") if document else None
        point = found[1] if found else None
        if point is None or point.campaign == self.campaign_id:
            self.hub.tell("this is the campaign that is shown" if point else "there is nothing to open here")
        else:
            self.hub.push_screen(places.campaign_screen(point.campaign))
