"""One run: how it stands, what its model says, its figures, what they depend on, why it ended so."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual.binding import Binding, BindingType
from textual.containers import Horizontal

from devicehub.api.contract import RUN, RUN_RECORDS, RecordsQuery, RunNamed
from devicehub_tui import clocks, run_lines
from devicehub_tui.bars import NoticeLine
from devicehub_tui.lines import Lines, Pane
from devicehub_tui.state import ENDS
from devicehub_tui.subject import Subject
from devicehub_tui.view import HubScreen

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.events import Resize
    from textual.worker import Worker

    from devicehub.api.model import DeviceView, RunEventView, RunView
    from devicehub_tui.state import Changes

_WIDE: Final = 100
"""Columns from which on the text stands beside the rest, not below it."""
_TICK_S: Final = 1.0
_TEXT_SHOWN: Final = 20_000
_ACTIONS: Final = "R run again · r change it and run · w write its record to a file · y copy it"


class RunScreen(HubScreen):
    """Follows a run while it is under way, and shows its record after."""

    PLACE = "runs"
    OFFERS: ClassVar[frozenset[str]] = frozenset()
    DEFAULT_CSS = """
    RunScreen #head { padding: 0 1; }
    RunScreen #parts { height: 1fr; }
    RunScreen #parts.-narrow { layout: vertical; }
    RunScreen #about { width: 2fr; height: 1fr; }
    RunScreen #said { width: 3fr; height: 1fr; }
    RunScreen .-narrow #about, RunScreen .-narrow #said { width: 1fr; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("w", "write", "write", show=False)]

    def __init__(self, run: str) -> None:
        super().__init__()
        self.run_id = run
        self._document: dict[str, Any] = {}
        self._run: RunView | None = None
        self._events: list[RunEventView] = []
        self._text = ""
        self._words: Worker[None] | None = None
        self._utc_offset_s = clocks.utc_offset_s()

    def compose_body(self) -> ComposeResult:
        """The head, then the two parts."""
        yield Lines(ident="head")
        with Horizontal(id="parts"):
            yield Pane("Run", "about")
            yield Pane("Text", "said")

    def on_mount(self) -> None:
        """Ask for what is known, and follow what the model says."""
        self.query_one("#about", Pane).focus()
        self.query_one(NoticeLine).hint(_ACTIONS)
        self._load()
        run = self.hub.state.runs.get(self.run_id)
        if run is None or run.state not in ENDS:
            self._words = self.hub.watch_topics(("tokens",), only={"tokens": [self.run_id]})
        self.set_interval(_TICK_S, self._tick)

    def on_unmount(self) -> None:
        """Follow no longer."""
        if self._words is not None:
            self._words.cancel()
        self.hub.state.texts.pop(self.run_id, None)

    def on_resize(self, event: Resize) -> None:
        """One part beside the other, or below."""
        self.query_one("#parts").set_class(event.size.width < _WIDE, "-narrow")

    def _load(self) -> None:
        self.hub.attempt(self._loaded)

    async def _loaded(self) -> None:
        found = await self.hub.call(RUN, RunNamed(run=self.run_id))
        self._document, self._run, self._events = found.document, found.run, found.events
        self._text = found.text
        if self.is_mounted:
            self._draw()

    def _tick(self) -> None:
        """The time of the phase under way goes on."""
        run = self._view()
        if run is not None and run.state not in ENDS and run.state != "queued":
            self._draw()

    def _view(self) -> RunView | None:
        return self.hub.state.runs.get(self.run_id) or self._run

    def _device(self) -> DeviceView | None:
        run = self._view()
        return self.hub.state.device_of(run) if run is not None else None

    def show(self, changes: Changes) -> None:
        """Ask anew when the run has moved on; the words come by themselves."""
        if self.run_id in changes.runs:
            self._load()
        device = self._device()
        touched = device is not None and device.id in changes.devices
        if changes.everything or self.run_id in changes.runs or self.run_id in changes.texts or touched:
            self._draw()

    def _draw(self) -> None:
        run, state = self._view(), self.hub.state
        if run is None:
            self.query_one("#head", Lines).show(
                [[(f"run {self.run_id}", "title")], [("asking the hub", "dim")]]
            )
            return
        device = self._device()
        sample = state.samples.get(device.id) if device else None
        self.query_one("#head", Lines).show(run_lines.head(run, state.progress.get(run.id), sample))
        newer = [event for event in state.events.get(run.id, ()) if not self._knows(event)]
        events = [*self._events, *newer]
        parts = (
            run_lines.conclusion(run, self._document),
            run_lines.figures(run, self._document),
            run_lines.phases(run, events, self.hub.clock.wall_s()),
            run_lines.conditions(self._document),
            run_lines.happened(events, self._utc_offset_s),
        )
        about: run_lines.Lines = []
        for part in parts:
            if about and part:
                about.append([])
            about += part
        self.query_one("#about", Pane).show(about)
        self._draw_text()

    def _draw_text(self) -> None:
        pane = self.query_one("#said", Pane)
        text = run_lines.said(self._document, self.hub.state.texts.get(self.run_id) or self._text)
        run = self._view()
        pane.display = bool(text) or (run is not None and run.state not in ENDS and run.workload != "bench")
        at_end = pane.scroll_offset.y >= pane.max_scroll_y
        shown = text[-_TEXT_SHOWN:]
        pane.show([[(line, "")] for line in shown.splitlines()] or [[("nothing yet", "dim")]])
        if at_end:
            pane.scroll_end(animate=False)

    def _knows(self, event: RunEventView) -> bool:
        return bool(self._events) and event.seq <= self._events[-1].seq

    def subject(self) -> Subject:
        """This run and its phone."""
        device = self._device()
        return Subject(devices=(device.id,) if device else (), runs=(self.run_id,))

    def action_write(self) -> None:
        """Write the record to a file of its own where this program was started."""
        if self.app.is_web:
            self.hub.tell("a browser cannot write a file here; y copies the record", "warning")
        else:
            self.hub.attempt(self._write)

    async def _write(self) -> None:
        page = await self.hub.call(RUN_RECORDS, RecordsQuery(runs=[self.run_id]))
        if not page.records:
            self.hub.tell("the run has no record before its end", "warning")
            return
        path = Path.cwd() / f"{page.records[0].get('id', self.run_id)}.json"
        try:
            await asyncio.to_thread(_write_new, path, page.records[0])
        except FileExistsError:
            self.hub.tell(f"{path} is there already", "warning")
        except OSError as error:
            self.hub.tell(f"{path} cannot be written: {error.strerror or error}", "error")
        else:
            self.hub.tell(f"wrote the record to {path}")

    def copy_text(self) -> str:
        """The record as JSON; before the end what is known."""
        return json.dumps(self._document, indent=2, ensure_ascii=False) if self._document else self.run_id


def _write_new(path: Path, record: dict[str, Any]) -> None:
    """As JSON in a file that was not there before."""
    with path.open("x", encoding="utf-8") as stream:
        json.dump(record, stream, indent=2, ensure_ascii=False)
        stream.write("\n")
