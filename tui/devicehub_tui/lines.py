"""Text in lines whose pieces have meanings, wrapped at the edge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.containers import VerticalScroll
from textual.content import Content

from devicehub_tui.bars import Line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

    from devicehub_tui.format import Cell


class Lines(Line):
    """As high as its text."""

    DEFAULT_CSS = "Lines { height: auto; padding: 0 1; }"

    def __init__(self, lines: Sequence[Sequence[Cell]] = (), *, ident: str | None = None) -> None:
        super().__init__(id=ident)
        self._lines = [list(line) for line in lines]

    def show(self, lines: Sequence[Sequence[Cell]]) -> None:
        """Show other lines."""
        shown = [list(line) for line in lines]
        if shown != self._lines:
            # What does not change the height is drawn without a new layout of the screen.
            taller = len(shown) != len(self._lines) or _wraps(shown, self.size.width)
            self._lines = shown
            self.refresh(layout=taller)

    def render(self) -> Content:
        """The lines."""
        lines = [
            Content("").join([self.piece(_plain(text), meaning) for text, meaning in line])
            for line in self._lines
        ]
        return Content("\n").join(lines)


class Pane(VerticalScroll, can_focus=True):
    """A titled part of a screen that scrolls and can be gone to with tab."""

    DEFAULT_CSS = """
    Pane {
        border-top: solid $border-blurred; border-title-color: $text-muted;
        scrollbar-size-vertical: 1;
    }
    Pane:focus { border-top: solid $primary; border-title-color: $primary; }
    """

    def __init__(self, title: str, ident: str) -> None:
        super().__init__(id=ident)
        self.border_title = title

    def compose(self) -> ComposeResult:
        """Its text."""
        yield Lines()

    def show(self, lines: Sequence[Sequence[Cell]]) -> None:
        """Show other lines."""
        self.query_one(Lines).show(lines)


def _wraps(lines: Sequence[Sequence[Cell]], width: int) -> bool:
    return any(sum(len(text) for text, _ in line) > width for line in lines)


def _plain(text: str) -> str:
    """Without what a terminal would obey; a model may say anything."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char == "\n" else "�" for char in text.expandtabs(4))
