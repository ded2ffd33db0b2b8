"""The logs of some phones, merged: followed, searched, by level."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from textual.binding import Binding, BindingType

from devicehub.api.model import LogLines
from devicehub_tui.columns import shorten
from devicehub_tui.filter import Filter
from devicehub_tui.filter_line import FilterLine
from devicehub_tui.lines import Lines
from devicehub_tui.log_lines import Log, next_level
from devicehub_tui.log_view import LogView
from devicehub_tui.subject import Subject
from devicehub_tui.view import HubScreen

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.widgets import Input
    from textual.worker import Worker

    from devicehub.api.model import Event
    from devicehub_tui.state import Changes

_FRAME_S: Final = 0.1
_COPIED: Final = 1_000
_HEAD: Final = 62
"""Columns of the head but for the phones."""


class LogsScreen(HubScreen):
    """Reads the phones' logs while it is open."""

    PLACE = "fleet"
    OFFERS: ClassVar[frozenset[str]] = frozenset({"filter"})
    DEFAULT_CSS = "LogsScreen #head { padding: 0 1; background: $surface; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("v", "level", "level", show=False),
        Binding("delete", "clear", "clear", show=False),
    ]

    def __init__(self, devices: tuple[str, ...]) -> None:
        super().__init__()
        self._devices = devices
        self._log = Log()
        self._came = False
        self._reading: Worker[None] | None = None

    def compose_body(self) -> ComposeResult:
        """What is read, the lines, the line of the search."""
        yield Lines(ident="head")
        yield LogView(self._log, self._names)
        yield FilterLine("words that are in a line, or in its phone's serial")

    def on_mount(self) -> None:
        """Begin to read."""
        self.query_one(LogView).focus()
        self._reading = self.hub.follow(("log",), self._take, only={"log": list(self._devices)})
        self.set_interval(_FRAME_S, self._draw)

    def on_unmount(self) -> None:
        """Read no longer."""
        if self._reading is not None:
            self._reading.cancel()

    def _take(self, event: Event) -> None:
        if isinstance(event.data, LogLines):
            self._log.add(event.data.device, event.data.lines)
            self._came = True

    def _names(self) -> dict[str, str]:
        if len(self._devices) == 1:
            return {}
        known = self.hub.state.names
        return {name: known.get(name, name) for name in self._devices}

    def show(self, changes: Changes) -> None:
        """The lines come by themselves."""
        if changes.everything:
            self._head()

    def _draw(self) -> None:
        if self._came:
            self._came = False
            self.query_one(LogView).show()
            self._head()

    def _head(self) -> None:
        view, log = self.query_one(LogView), self._log
        names = self._names()
        alone = self._devices[0]
        who = ", ".join(names.values()) if names else self.hub.state.names.get(alone, alone)
        follow = "▼ following" if view.following else "■ stopped; f follows"
        self.query_one("#head", Lines).show(
            [
                [
                    (follow, "good" if view.following else "warn"),
                    (f"  v level {log.level} and up  del clear", "dim"),
                    (f"  {len(log.shown)} of {len(log)} lines  ", "dim"),
                    (shorten(who, max(0, self.size.width - _HEAD)), ""),
                ]
            ]
        )
        if self.query_one(FilterLine).display:
            self.query_one(FilterLine).say(Filter(), len(log.shown), len(log))

    def _again(self) -> None:
        self.query_one(LogView).show()
        self._head()

    def action_level(self) -> None:
        """Show lines from the next level on."""
        self._log.choose(level=next_level(self._log.level))
        self._again()

    def action_clear(self) -> None:
        """Forget what came so far."""
        self._log.clear()
        self._again()

    def action_filter(self) -> None:
        """Type what to look for."""
        self.query_one(FilterLine).open()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show the lines that have it."""
        self._log.choose(words=event.value)
        self._again()

    def on_input_submitted(self) -> None:
        """Keep the search, and give the keys back to the lines."""
        self.query_one(FilterLine).close()
        self.query_one(LogView).focus()

    def action_back(self) -> None:
        """Leave the search; then this screen."""
        line = self.query_one(FilterLine)
        if line.text or line.is_open:
            line.clear()
            self.query_one(LogView).focus()
        else:
            super().action_back()

    def subject(self) -> Subject:
        """The phones that are read."""
        return Subject(devices=self._devices)

    def copy_text(self) -> str:
        """The newest lines that are shown."""
        return "\n".join(line.text for line in self._log.shown[-_COPIED:])
