"""A table of many rows that change often: only rows that look different are drawn again.

Widths are fixed by the window, never by what is in the cells; a row is formatted when it is in sight and
kept as a strip until its cells differ. Textual's own table measures its columns again with every change.
"""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.filter import ANSIToTruecolor
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from devicehub_tui.columns import MARGIN, fit
from devicehub_tui.themes import colours, row_backgrounds

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from textual.events import Click, Resize
    from textual.filter import LineFilter

    from devicehub_tui.columns import Column, Row
    from devicehub_tui.format import Cell, Meaning

_CURSOR: Final = "▌"
_MARK: Final = "●"
_WINDOWS_KEPT: Final = 4
_NEVER: Final[tuple[str, Meaning]] = ("\0", "")
"""No cell shows it."""


class _Drawn(NamedTuple):
    """A row as it was drawn: `segments` are the signs, each cell, and the rest of the line."""

    cells: list[Cell]
    segments: list[Segment]
    strip: Strip
    kind: int
    marked: bool


_PLAIN, _AT_CURSOR, _MARKED, _HEADING = range(4)
"""Kinds of rows, in the order of their backgrounds."""


class LiveTable(ScrollView, can_focus=True):
    """Rows under a line of titles, with a cursor and marks."""

    DEFAULT_CSS = """
    LiveTable { height: 1fr; width: 1fr; scrollbar-size-horizontal: 0; scrollbar-size-vertical: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("home", "edge(-1)", show=False),
        Binding("end", "edge(1)", show=False),
    ]

    class Opened(Message):
        """A row was opened by a second click on it."""

    class Moved(Message):
        """The cursor is on another row."""

    class Resized(Message):
        """The width changed; other columns may fit."""

    def __init__(
        self,
        cells: Callable[[str, Sequence[Column]], list[Cell]],
        *,
        empty: Callable[[], str] = str,
        name: str | None = None,
    ) -> None:
        """`cells` gives what a row shows in each column; `empty` what to say where there are no rows."""
        super().__init__(name=name)
        self._cells = cells
        self._empty = empty
        self._columns: Sequence[Column] = ()
        self._rows: Sequence[Row] = ()
        self._places: dict[str, int] = {}
        self._marks: Collection[str] = ()
        self._cursor = 0
        self._drawn: dict[str, _Drawn] = {}
        self._titles: Strip | None = None
        self._sorted_by = ""
        self._styles: dict[tuple[Meaning, int], Style] = {}

    @property
    def rows(self) -> Sequence[Row]:
        """What is shown, in its order."""
        return self._rows

    @property
    def cursor(self) -> str | None:
        """The key of the row that the cursor is on; None where there is none."""
        return self._rows[self._cursor].key if self._rows else None

    @property
    def place(self) -> int:
        """Which row the cursor is on, from 0."""
        return self._cursor

    @property
    def on_heading(self) -> bool:
        """Whether the cursor is on the title of a group."""
        return bool(self._rows) and self._rows[self._cursor].heading is not None

    @property
    def in_sight(self) -> list[str]:
        """The keys of the rows that can be seen, without headings."""
        top = self.scroll_offset.y
        seen = self._rows[top : top + max(0, self.size.height - 1)]
        return [row.key for row in seen if row.heading is None]

    @property
    def room(self) -> int:
        """Columns for what is shown, beside the scroll bar whether it is there or not."""
        return self.size.width - 1

    def set_columns(self, columns: Sequence[Column], *, sorted_by: str = "") -> None:
        """Lay the columns out anew; `sorted_by` names the one that the rows are ordered by."""
        if columns != self._columns or sorted_by != self._sorted_by:
            self._columns, self._sorted_by = columns, sorted_by
            self._forget()

    def set_rows(self, rows: Sequence[Row], marks: Collection[str]) -> None:
        """Show these rows; the cursor stays on the row it was on, else at its place."""
        held = self.cursor
        same = rows == self._rows
        self._marks = set(marks)
        if not same:
            self._rows = rows
            self._places = {row.key: place for place, row in enumerate(rows)}
            self._drawn = {key: drawn for key, drawn in self._drawn.items() if key in self._places}
            self._cursor = min(self._places.get(held or "", self._cursor), max(0, len(rows) - 1))
            self.virtual_size = Size(self.size.width, len(rows) + 1)
            self._keep_in_sight()
        self.refresh()

    def touch(self, keys: Collection[str]) -> None:
        """Look again at what these rows show; those in sight that differ are drawn."""
        top = self.scroll_offset.y
        width, height = self.size
        bottom = top + height - 1
        changed: dict[int, tuple[int, int]] = {}
        for key in keys:
            place = self._places.get(key)
            if place is None:
                continue
            if not top <= place < bottom:
                self._drawn.pop(key, None)
                continue
            drawn = self._drawn.get(key)
            cells = self._cells(key, self._columns)
            if drawn is not None and drawn.cells == cells:
                continue
            self._drawn[key] = self._draw(key, cells, at_cursor=place == self._cursor, before=drawn)
            changed[place - top + 1] = self._span(drawn.cells if drawn else [], cells, width)
        if found := regions(changed):  # without any it would be all
            self.refresh(*found)

    def _span(self, before: list[Cell], now: list[Cell], width: int) -> tuple[int, int]:
        """From where to where a row differs."""
        left, first, last = MARGIN, width, 0
        for column, old, new in zip(self._columns, before or [_NEVER] * len(now), now, strict=True):
            if old != new:
                first, last = min(first, left), left + column.width
            left += column.width + 1
        return first, min(last, width)

    def _forget(self) -> None:
        self._drawn.clear()
        self._titles = None
        self._styles.clear()
        self.refresh()

    def _forget_far(self) -> None:
        """Keep few rows drawn: the garbage collector looks at all of them, and keys wait for it."""
        if len(self._drawn) > _WINDOWS_KEPT * self.size.height:
            self._drawn = {key: self._drawn[key] for key in self.in_sight if key in self._drawn}

    def notify_style_update(self) -> None:
        """Another theme."""
        super().notify_style_update()
        self._forget()

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Without the one that looks up the colours of a terminal's palette: no row has such a colour."""
        return [one for one in super().get_line_filters() if not isinstance(one, ANSIToTruecolor)]

    def on_resize(self, event: Resize) -> None:
        """Other columns may fit now."""
        self.virtual_size = Size(self.size.width, len(self._rows) + 1)
        self._forget()
        self._keep_in_sight()
        self.post_message(self.Resized())

    # Drawing

    def render_line(self, y: int) -> Strip:
        """The titles, then the rows from the first in sight on."""
        width = self.size.width
        if y == 0:
            return self._title_strip(width)
        place = y - 1 + self.scroll_offset.y
        if place >= len(self._rows):
            lines = wrap(self._empty(), max(20, width - 4)) if not self._rows else []
            text = lines[y - 2] if 0 <= y - 2 < len(lines) else ""
            return self._plain(f"  {text}", "dim", _PLAIN, width)
        row = self._rows[place]
        at_cursor = place == self._cursor
        if row.heading is not None:
            sign = _CURSOR if at_cursor else " "
            return self._plain(f"{sign} {row.heading}", "title", _AT_CURSOR if at_cursor else _HEADING, width)
        drawn = self._drawn.get(row.key)
        if drawn is None:
            self._forget_far()
            drawn = self._draw(row.key, self._cells(row.key, self._columns), at_cursor=at_cursor)
        elif (drawn.kind == _AT_CURSOR) != at_cursor or drawn.marked != (row.key in self._marks):
            drawn = self._draw(row.key, drawn.cells, at_cursor=at_cursor)
        self._drawn[row.key] = drawn
        return drawn.strip

    def _draw(self, key: str, cells: list[Cell], *, at_cursor: bool, before: _Drawn | None = None) -> _Drawn:
        """A row; of what it was before, cells that are the same are kept."""
        marked = key in self._marks
        kind = _AT_CURSOR if at_cursor else _MARKED if marked else _PLAIN
        signs = f"{_CURSOR if at_cursor else ' '}{_MARK if marked else ' '}"
        old = before if before is not None and before.kind == kind and before.marked == marked else None
        segments = [Segment(signs, self._style("figure", kind))]
        used = MARGIN
        for place, (column, cell) in enumerate(zip(self._columns, cells, strict=True)):
            if old is not None and old.cells[place] == cell:
                segments.append(old.segments[place + 1])
            else:
                text = fit(cell[0], column.width, right=column.right)
                segments.append(Segment(f"{text} ", self._style(cell[1], kind)))
            used += column.width + 1
        width = self.size.width
        if used < width:
            segments.append(Segment(" " * (width - used), self._style("", kind)))
        strip = Strip(segments, max(used, width))
        shown = strip.crop(0, width) if used > width else strip
        return _Drawn(cells, segments, shown, kind, marked)

    def _title_strip(self, width: int) -> Strip:
        if self._titles is None or self._titles.cell_length != width:
            segments = [Segment(" " * MARGIN, self._style("dim", _HEADING))]
            for column in self._columns:
                first = column.name == self._sorted_by
                title = f"{column.title.rstrip()}▾" if first else column.title
                shown = fit(title, column.width, right=column.right)
                segments.append(Segment(f"{shown} ", self._style("title" if first else "dim", _HEADING)))
            blank = self._style("dim", _HEADING)
            self._titles = Strip(segments).adjust_cell_length(width, blank)
        return self._titles

    def _plain(self, text: str, meaning: Meaning, kind: int, width: int) -> Strip:
        return Strip([Segment(fit(text, width), self._style(meaning, kind))], width)

    def _style(self, meaning: Meaning, kind: int) -> Style:
        style = self._styles.get((meaning, kind))
        if style is None:
            dark = self.app.current_theme.dark
            behind = row_backgrounds(dark=dark)[kind]
            style = Style.parse(f"{colours(dark=dark)[meaning]} on {behind}")
            self._styles[meaning, kind] = style
        return style

    # The cursor

    def move_to(self, place: int) -> None:
        """Put the cursor on a row by its place; the rows scroll where it is out of sight."""
        place = max(0, min(place, len(self._rows) - 1))
        before, self._cursor = self._cursor, place
        if before == place or not self._rows:
            return
        if not self._keep_in_sight():
            for changed in (before, place):
                y = changed - self.scroll_offset.y + 1
                if y > 0:
                    self.refresh(Region(0, y, self.size.width, 1))
        self.post_message(self.Moved())

    def go_to(self, key: str) -> bool:
        """Put the cursor on a row by its key; False where it is not shown."""
        place = self._places.get(key)
        if place is not None:
            self.move_to(place)
        return place is not None

    def _keep_in_sight(self) -> bool:
        """Scroll so that the cursor is in sight; whether that was needed."""
        top, shown = self.scroll_offset.y, max(1, self.size.height - 1)
        if top <= self._cursor < top + shown:
            return False
        first = self._cursor if self._cursor < top else self._cursor - shown + 1
        self.scroll_to(y=first, animate=False, force=True, immediate=True)
        return True

    def action_move(self, rows: int) -> None:
        """Move the cursor by some rows."""
        self.move_to(self._cursor + rows)

    def action_page(self, pages: int) -> None:
        """Move the cursor by what is in sight."""
        self.move_to(self._cursor + pages * max(1, self.size.height - 2))

    def action_edge(self, side: int) -> None:
        """Move the cursor to the first row or the last."""
        self.move_to(0 if side < 0 else len(self._rows) - 1)

    def on_click(self, event: Click) -> None:
        """Put the cursor on the row; a click where it is already opens it."""
        place = event.y - 1 + self.scroll_offset.y
        if event.y == 0 or place >= len(self._rows):
            return
        if place == self._cursor:
            self.post_message(self.Opened())
        self.move_to(place)


def regions(changed: Mapping[int, tuple[int, int]]) -> list[Region]:
    """What to draw again where lines differ from one column to another; those that touch go as one."""
    found: list[Region] = []
    for y in sorted(changed):
        first, last = changed[y]
        here = Region(first, y, last - first, 1)
        if not here:
            continue
        if found and found[-1].bottom == y:
            found[-1] = found[-1].union(here)
        else:
            found.append(here)
    return found
