from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from textual.app import App
from textual.geometry import Region

from devicehub_tui.columns import Column, Row, fit
from devicehub_tui.table import LiveTable, regions
from devicehub_tui.themes import DARK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

    from devicehub_tui.format import Cell

COLUMNS = [Column("name", "name", 8), Column("value", "value ", 6, right=True)]


@pytest.mark.parametrize(
    ("text", "width", "right", "fitted"),
    [
        ("abc", 5, False, "abc  "),
        ("abc", 5, True, "  abc"),
        ("abcdef", 5, False, "abcd…"),
        ("手机手机", 5, False, "手机…"),
        ("手机手", 4, False, "手 …"),
        ("a\x1b[31m\n", 8, False, "a�[31m� "),
        ("abc", 1, False, "a"),
        ("abc", 0, False, ""),
    ],
)
def test_text_takes_exactly_its_columns(text: str, width: int, right: bool, fitted: str) -> None:
    assert fit(text, width, right=right) == fitted


class TableApp(App[None]):
    def __init__(self, rows: int) -> None:
        super().__init__()
        self.register_theme(DARK)
        self.theme = DARK.name
        self.values = {f"k{number}": 0 for number in range(rows)}
        self.formatted: list[str] = []

    def compose(self) -> ComposeResult:
        yield LiveTable(self.cells)

    def cells(self, key: str, columns: Sequence[Column]) -> list[Cell]:
        self.formatted.append(key)
        return [(key, ""), (str(self.values[key]), "figure")]

    def on_mount(self) -> None:
        self.table.set_columns(COLUMNS)
        self.table.set_rows([Row(key) for key in self.values], ())
        self.table.focus()

    @property
    def table(self) -> LiveTable:
        return self.query_one(LiveTable)

    def lines(self) -> list[str]:
        return [self.table.render_line(y).text.rstrip() for y in range(self.table.size.height)]


async def test_only_rows_in_sight_are_formatted() -> None:
    app = TableApp(5_000)
    async with app.run_test(size=(40, 20)) as pilot:
        await pilot.pause()
        app.formatted.clear()
        app.table.touch(app.values)
        assert set(app.formatted) == {f"k{number}" for number in range(19)}


async def test_a_row_that_looks_the_same_is_not_drawn_again() -> None:
    app = TableApp(3)
    async with app.run_test(size=(40, 20)) as pilot:
        await pilot.pause()
        before = app.table.render_line(2)
        app.table.touch(["k1"])
        assert app.table.render_line(2) is before
        app.values["k1"] = 7
        app.table.touch(["k1"])
        assert app.table.render_line(2) is not before
        assert app.lines()[2].split() == ["k1", "7"]


async def test_a_row_out_of_sight_shows_its_newest_value_when_it_comes_into_sight() -> None:
    app = TableApp(100)
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.press("end", "home")
        app.values["k99"] = 5
        app.table.touch(["k99"])
        await pilot.press("end")
        await pilot.pause()
        assert app.lines()[-1].split()[-1] == "5"


async def test_the_cursor_goes_to_both_ends_and_stays_in_sight() -> None:
    app = TableApp(100)
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.press("end")
        assert app.table.cursor == "k99"
        assert "k99" in app.table.in_sight
        await pilot.press("down")
        assert app.table.cursor == "k99"
        await pilot.press("home", "up")
        assert app.table.cursor == "k0"
        assert app.table.scroll_offset.y == 0
        await pilot.press("pagedown")
        assert app.table.place == 8


async def test_no_rows_have_no_cursor_and_take_all_keys() -> None:
    app = TableApp(0)
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.press("up", "down", "home", "end", "pageup", "pagedown")
        assert app.table.cursor is None


async def test_the_cursor_keeps_its_place_when_its_row_goes() -> None:
    app = TableApp(5)
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.press("end")
        app.table.set_rows([Row("k0"), Row("k1")], ())
        await pilot.pause()
        assert app.table.cursor == "k1"


async def test_the_title_of_the_order_is_marked() -> None:
    app = TableApp(1)
    async with app.run_test(size=(40, 10)) as pilot:
        app.table.set_columns(COLUMNS, sorted_by="name")
        await pilot.pause()
        assert app.lines()[0].split() == ["name▾", "value"]


def test_lines_that_touch_are_drawn_as_one() -> None:
    assert regions({4: (10, 20), 3: (5, 12), 7: (0, 3)}) == [Region(5, 3, 15, 2), Region(0, 7, 3, 1)]


def test_a_line_that_differs_out_of_sight_only_is_not_drawn() -> None:
    assert regions({3: (50, 40), 4: (0, 40)}) == [Region(0, 4, 40, 1)]


async def test_a_row_whose_cell_changed_keeps_the_cells_that_did_not() -> None:
    app = TableApp(3)
    async with app.run_test(size=(40, 20)) as pilot:
        await pilot.pause()
        app.table.render_line(2)
        app.values["k1"] = 77
        app.table.touch(["k1"])
        assert app.lines()[2].split() == ["k1", "77"]


async def test_rows_that_are_far_are_drawn_anew_when_they_come_back() -> None:
    app = TableApp(500)
    async with app.run_test(size=(40, 20)) as pilot:
        await pilot.pause()
        for _ in range(30):
            app.table.action_page(1)
            await pilot.pause()
        app.formatted.clear()
        app.table.action_edge(-1)
        await pilot.pause()
        assert app.lines()[1].split() == ["▌", "k0", "0"]
        assert "k0" in app.formatted
