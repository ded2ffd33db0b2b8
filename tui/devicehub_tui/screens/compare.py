"""Two runs side by side, and what they say of each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from devicehub.api.contract import RUN, RUNS_COMPARED, CompareRuns, RunNamed
from devicehub.errors import HubError
from devicehub_tui import compare_lines
from devicehub_tui.lines import Pane
from devicehub_tui.subject import Subject
from devicehub_tui.view import HubScreen

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.events import Resize

    from devicehub.api.contract import Comparison
    from devicehub.api.model import RunView
    from devicehub_tui.run_lines import Lines
    from devicehub_tui.state import Changes


class CompareScreen(HubScreen):
    """What differs is marked; the ratio stands with its interval, or the refusal with its reasons."""

    PLACE = "runs"
    OFFERS: ClassVar[frozenset[str]] = frozenset()
    DEFAULT_CSS = "CompareScreen #about { height: 1fr; }"

    def __init__(self, a: str, b: str) -> None:
        super().__init__()
        self._ids = (a, b)
        self._runs: list[RunView] = []
        self._found: Comparison | None = None
        self._problem = ""

    def compose_body(self) -> ComposeResult:
        """One pane."""
        yield Pane("Comparison", "about")

    def on_mount(self) -> None:
        """Ask for both."""
        self.query_one("#about", Pane).focus()
        self.hub.attempt(self._ask)

    async def _ask(self) -> None:
        a, b = self._ids
        self._runs = [(await self.hub.call(RUN, RunNamed(run=run))).run for run in self._ids]
        try:
            self._found = await self.hub.call(RUNS_COMPARED, CompareRuns(a=a, b=b))
            self._problem = ""
        except HubError as error:
            self._problem = str(error)
        if self.is_mounted:
            self._draw()

    def show(self, changes: Changes) -> None:
        """Ask anew when one of them has moved on."""
        if changes.runs & set(self._ids):
            self.hub.attempt(self._ask)

    def on_resize(self, event: Resize) -> None:
        """Fit the columns."""
        self.call_after_refresh(self._draw)

    def _draw(self) -> None:
        lines: Lines = [[("asking the hub", "dim")]]
        if len(self._runs) == 2:
            a, b = self._runs
            width = max(40, self.size.width - 4)
            lines = compare_lines.side_by_side(a, b, width)
            if self._found is not None:
                lines += [[], *compare_lines.outcome(self._found, width)]
            elif self._problem:
                lines += [[], [("✗ ", "bad"), (self._problem, "")]]
        self.query_one("#about", Pane).show(lines)

    def subject(self) -> Subject:
        """Both runs, and their phones."""
        devices = [run.device for run in self._runs if run.device in self.hub.state.devices]
        return Subject(devices=tuple(device for device in devices if device), runs=self._ids)

    def copy_text(self) -> str:
        """The command that prints it."""
        return f"devicehub runs compare {self._ids[0]} {self._ids[1]}"
