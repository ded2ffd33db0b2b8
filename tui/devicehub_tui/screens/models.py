"""The catalogue: models and engines."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from textual.containers import Vertical

from devicehub.api.contract import ENGINES, MODEL_HOLDERS, MODELS
from devicehub.errors import HubError
from devicehub_tui.columns import lay_out
from devicehub_tui.filter import Filter
from devicehub_tui.filter_line import FilterLine
from devicehub_tui.filtered import FilteredScreen
from devicehub_tui.lines import Pane
from devicehub_tui.model_rows import (
    FIELDS,
    engine_cells,
    engine_lines,
    group_lines,
    model_cells,
    model_lines,
    rows_of,
)
from devicehub_tui.subject import Subject
from devicehub_tui.table import LiveTable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

    from devicehub.api.model import EngineView, HolderView, ModelView
    from devicehub_tui.columns import Column
    from devicehub_tui.format import Cell
    from devicehub_tui.run_lines import Lines
    from devicehub_tui.state import Changes


class ModelsScreen(FilteredScreen):
    """What can be pushed and run; one of it in detail below."""

    PLACE = "models"
    OFFERS: ClassVar[frozenset[str]] = frozenset({"filter", "order"})
    DEFAULT_CSS = "ModelsScreen #about { height: 12; }"

    def __init__(self) -> None:
        super().__init__()
        self._models: dict[str, ModelView] = {}
        self._engines: dict[str, EngineView] = {}
        self._asked = False
        self._holders: list[HolderView] | None = None
        self._pushes = 0
        self._words = ""
        self._by_size = False

    def compose_body(self) -> ComposeResult:
        """The table, the line of the filter, the detail."""
        with Vertical():
            yield LiveTable(self._cells, empty=self._why_empty)
            yield FilterLine("words")
            yield Pane("Detail", "about")

    def on_mount(self) -> None:
        """Ask for the catalogue."""
        self._table.focus()

    def show(self, changes: Changes) -> None:
        """Ask anew when one comes back to this screen, and when a model or an engine may have moved."""
        came_up = changes.link and self.hub.state.link.up
        if changes.everything or changes.jobs or changes.models or came_up:
            self.hub.attempt(self._ask)
        pushes = sum(job.kind == "push" and job.state == "running" for job in self.hub.state.jobs.values())
        if changes.everything or came_up or pushes < self._pushes:
            self.hub.attempt(self._ask_phones)
        self._pushes = pushes

    async def _ask(self) -> None:
        models, engines = await self.hub.call(MODELS), await self.hub.call(ENGINES)
        self._models = {f"model {model.name}": model for model in models}
        self._engines = {f"engine {engine.id}": engine for engine in engines}
        self._asked = True
        if self.is_mounted:
            self._lay_out()

    async def _ask_phones(self) -> None:
        try:
            self._holders = await self.hub.call(MODEL_HOLDERS)
        except HubError:
            return  # what they said before still shows
        if self.is_mounted:
            self._lay_out()

    def _why_empty(self) -> str:
        if not self._asked:
            return "Asking the hub." if self.hub.state.link.up else "Not known yet: there is no hub."
        if self._words:
            return "Nothing matches the filter; esc clears it."
        return "The catalogue is empty: `devicehub models pull SOURCE` or `devicehub models add DIR`."

    def _lay_out(self) -> None:
        self._table.set_columns(
            lay_out(FIELDS, self._table.room), sorted_by="size" if self._by_size else "name"
        )
        rows = rows_of(self._models, self._engines, self._words, by_size=self._by_size)
        shown = [row.key for row in rows if row.heading is None]
        self._table.set_rows(rows, ())
        self._table.touch(shown)
        self.query_one(FilterLine).say(Filter(), len(shown), len(self._models) + len(self._engines))
        self._detail()

    def _cells(self, key: str, columns: Sequence[Column]) -> list[Cell]:
        if model := self._models.get(key):
            known = model_cells(model, self._holders)
        elif engine := self._engines.get(key):
            known = engine_cells(engine)
        else:
            known = {}
        return [known.get(column.name, ("", "")) for column in columns]

    def _detail(self) -> None:
        key = self._table.cursor or ""
        lines: Lines = []
        if model := self._models.get(key):
            state = self.hub.state
            last = {device.id: device.last for device in state.devices.values() if device.last is not None}
            lines = model_lines(model, self._holders, state.names, last)
        elif engine := self._engines.get(key):
            lines = engine_lines(engine)
        elif key:
            lines = group_lines(key, self._models)
        self.query_one("#about", Pane).show(lines)

    def on_live_table_moved(self) -> None:
        """Tell of another thing."""
        self._detail()

    def on_live_table_resized(self) -> None:
        """Other columns may fit."""
        self._lay_out()

    def subject(self) -> Subject:
        """The thing under the cursor, for the marked phones, else for all that are ready."""
        state = self.hub.state
        devices = state.marked() or [
            device.id for device in state.devices.values() if device.state == "ready"
        ]
        kind, _, name = (self._table.cursor or "").partition(" ")
        thing: tuple[Literal["model", "engine"], str] | None = None
        if kind == "model":
            thing = ("model", name)
        elif kind == "engine":
            thing = ("engine", name)
        return Subject(devices=tuple(devices), thing=thing)

    def copy_text(self) -> str:
        """The thing's name."""
        return (self._table.cursor or "").partition(" ")[2]

    def filter_by(self, text: str) -> None:
        """Show what matches so far."""
        self._words = text
        self._lay_out()

    def action_order(self) -> None:
        """Order by size, or by name."""
        self._by_size = not self._by_size
        self._lay_out()
        self.hub.tell(f"ordered by {'size' if self._by_size else 'name'}")

    def action_back(self) -> None:
        """Leave the filter; then this screen."""
        if not self.leave_filter():
            super().action_back()
