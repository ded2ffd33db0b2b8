"""The matrix of a campaign's cells on the screen, with a cursor that also goes from phone to phone."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from devicehub_tui.campaign_grid import Grid, Window, lay_out, row_cells, soc_line
from devicehub_tui.columns import MARGIN, Row
from devicehub_tui.table import LiveTable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from textual.events import Click

    from devicehub.api.campaign_model import CellView
    from devicehub_tui.columns import Column
    from devicehub_tui.format import Cell


class Matrix(LiveTable):
    """Rows are variants; of the phones as many are shown as fit, those around the cursor's."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "side(-1)", show=False),
        Binding("right", "side(1)", show=False),
    ]

    def __init__(self, known: Callable[[], Mapping[int, CellView]], *, empty: Callable[[], str]) -> None:
        """`known` gives the cells by their numbers, as they stand now."""
        super().__init__(self._row, empty=empty, name="matrix")
        self._known = known
        self._grid = Grid()
        self._window = Window((), 0, 0)
        self._side = 0

    @property
    def chosen(self) -> tuple[str, str] | None:
        """The row and the phone that the cursor is on; None where there is no cell at all."""
        phones = self._grid.phones
        return (self.cursor, phones[self._side].serial) if self.cursor is not None and phones else None

    @property
    def number(self) -> int | None:
        """Of the cell under the cursor; None where the campaign has none there."""
        return self._grid.numbers.get(self.chosen) if self.chosen else None

    @property
    def socs(self) -> list[Cell]:
        """The line over the titles."""
        return soc_line(self._grid, self._window) if self._grid.phones else []

    def show_grid(self, grid: Grid, rows: Sequence[str]) -> None:
        """Show these rows of a campaign's matrix."""
        at = self.chosen
        self._grid = grid
        serials = [phone.serial for phone in grid.phones]
        self._side = serials.index(at[1]) if at and at[1] in serials else 0
        self._fit()
        self.set_rows([Row(key) for key in rows], ())
        self.touch(rows)

    def touch_cells(self, numbers: Collection[int]) -> None:
        """Draw again the rows of cells that stand differently."""
        self.touch({self._grid.places[number][0] for number in numbers if number in self._grid.places})

    def go_to_cell(self, place: tuple[str, str]) -> None:
        """Put the cursor on a cell."""
        self.go_to(place[0])
        serials = [phone.serial for phone in self._grid.phones]
        self.action_side(serials.index(place[1]) - self._side)

    def fit_in(self) -> None:
        """Lay the columns out for the window as it is now."""
        self._fit()
        self.touch([row.key for row in self.rows])

    def _fit(self) -> None:
        if self._grid.phones:
            self._window = lay_out(self._grid, self.room, self._side, self._window.first)
            self.set_columns(self._window.columns, sorted_by=self._grid.phones[self._side].serial)
        else:
            self.set_columns(())

    def _row(self, key: str, columns: Sequence[Column]) -> list[Cell]:
        chosen = self.chosen
        at = chosen[1] if chosen and chosen[0] == key else None
        return row_cells(self._grid, self._known(), key, columns, at)

    def move_to(self, place: int) -> None:
        """Put the cursor on a row; the brackets of the cell go along."""
        before = self.cursor
        super().move_to(place)
        self.touch({key for key in (before, self.cursor) if key})

    def action_side(self, phones: int) -> None:
        """Go to another phone of the same row."""
        side = max(0, min(self._side + phones, len(self._grid.phones) - 1))
        if side != self._side:
            self._side = side
            self._fit()
            self.touch({self.cursor} if self.cursor else ())
            self.post_message(self.Moved())

    def on_click(self, event: Click) -> None:
        """Put the cursor on the cell; a click where it is already opens it."""
        left = MARGIN
        for place, column in enumerate(self._window.columns):
            left += column.width + 1
            if event.x < left:
                side = self._window.first + place - 1
                row = event.y - 1 + self.scroll_offset.y
                if place and side != self._side and event.y > 0 and row < len(self.rows):
                    event.prevent_default()  # it is not the cell that the cursor was on: nothing is opened
                    self.move_to(row)
                    self.action_side(side - self._side)
                return
