"""The matrix of a campaign's cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from devicehub_tui.campaign_grid import (
    Grid,
    grid_of,
    lay_out,
    matching,
    next_asking,
    row_cells,
    settings_text,
    soc_line,
)
from devicehub_tui.columns import MARGIN
from tests.tui.campaigns import cell, cells

if TYPE_CHECKING:
    from devicehub.api.campaign_model import CellView

CELLS = {one.number: one for one in cells()}
GRID = grid_of(CELLS.values())


def many(phones: int, variants: int) -> list[CellView]:
    return [
        cell(
            variant * phones + phone + 1,
            serial=f"S{phone:03}",
            product="Sample",
            soc=f"SM{8000 + phone // 4}",
            profile=f"profile-{variant}",
            name=f"SM S{phone:03} / m / e / profile-{variant} / bench",
        )
        for variant in range(variants)
        for phone in range(phones)
    ]


def label_of(grid: Grid, row: int) -> str:
    return grid.labels[grid.variants[row].key]


def test_what_all_rows_share_is_told_once() -> None:
    assert label_of(GRID, 0) == "Qwen3-0.6B / default"
    assert GRID.shared == "mnn-3.6.1-arm64-9d166794 / bench"


def test_the_one_row_of_a_campaign_is_told_whole() -> None:
    grid = grid_of([cell(1)])
    assert label_of(grid, 0) == "Qwen3-0.6B / mnn-3.6.1-arm64-9d166794 / default / bench"
    assert grid.shared == ""


def test_phones_stand_together_by_soc_and_alike_ones_are_told_apart() -> None:
    mixed = [cell(1), cell(3), cell(2), cell(4)]
    grid = grid_of([msgspec.structs.replace(one, number=n) for n, one in enumerate(mixed, start=1)])
    assert [(phone.soc, phone.name) for phone in grid.phones] == [
        ("SM8650", "Galaxy S24 Ultra"),
        ("SM8650", "Xiaomi 14"),
        ("MT6989", "vivo X100 T0003"),
        ("MT6989", "vivo X100 T0009"),
    ]


def test_every_cell_has_its_place_a_moved_one_that_of_its_name() -> None:
    assert sorted(GRID.places) == sorted(CELLS)
    assert CELLS[14].serial == "R5CT0001"
    assert GRID.places[14][1] == "R5CT0002"
    row = row_cells(GRID, CELLS, GRID.places[14][0], lay_out(GRID, 100, 0).columns, "R5CT0002")
    assert [text.strip() for text, _ in row] == ["Qwen2.5-1.5B-Instruct-MNN / default", "+", "[+]~", "+", "+"]


def test_cells_of_the_same_variant_on_one_phone_hide_none() -> None:
    grid = grid_of([cell(1), cell(1, number=2)])
    assert sorted(grid.places) == [1, 2]
    assert len(grid.variants) == 2


def test_a_phone_that_all_cells_left_keeps_its_column() -> None:
    grid = grid_of([cell(1), cell(2, serial="R5CT0001", moved=True)])
    assert [phone.serial for phone in grid.phones] == ["R5CT0001", "R5CT0002"]


def test_settings_and_suites_make_rows_of_their_own() -> None:
    grid = grid_of(
        [
            cell(1, settings={"thread_num": 4, "precision": "low"}),
            cell(1, number=2, settings={"thread_num": 8, "precision": "low"}),
            cell(1, number=3, workload="demo", suite="facts"),
        ]
    )
    assert [label_of(grid, row) for row in range(3)] == [
        "thread_num=4 precision=low / bench",
        "thread_num=8 precision=low / bench",
        "demo facts",
    ]
    assert settings_text({"use_mmap": True}) == "use_mmap=true"


@pytest.mark.parametrize("room", [60, 79, 119, 199])
@pytest.mark.parametrize("phones", [1, 4, 20])
def test_the_columns_fit_with_the_chosen_phone_among_them(room: int, phones: int) -> None:
    grid = grid_of(many(phones, 3))
    first = 0
    for at in [*range(phones), *reversed(range(phones))]:
        window = lay_out(grid, room, at, first)
        first = window.first
        assert MARGIN + sum(column.width + 1 for column in window.columns) <= room
        assert grid.phones[at].serial in [column.name for column in window.columns]
        # The line of the SoCs ends where the columns do, but for the sign that there are more.
        line = "".join(text for text, _ in soc_line(grid, window)).removesuffix("»")
        assert len(line) == MARGIN + sum(column.width + 1 for column in window.columns)


def test_the_line_of_socs_tells_that_there_are_more_phones() -> None:
    grid = grid_of(many(20, 3))
    line = "".join(text for text, _ in soc_line(grid, lay_out(grid, 79, 10)))
    assert "« " in line
    assert line.endswith("»")
    assert "SM8002" in line


def test_words_find_variants_standings_reasons_and_socs() -> None:
    found = {
        words: len(matching(GRID, CELLS, words))
        for words in ("", "opencl", "FAILED", "throttled", "mt6989 not run", "none")
    }
    assert found == {"": 6, "opencl": 2, "FAILED": 1, "throttled": 1, "mt6989 not run": 1, "none": 0}


def test_the_next_cell_that_did_not_pass_goes_round() -> None:
    rows = [variant.key for variant in GRID.variants]
    place, seen = None, []
    for _ in range(5):
        place = next_asking(GRID, CELLS, rows, place)
        assert place is not None
        seen.append(GRID.numbers[place])
    assert seen == [3, 5, 8, 11, 3]
    assert next_asking(GRID, {}, rows, None) is None


def test_nothing_of_no_cells() -> None:
    grid = grid_of([])
    assert (grid.phones, grid.variants) == ((), ())
