"""One phone: what it is, how it is, and how it went in the last minutes."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from textual.containers import Grid, Horizontal

from devicehub.api.contract import RUN, RUNS, RunNamed, RunsQuery
from devicehub_tui import clocks, device_lines, fleet_rows, places
from devicehub_tui.curves import charts, phase_marks
from devicehub_tui.lines import Lines, Pane
from devicehub_tui.plots import Plot
from devicehub_tui.subject import Subject
from devicehub_tui.view import HubScreen

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.events import Resize

    from devicehub.api.model import DeviceView, RunEventView, RunView
    from devicehub_tui.format import Cell
    from devicehub_tui.state import Changes

_WIDE: Final = 100
_VERY_WIDE: Final = 180
_PLOT_S: Final = 1.0
_RUNS_SHOWN: Final = 12
_MARKED_RUNS: Final = 4


def about_width(window: int) -> int:
    """Columns for the facts in a window of so many."""
    if window < _WIDE:
        return 32
    return 44 if window < _VERY_WIDE else 60


class DeviceScreen(HubScreen):
    """Facts on the left, plots on the right; one above the other in a narrow window."""

    PLACE = "fleet"
    OFFERS: ClassVar[frozenset[str]] = frozenset({"mark", "open"})
    DEFAULT_CSS = """
    DeviceScreen #head { padding: 0 1; }
    DeviceScreen #parts { height: 1fr; }
    DeviceScreen #about { height: 1fr; }
    DeviceScreen #plots { width: 1fr; height: 1fr; grid-size: 2 3; grid-gutter: 0 1; }
    DeviceScreen #plots.-broad { grid-size: 3 2; }
    DeviceScreen .-narrow #plots { grid-size: 1 2; }
    DeviceScreen .-narrow Plot.more { display: none; }
    """

    def __init__(self, device: str) -> None:
        super().__init__()
        self.device_id = device
        self._runs: list[RunView] = []
        self._events: list[RunEventView] = []
        self._plotted_s = 0.0
        self._utc_offset_s = clocks.utc_offset_s()

    def compose_body(self) -> ComposeResult:
        """The head, the facts, the plots."""
        yield Lines(ident="head")
        with Horizontal(id="parts"):
            yield Pane("Phone", "about")
            with Grid(id="plots"):
                for number in range(6):
                    plot = Plot()
                    plot.set_class(number not in (0, 2), "more")
                    yield plot

    def on_mount(self) -> None:
        """Ask for its runs."""
        self.query_one("#about", Pane).focus()
        self.hub.attempt(self._ask_runs)

    def on_resize(self, event: Resize) -> None:
        """Two plots in a narrow window, six in a wide one."""
        self.query_one("#parts").set_class(event.size.width < _WIDE, "-narrow")
        self.query_one("#plots").set_class(event.size.width >= _VERY_WIDE, "-broad")
        self.query_one("#about").styles.width = about_width(event.size.width)
        self._draw_lines()

    async def _ask_runs(self) -> None:
        view = self._view()
        if view is None:
            return
        page = await self.hub.call(RUNS, RunsQuery(serial=view.serial, limit=_RUNS_SHOWN))
        self._runs = page.runs
        if self.is_mounted:
            self._draw_lines()
        history = self.hub.state.history.get(self.device_id)
        if history is None or not history.points:
            return
        # What began before this program looked on, and is still within the plots.
        shown = [run for run in page.runs[:_MARKED_RUNS] if run.updated >= history.points[0].wall_s]
        for run in shown:
            self._events += (await self.hub.call(RUN, RunNamed(run=run.id))).events
        if shown and self.is_mounted:
            self._draw_plots()

    def _view(self) -> DeviceView | None:
        return self.hub.state.devices.get(self.device_id)

    def show(self, changes: Changes) -> None:
        """Draw what is new of this phone; the plots once a second."""
        if not (changes.everything or changes.runs or self.device_id in changes.devices):
            return
        self._draw_lines()
        now_s = self.hub.clock.monotonic_s()
        if changes.everything or now_s - self._plotted_s >= _PLOT_S:
            self._plotted_s = now_s
            self._draw_plots()

    def _draw_lines(self) -> None:
        device, state = self._view(), self.hub.state
        if device is None:
            self.query_one("#head", Lines).show(device_lines.away(self.device_id))
            return
        self.query_one("#head", Lines).show(device_lines.head(device))
        live = {run.id: run for run in self._live_runs(device)}
        newest = sorted(
            {run.id: run for run in (*self._runs, *live.values())}.values(),
            key=lambda run: run.started or run.created,
            reverse=True,
        )
        parts = (
            device_lines.readings(state, device),
            device_lines.last(device, width=self._about_width()),
            device_lines.runs(newest[:_RUNS_SHOWN], self._utc_offset_s, width=self._about_width()),
            device_lines.facts(device),
        )
        about: list[list[Cell]] = []
        for part in parts:
            if about and part:
                about.append([])
            about += part
        self.query_one("#about", Pane).show(about)

    def _live_runs(self, device: DeviceView) -> list[RunView]:
        return [run for run in self.hub.state.runs.values() if run.device == device.id]

    def _about_width(self) -> int:
        """Columns for the facts, within their padding and beside the scroll bar."""
        return about_width(self.app.size.width) - 3

    def _draw_plots(self) -> None:
        device, state = self._view(), self.hub.state
        history = state.history.get(self.device_id)
        if device is None or history is None or not history.points:
            return
        points = list(history.points)
        newest_s = points[-1].wall_s
        runs = {run.id for run in self._runs} | {run.id for run in self._live_runs(device)}
        events = {event.seq: event for event in self._events}
        events |= {event.seq: event for run in runs for event in state.events.get(run, ())}
        in_order = sorted(events.values(), key=lambda event: event.wall_s)
        marks = phase_marks(in_order, newest_s, newest_s - points[0].wall_s)
        for plot, chart in zip(self.query(Plot), charts(points), strict=True):
            if plot.display:
                plot.show(chart, marks)

    def subject(self) -> Subject:
        """This phone."""
        return Subject(devices=(self.device_id,))

    def copy_text(self) -> str:
        """The phone as a line of fields between tabs."""
        return fleet_rows.copy_lines(self.hub.state, [self.device_id])

    def action_mark(self) -> None:
        """Mark it in the fleet."""
        self.hub.mark(self.device_id)

    def action_open(self) -> None:
        """Open the run under way, else the last one."""
        device = self._view()
        run = device and (device.run or (device.last and device.last.run))
        if run:
            self.hub.push_screen(places.run_screen(run))
        else:
            self.hub.tell("nothing was run on it yet")
