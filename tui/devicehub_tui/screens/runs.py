"""All runs, the newest first: those that wait and are under way live, the others page by page."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from textual.containers import Vertical

from devicehub.api.contract import RUNS, RunsQuery
from devicehub_tui import clocks, places, run_rows
from devicehub_tui.columns import Row
from devicehub_tui.filter import RUN_KEYS, Filter, parse_filter
from devicehub_tui.filter_line import FilterLine
from devicehub_tui.filtered import FilteredScreen
from devicehub_tui.state import ENDS
from devicehub_tui.subject import Subject
from devicehub_tui.table import LiveTable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

    from devicehub.api.model import RunView
    from devicehub_tui.columns import Column
    from devicehub_tui.format import Cell
    from devicehub_tui.state import Changes

_PAGE: Final = 100
_AHEAD: Final = 20
"""This close to the end the next page is asked for."""
_ORDERS: Final = ("when", "decode", "prefill", "model", "phone", "verdict")


class RunsScreen(FilteredScreen):
    """The history of runs."""

    PLACE = "runs"
    OFFERS: ClassVar[frozenset[str]] = frozenset({"mark", "mark_group", "filter", "order", "open"})

    def __init__(self) -> None:
        super().__init__()
        self._runs: dict[str, RunView] = {}
        self._next: str | None = None
        self._asking = False
        self._whole = False
        self._filter = Filter()
        self._order = "when"
        self._marks: set[str] = set()
        self._utc_offset_s = clocks.utc_offset_s()

    def compose_body(self) -> ComposeResult:
        """The table and the line of the filter."""
        with Vertical():
            yield LiveTable(self._cells, empty=self._why_empty)
            yield FilterLine("words, or terms like model=qwen,state=failed")

    def on_mount(self) -> None:
        """Ask for the first page."""
        self._table.focus()
        self._ask_more()

    def _cells(self, run: str, columns: Sequence[Column]) -> list[Cell]:
        view = self._find(run)
        if view is None:
            return [("", "")] * len(columns)
        return run_rows.cells(view, columns, utc_offset_s=self._utc_offset_s)

    def _find(self, run: str) -> RunView | None:
        return self.hub.state.runs.get(run) or self._runs.get(run)

    def _why_empty(self) -> str:
        if not self.hub.state.link.up:
            return "Not known yet: there is no hub."
        if self._asking:
            return "Asking the hub."
        return (
            "No run matches the filter; esc clears it."
            if self._filter != Filter()
            else "Nothing was run yet."
        )

    def _ask_more(self) -> None:
        if not self._asking and not self._whole:
            self._asking = True
            self.hub.attempt(self._more)

    async def _more(self) -> None:
        try:
            page = await self.hub.call(RUNS, RunsQuery(before=self._next, limit=_PAGE))
        finally:
            self._asking = False
        self._runs.update((run.id, run) for run in page.runs)
        self._next = page.next
        self._whole = page.next is None
        self._lay_out()

    def show(self, changes: Changes) -> None:
        """Draw what moved on."""
        if changes.everything or changes.runs:
            if changes.link and self.hub.state.link.up and not self._runs:
                self._ask_more()
            self._lay_out()
            self._table.touch(changes.runs)

    def _lay_out(self) -> None:
        table = self._table
        table.set_columns(run_rows.columns_for(table.room), sorted_by=self._order)
        runs = {**self._runs, **self.hub.state.runs}
        shown = sorted(filter(self._filter.lets_run_pass, runs.values()), key=self._key)
        table.set_rows([Row(run.id) for run in shown], self._marks)
        self.query_one(FilterLine).say(self._filter, len(shown), len(runs))

    def _key(self, run: RunView) -> tuple[object, ...]:
        newest = (run.state in ENDS, -(run.started or run.created), run.id)
        match self._order:
            case "decode":
                return (run.decode_tok_s is None, -(run.decode_tok_s or 0), *newest)
            case "prefill":
                return (run.prefill_tok_s is None, -(run.prefill_tok_s or 0), *newest)
            case "model":
                return (run.model.lower(), *newest)
            case "phone":
                return ((run.product or run.serial or "~").lower(), *newest)
            case "verdict":
                return (run.state, run.cause or "", *newest)
            case _:
                return newest

    def on_live_table_moved(self) -> None:
        """Have more where the end is near."""
        if self._table.place >= len(self._table.rows) - _AHEAD:
            self._ask_more()

    def on_live_table_resized(self) -> None:
        """Other columns may fit."""
        self._lay_out()

    def on_live_table_opened(self) -> None:
        """A click on the row of the cursor."""
        self.action_open()

    def subject(self) -> Subject:
        """The marked runs, the oldest first, else the one under the cursor; and their phones."""
        marked = [
            view for row in self._table.rows if row.key in self._marks and (view := self._find(row.key))
        ]
        runs = [view.id for view in sorted(marked, key=lambda view: (view.started or view.created, view.id))]
        if not runs and self._table.cursor is not None:
            runs = [self._table.cursor]
        devices: list[str] = []
        for run in filter(None, map(self._find, runs)):
            device = self.hub.state.device_of(run)
            if device is not None and device.id not in devices:
                devices.append(device.id)
        return Subject(devices=tuple(devices), runs=tuple(runs))

    def copy_text(self) -> str:
        """The ids of the runs."""
        return "\n".join(self.subject().runs)

    def action_mark(self) -> None:
        """Mark the run and go on to the next row."""
        if (run := self._table.cursor) is not None:
            self._marks ^= {run}
            self._lay_out()
            self._table.action_move(1)

    def action_mark_group(self) -> None:
        """Mark all that are shown, or unmark them."""
        shown = {row.key for row in self._table.rows}
        self._marks = self._marks - shown if shown <= self._marks else self._marks | shown
        self._lay_out()

    def filter_by(self, text: str) -> None:
        """Show what matches so far."""
        self._filter = parse_filter(text, RUN_KEYS)
        self._lay_out()

    def action_order(self) -> None:
        """Order by the next of the columns."""
        self._order = _ORDERS[(_ORDERS.index(self._order) + 1) % len(_ORDERS)]
        self._lay_out()
        self.hub.tell(f"ordered by {self._order}")

    def action_back(self) -> None:
        """Leave the filter; then the marks; then this screen."""
        if self.leave_filter():
            return
        if self._marks:
            self._marks = set()
            self._lay_out()
        else:
            super().action_back()

    def action_open(self) -> None:
        """Open the run."""
        if (run := self._table.cursor) is not None:
            self.hub.push_screen(places.run_screen(run))
