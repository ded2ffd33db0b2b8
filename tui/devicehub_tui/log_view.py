"""Shows the end of a log, and what is above it when one scrolls up."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from devicehub_tui.columns import fit
from devicehub_tui.log_lines import cells
from devicehub_tui.themes import colours, row_backgrounds

if TYPE_CHECKING:
    from collections.abc import Callable

    from devicehub_tui.log_lines import Log

_LABEL = 16


class LogView(ScrollView, can_focus=True):
    """Draws only the lines in sight; follows the newest until one scrolls up, and again at the end."""

    DEFAULT_CSS = "LogView { height: 1fr; scrollbar-size-horizontal: 0; scrollbar-size-vertical: 1; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("k", "scroll_up", show=False),
        Binding("j", "scroll_down", show=False),
        Binding("f", "follow", show=False),
    ]

    def __init__(self, log: Log, names: Callable[[], dict[str, str]]) -> None:
        """`names` says what phones are called; empty for one phone alone."""
        super().__init__()
        self._log = log
        self._names = names
        self.following = True

    def show(self) -> None:
        """Draw what the log shows now."""
        self.virtual_size = Size(self.size.width, len(self._log.shown))
        if self.following:
            self.scroll_end(animate=False, force=True, immediate=True)
        self.refresh()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Follow while the end is in sight."""
        super().watch_scroll_y(old_value, new_value)
        if new_value < old_value:
            self.following = False
        elif new_value >= self.max_scroll_y:
            self.following = True

    def action_follow(self) -> None:
        """Go to the newest line and stay there, or stop where one is."""
        self.following = not self.following
        self.show()

    def render_line(self, y: int) -> Strip:
        """One line of the log."""
        width = self.size.width
        place = y + self.scroll_offset.y
        dark = self.app.current_theme.dark
        behind = row_backgrounds(dark=dark)[0]
        colour = colours(dark=dark)
        if place >= len(self._log.shown):
            text = "  No line yet." if y == 0 and not self._log.shown else ""
            return Strip([Segment(fit(text, width), Style.parse(f"{colour['dim']} on {behind}"))], width)
        names = self._names()
        segments = []
        room = width - 1  # beside the scroll bar
        for text, meaning in cells(self._log.shown[place], names, label=_LABEL if names else 0):
            shown = fit(text, room) if meaning != "busy" else text
            segments.append(Segment(shown, Style.parse(f"{colour[meaning]} on {behind}")))
            room -= len(shown)
        return Strip(segments).adjust_cell_length(width, Style.parse(f"on {behind}"))
