"""One export: its stages, what it says, what came of it, and the exporter's own log."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from textual.binding import Binding, BindingType
from textual.containers import Horizontal

from devicehub.api.contract import EXPORT_LOG, JOB, JOB_CANCEL, ExportLog, JobNamed
from devicehub.errors import HubError
from devicehub_tui import places
from devicehub_tui.export_lines import Stages, head_lines, said_lines, stage_lines
from devicehub_tui.lines import Lines, Pane
from devicehub_tui.view import HubScreen

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from devicehub.api.model import JobView
    from devicehub_tui.state import Changes

_LOG_S: Final = 1.0
_LOG_LINES: Final = 400
_PAGES: Final = 32
"""Of the log, at one look."""


class ExportScreen(HubScreen):
    """Follows one job of exports, also after its end."""

    PLACE = "models"
    DEFAULT_CSS = """
    ExportScreen #head { background: $surface; }
    ExportScreen Horizontal { height: 2fr; }
    ExportScreen #stages { width: 34; }
    ExportScreen #said { width: 1fr; }
    ExportScreen #log { height: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("x", "cancel", "stop", show=False)]

    def __init__(self, job: str) -> None:
        super().__init__(name=job)
        self._named = job
        self._job: JobView | None = None
        self._stages = Stages()
        self._written: list[str] = []
        self._rest = ""
        self._file = ""
        self._next = 0
        self._is_reading = False

    def compose_body(self) -> ComposeResult:
        """What it is, its stages beside what is said, the log."""
        yield Lines(ident="head")
        with Horizontal():
            yield Pane("Stages", "stages")
            yield Pane("What came of it", "said")
        yield Pane("Log", "log")

    def on_mount(self) -> None:
        """Begin to follow."""
        self.query_one("#said").focus()
        self.set_interval(_LOG_S, self._read_soon)
        self.hub.attempt(self._ask)

    async def _ask(self) -> None:
        """Ask for the job itself: it may have ended before this program began."""
        self._job = await self.hub.call(JOB, JobNamed(job=self._named))
        self._stages.take(self._job.stage)
        await self.read_log()
        self._draw()

    def show(self, changes: Changes) -> None:
        """Take what the hub has told of the job."""
        if not (changes.everything or changes.jobs):
            return
        state = self.hub.state
        self._job = state.jobs.get(self._named, self._job)
        made = state.progress.get(self._named)
        if self._job is not None:
            self._stages.take(self._job.stage)
        if made is not None:
            self._stages.take(made.stage)
        self._draw()

    def _draw(self) -> None:
        job = self._job
        if job is None or not self.is_mounted:
            return
        self.query_one("#head", Lines).show(head_lines(job, self._stages))
        stages = self.query_one("#stages", Pane)
        stages.show(stage_lines(job, self._stages))
        stages.display = job.state != "done"  # the table of what came of it needs the room
        self.query_one("#said", Pane).show(said_lines(job))

    def _read_soon(self) -> None:
        if not self._is_reading and self._job is not None and self._job.state == "running":
            self.run_worker(self.read_log(), exit_on_error=False)

    async def read_log(self) -> None:
        """Read what the exporter has written since; a log that is not there yet is asked for again."""
        self._is_reading = True
        try:
            for _ in range(_PAGES):
                page = await self.hub.call(EXPORT_LOG, ExportLog(job=self._named, first=self._next))
                if page.file != self._file and self._next:
                    # The next recipe's: from its beginning on.
                    self._file, self._next, self._rest = page.file, 0, ""
                    continue
                self._file, self._next = page.file, page.next
                self._take(page.text)
                if not page.text:
                    break
        except HubError:
            return
        finally:
            self._is_reading = False
        self._show_log()

    def _take(self, text: str) -> None:
        *whole, self._rest = (self._rest + text).split("\n")
        # A bar is drawn over itself: what was written last counts.
        self._written = [*self._written, *(line.rstrip("\r").rpartition("\r")[2] for line in whole)][
            -_LOG_LINES:
        ]

    def _show_log(self) -> None:
        if not self.is_mounted:
            return
        pane = self.query_one("#log", Pane)
        at_end = pane.scroll_offset.y >= pane.max_scroll_y
        rest = self._rest.rstrip("\r").rpartition("\r")[2]
        pane.show([[(line, "dim")] for line in [*self._written, *([rest] if rest else [])]])
        if at_end:
            pane.scroll_end(animate=False)

    def copy_text(self) -> str:
        """The log."""
        return "\n".join(self._written)

    def action_cancel(self) -> None:
        """End it, once somebody has agreed."""
        if self._job is None or self._job.state != "running":
            self.hub.tell("the export has ended already")
        else:
            self.hub.attempt(self._cancel, self._job)

    async def _cancel(self, job: JobView) -> None:
        what = "What was not finished is removed; models that are ready stay."
        if await self.hub.push_screen_wait(places.confirm("End this export?", (job.label, what))):
            await self.hub.call(JOB_CANCEL, JobNamed(job=self._named))
            self.hub.tell("the export was ended")
