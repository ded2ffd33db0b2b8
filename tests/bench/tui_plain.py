"""The same phones in Textual's own DataTable, over the same link: what the fleet's table is held against."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import App
from textual.widgets import DataTable

from devicehub.api.client import LiveClient, Where
from devicehub.settings import Home
from devicehub_tui import fleet_rows
from devicehub_tui.state import State, apply, apply_gone, take_changes

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from devicehub.api.client import LinkState
    from devicehub.api.contract import Gone
    from devicehub.api.model import Event
    from devicehub_tui.columns import Column

_FRAME_S = 0.1


class PlainApp(App[None]):
    """The state as the fleet screen keeps it; only the table is another."""

    BINDINGS: ClassVar[list[BindingType]] = [("q", "quit", "quit")]

    def __init__(self, live: LiveClient) -> None:
        super().__init__()
        self._live = live
        self._state = State()
        self._columns: list[Column] = []

    def compose(self) -> ComposeResult:
        """The table alone."""
        yield DataTable(cursor_type="row")

    def on_mount(self) -> None:
        """Follow the hub."""
        self._columns = fleet_rows.columns_for(self.size.width)
        table = self.query_one(DataTable)
        for column in self._columns:
            table.add_column(column.title, key=column.name)
        self.run_worker(
            self._live.follow(
                ("devices", "samples"), on_event=self._take, on_gone=self._take_gone, on_link=self._take_link
            )
        )
        self.set_interval(_FRAME_S, self._draw_changes)

    def _take(self, event: Event) -> None:
        apply(self._state, event)

    def _take_gone(self, gone: Gone) -> None:
        apply_gone(self._state, gone)

    def _take_link(self, link: LinkState) -> None:
        """Of no interest here."""

    def _draw_changes(self) -> None:
        changes = take_changes(self._state)
        table = self.query_one(DataTable)
        if changes.listed:
            table.clear()
            for device in self._state.devices:
                cells = fleet_rows.cells(self._state, device, self._columns)
                table.add_row(*(text for text, _ in cells), key=device)
            return
        for device in changes.devices:
            cells = fleet_rows.cells(self._state, device, self._columns)
            for column, (text, _) in zip(self._columns, cells, strict=True):
                if table.get_cell(device, column.name) != text:
                    table.update_cell(device, column.name, text)


if __name__ == "__main__":
    place = Where(Home(Path(sys.argv[2])), url=sys.argv[1], token_file=Path(sys.argv[3]))
    PlainApp(LiveClient(place, name="bench")).run()
