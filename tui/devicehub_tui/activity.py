"""What is going on, in a few lines below a list."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.strip import Strip
from textual.widget import Widget

from devicehub_tui import clocks
from devicehub_tui.columns import fit
from devicehub_tui.news import news
from devicehub_tui.themes import colours, row_backgrounds

if TYPE_CHECKING:
    from textual.events import Blur

    from devicehub_tui.format import Cell
    from devicehub_tui.state import Changes, State

_ROOMY: Final = 32
"""Lines of a window from which on this is always shown."""


class Activity(Widget, can_focus=True):
    """Jobs, runs that wait, and notes; in a small window only while it has the focus."""

    DEFAULT_CSS = """
    Activity { height: 7; display: none; border-top: solid $border-blurred; border-title-color: $text-muted; }
    Activity:focus { border-top: solid $primary; border-title-color: $primary; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll_by(-1)", show=False),
        Binding("down,j", "scroll_by(1)", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.border_title = "Activity"
        self._lines: list[Cell] = []
        self._first = 0

    def enter(self) -> None:
        """Take the keys, and be there for them."""
        self.display = True
        self.focus()

    def on_blur(self, event: Blur) -> None:
        """Begin at the top again, and make room where there is little."""
        self._first = 0
        self.fit_in()

    def fit_in(self) -> None:
        """Be there where there is room, or while it has the keys."""
        self.display = self.has_focus or self.app.size.height >= _ROOMY

    def show(self, state: State, changes: Changes) -> None:
        """Say what is new."""
        if not (changes.everything or changes.jobs or changes.notes or changes.runs):
            return
        lines = news(state, utc_offset_s=clocks.utc_offset_s())
        if lines != self._lines:
            self._lines = lines
            self.refresh()

    def action_scroll_by(self, lines: int) -> None:
        """Look further down, or up again."""
        self._first = max(0, min(self._first + lines, len(self._lines) - 1))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line of it."""
        width = self.size.width
        place = self._first + y
        text, meaning = self._lines[place] if place < len(self._lines) else ("", "dim")
        if not self._lines and y == 0:
            text, meaning = "Nothing is going on.", "dim"
        dark = self.app.current_theme.dark
        style = Style.parse(f"{colours(dark=dark)[meaning]} on {row_backgrounds(dark=dark)[0]}")
        return Strip([Segment(fit(f" {text}", width), style)], width)
