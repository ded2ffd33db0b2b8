"""A screen whose table can be filtered: the keys of the filter's line, the same on all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devicehub_tui.filter_line import FilterLine
from devicehub_tui.table import LiveTable
from devicehub_tui.view import HubScreen

if TYPE_CHECKING:
    from textual.widgets import Input


class FilteredScreen(HubScreen):
    """Holds a `FilterLine` and a table; those derived from it say what a text lets pass."""

    @property
    def _table(self) -> LiveTable:
        """The table that has the keys."""
        return self.query_one(LiveTable)

    def filter_by(self, text: str) -> None:
        """Show what the text lets pass."""
        raise NotImplementedError

    def action_filter(self) -> None:
        """Type what to show."""
        self.query_one(FilterLine).open()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show what matches so far."""
        self.filter_by(event.value)

    def on_input_submitted(self) -> None:
        """Keep the filter, and give the keys back to the table."""
        self.query_one(FilterLine).close()
        self._table.focus()

    def leave_filter(self) -> bool:
        """Filter nothing, and give the keys back to the table; False where nothing was filtered."""
        line = self.query_one(FilterLine)
        if not (line.text or line.is_open):
            return False
        line.clear()
        self._table.focus()
        return True
