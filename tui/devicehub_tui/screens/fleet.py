"""All phones: one row each, and beside them what is going on."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from textual.containers import Vertical

from devicehub_tui import fleet_rows, places
from devicehub_tui.activity import Activity
from devicehub_tui.bars import NoticeLine
from devicehub_tui.filter import Filter, parse_filter
from devicehub_tui.filter_line import FilterLine
from devicehub_tui.filtered import FilteredScreen
from devicehub_tui.state import mark_all, toggle_mark
from devicehub_tui.subject import Subject
from devicehub_tui.table import LiveTable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

    from devicehub_tui.columns import Column
    from devicehub_tui.format import Cell
    from devicehub_tui.state import Changes

_REORDER_S: Final = 1.0
"""How often rows may change places when the order is by something that moves all the time."""
_ORDER, _GROUPED = "fleet.order", "fleet.grouped"
_NO_PHONE: Final = (
    "No phone is connected. Plug one in with USB debugging on, or try `devicehub sim --connect`."
)


class FleetScreen(FilteredScreen):
    """The table of phones, with the activity below where there is room, or when it has the focus."""

    PLACE = "fleet"
    OFFERS: ClassVar[frozenset[str]] = frozenset({"mark", "mark_group", "filter", "order", "group", "open"})

    def __init__(self) -> None:
        super().__init__()
        self._filter = Filter()
        self._order = "product"
        self._grouped = False
        self._reordered_s = 0.0
        self._in_order = True

    def compose_body(self) -> ComposeResult:
        """The table, the line of the filter, the activity."""
        with Vertical():
            yield LiveTable(self._cells, empty=self._why_empty)
            yield FilterLine()
            yield Activity()

    def on_mount(self) -> None:
        """As it was left the last time."""
        order, grouped = self.hub.memory.get(_ORDER), self.hub.memory.get(_GROUPED)
        self._order = order if order in fleet_rows.ORDERS else "product"
        self._grouped = grouped is True
        self._table.focus()

    def _cells(self, device: str, columns: Sequence[Column]) -> list[Cell]:
        return fleet_rows.cells(self.hub.state, device, columns)

    def _why_empty(self) -> str:
        if self.hub.state.devices:
            return "No phone matches the filter; esc clears it."
        if not self.hub.state.link.up:
            return "Connecting to the hub."
        return _NO_PHONE

    def show(self, changes: Changes) -> None:
        """Draw the rows that changed; put them in order anew where that may have changed."""
        if changes.listed or changes.everything or changes.marks:
            self._lay_out()
        elif self._order in fleet_rows.LIVE_ORDERS and changes.devices:
            self._in_order = False
        now_s = self.hub.clock.monotonic_s()
        if not self._in_order and now_s - self._reordered_s >= _REORDER_S:
            self._lay_out()
        self._table.touch(self._table.in_sight if changes.everything else changes.devices)
        if changes.jobs:
            self._table.touch(self._table.in_sight)
        self.query_one(Activity).show(self.hub.state, changes)

    def _lay_out(self) -> None:
        self._reordered_s, self._in_order = self.hub.clock.monotonic_s(), True
        table = self._table
        table.set_columns(fleet_rows.columns_for(table.room), sorted_by=self._order)
        state = self.hub.state
        rows = fleet_rows.rows(state, self._filter.lets_pass, order=self._order, grouped=self._grouped)
        table.set_rows(rows, state.marks)
        shown = sum(row.heading is None for row in rows)
        self.query_one(FilterLine).say(self._filter, shown, len(state.devices))
        self._hint()

    def on_live_table_resized(self) -> None:
        """Other columns may fit."""
        self.query_one(Activity).fit_in()
        self._lay_out()

    def on_live_table_moved(self) -> None:
        """Say why the phone under the cursor cannot be used."""
        self._hint()

    def _hint(self) -> None:
        device = self.hub.state.devices.get(self._table.cursor or "")
        problem = device.problem if device is not None else None
        hint = f"! {problem}" if problem else ""
        if device is not None and all(one.kind == "host" for one in self.hub.state.devices.values()):
            hint = _NO_PHONE
        self.query_one(NoticeLine).hint(hint)

    def on_live_table_opened(self) -> None:
        """A click on the row of the cursor."""
        self.action_open()

    def subject(self) -> Subject:
        """The marked phones, else the one under the cursor, else the group whose heading it is on."""
        marked = self.hub.state.marked()
        return Subject(devices=tuple(marked or self._at_cursor()))

    def _at_cursor(self) -> list[str]:
        key = self._table.cursor
        if key is None:
            return []
        group = fleet_rows.heading_group(key)
        return [key] if group is None else self._members(group)

    def _members(self, group: str) -> list[str]:
        return [
            device.id
            for device in self.hub.state.devices.values()
            if fleet_rows.group_of(device) == group and self._filter.lets_pass(device)
        ]

    def copy_text(self) -> str:
        """The phones meant, as lines of fields between tabs."""
        return fleet_rows.copy_lines(self.hub.state, self.subject().devices)

    def action_mark(self) -> None:
        """Mark the phone, or the group, and go on to the next row."""
        table = self._table
        key = table.cursor
        if key is None:
            return
        if table.on_heading:
            mark_all(self.hub.state, self._at_cursor())
        else:
            toggle_mark(self.hub.state, key)
        table.action_move(1)
        self.hub.flush()

    def action_mark_group(self) -> None:
        """Mark all phones of the group of the cursor; without groups, all that are shown."""
        state = self.hub.state
        key = self._table.cursor
        if key is None:
            return
        if self._grouped:
            device = state.devices.get(key)
            group = fleet_rows.group_of(device) if device else fleet_rows.heading_group(key)
            mark_all(state, self._members(group or ""))
        else:
            phones = [device for device in state.devices.values() if device.kind == "phone"]
            mark_all(state, [device.id for device in phones if self._filter.lets_pass(device)])
        self.hub.flush()

    def filter_by(self, text: str) -> None:
        """Show what matches so far."""
        self._filter = parse_filter(text)
        self._lay_out()

    def action_back(self) -> None:
        """Leave the filter; then clear it; then the marks."""
        if self.leave_filter():
            return
        if self.query_one(Activity).has_focus:
            self._table.focus()
        elif self.hub.state.marks:
            self.hub.action_clear_marks()

    def action_order(self) -> None:
        """Order by the next of the columns."""
        orders = list(fleet_rows.ORDERS)
        self._order = orders[(orders.index(self._order) + 1) % len(orders)]
        self.hub.memory.put(_ORDER, self._order)
        self._lay_out()
        self.hub.tell(f"ordered by {fleet_rows.order_name(self._order)}")

    def action_group(self) -> None:
        """Group by SoC, or do not."""
        self._grouped = not self._grouped
        self.hub.memory.put(_GROUPED, self._grouped)
        self._lay_out()
        self.hub.tell("grouped by SoC" if self._grouped else "no groups")

    def action_pane(self) -> None:
        """Go between the table and the activity."""
        activity = self.query_one(Activity)
        if activity.has_focus:
            self._table.focus()
        else:
            activity.enter()

    def action_open(self) -> None:
        """Open the phone's own screen."""
        key = self._table.cursor
        if key is not None and not self._table.on_heading:
            self.hub.push_screen(places.device_screen(key))
