"""Campaigns, cells, fronts and history as rows and lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from devicehub_tui import campaign_lines, campaign_rows, front_rows, history_rows
from devicehub_tui.campaign_rows import MARKS
from tests.tui.campaigns import campaign, cell, cells, figure, front, history

if TYPE_CHECKING:
    from devicehub_tui.run_lines import Lines


def text(lines: Lines) -> str:
    return "\n".join("".join(piece for piece, _ in line) for line in lines)


def row(name: str = "nightly", width: int = 160, **changes: object) -> dict[str, str]:
    columns = campaign_rows.columns_for(width)
    shown = campaign_rows.cells(campaign(name, **changes), columns, utc_offset_s=0)
    return {column.name: cell[0].strip() for column, cell in zip(columns, shown, strict=True)}


def test_marks_tell_the_standings_apart_without_colour() -> None:
    signs = [sign for sign, _ in MARKS.values()]
    assert len(set(signs)) == len(signs)
    assert all(sign.isascii() and len(sign) == 1 for sign in signs)


def test_a_row_tells_how_far_a_campaign_is() -> None:
    found = row()
    assert found["state"] == "▶ running"
    assert found["done"] == "16/24"
    assert found["counts"] == "+12 X1 ?1 /1 -1 >3 .5"
    assert found["eta"] == "24 min"
    assert found["bar"].startswith("█")


@pytest.mark.parametrize(
    ("how", "status", "shown"),
    [
        ("ended", 0, "+ passed"),
        ("ended", 1, "X failed"),
        ("ended", 5, "? undecided"),
        ("stopped", None, "- stopped"),
    ],
)
def test_the_end_of_a_campaign(how: str, status: int | None, shown: str) -> None:
    found = row(state=how, exit=status)
    assert (found["state"], found["eta"]) == (shown, "")


@pytest.mark.parametrize(
    ("eta_s", "shown"), [(None, "·"), (12.0, "< 1 min"), (5_400.0, "90 min"), (7_380.0, "2 h 03 min")]
)
def test_how_long_it_takes_still(eta_s: float | None, shown: str) -> None:
    assert row(eta_s=eta_s)["eta"] == shown


def test_what_a_campaign_waits_for_comes_before_how_it_stands() -> None:
    assert row(waits_for="vivo X100 is away")["sentence"] == "vivo X100 is away"
    head = text(campaign_lines.head_lines(campaign(waits_for="vivo X100 is away"), "bench", 100))
    assert "! vivo X100 is away" in head
    assert "all: bench" in head


@pytest.mark.parametrize("width", [20, 78, 118])
def test_the_head_has_three_lines_in_any_window(width: int) -> None:
    head = campaign_lines.head_lines(campaign(virtual=True), "a model / an engine / a profile", width)
    assert len(head) == 3
    assert all(len("".join(piece for piece, _ in line)) <= width for line in head)


def test_a_cell_is_told_with_reason_sentence_ratio_and_runs() -> None:
    lines = text(campaign_lines.cell_lines(cells()[4], 120))
    assert "? inconclusive: limit" in lines
    assert "9 more pairs" in lines
    assert "0.992 of 243.0    0.981 to 1.004    -10% [" in lines
    assert "run-5-a, run-5-b" in lines
    assert "-10%" not in text(campaign_lines.cell_lines(cells()[4], 80))


def test_a_cell_without_a_run_says_so() -> None:
    assert "runs         none yet" in text(campaign_lines.cell_lines(cells()[23], 120))
    assert "runs         none\n" in text(campaign_lines.cell_lines(cells()[10], 120)) + "\n"


def test_a_moved_cell_says_where_it_ran() -> None:
    lines = text(campaign_lines.cell_lines(cells()[13], 120))
    assert "moved here from the phone of its name: Galaxy S24 Ultra · R5CT0001" in lines
    assert "attempt      2" in lines


def test_figures_that_are_not_known_here_are_shares() -> None:
    figures = {
        "accuracy": figure(median=0.615, launches=1),
        "load_ms": figure(median=812.4, launches=2),
    }
    assert text(campaign_lines.figure_lines(figures, 80)).splitlines() == [
        "load ms               812  2 launches",
        "accuracy           61.5 %  1 launch",
    ]


@pytest.mark.parametrize(
    ("low", "ratio", "high", "shown"),
    [
        (0.98, 1.0, 1.02, "[            |--o--|            ]"),
        (0.8, 0.85, 0.9, "[<              :               ]"),
        (0.985, 1.06, 1.5, "[             |-:--------o----->]"),
    ],
)
def test_an_interval_is_drawn_to_scale(low: float, ratio: float, high: float, shown: str) -> None:
    drawn = campaign_lines.interval(figure(median=1, launches=6, ratio=ratio, low=low, high=high))
    assert len(drawn) == 33
    assert drawn == shown


# Fronts


def test_the_front_comes_first_and_what_was_given_up_last() -> None:
    rows = front_rows.rows([front(), front("MT6989")])
    assert [one.key for one in rows] == [
        *("0", "0 2", "0 3", "0 1", "0 4", "0 5", "0 6"),
        *("1", "1 2", "1 3", "1 1", "1 4", "1 5", "1 6"),
    ]
    assert rows[0].heading is not None
    assert "3 of 6 settings on the front" in rows[0].heading


def test_a_row_of_a_setting() -> None:
    columns = front_rows.columns_for(119)
    shown = [piece.strip() for piece, _ in front_rows.cells([front()], "0 2", columns)]
    assert shown[:5] == ["* front", "thread_num=4 precision=low", "243.0", "21.40", "940"]
    wrong = [piece.strip() for piece, _ in front_rows.cells([front()], "0 6", columns)]
    assert (wrong[0], wrong[2], wrong[-1]) == ("", "·", "wrong")
    assert front_rows.cells([front()], "7 1", columns) == [("", "")] * len(columns)


def test_the_plot_has_each_point_where_it_belongs() -> None:
    of = front()
    drawn = [line[1][0] for line in front_rows.scatter(of, of.points[2], 60, 8)[:-2]]
    assert len(drawn) == 8
    assert all(len(line) == len(drawn[0]) for line in drawn)
    joined = "".join(drawn)
    assert (joined.count("*"), joined.count("o"), joined.count("#")) == (2, 2, 1)
    # The fastest in decode is the furthest on the right; the fastest in prefill the highest.
    assert max(line.rfind("#") for line in drawn) == len(drawn[0]) - 1
    assert "*" in drawn[0]


def test_one_point_makes_no_plot() -> None:
    of = msgspec.structs.replace(front(), points=front().points[:2])
    assert front_rows.scatter(of, None, 60, 8) == []
    assert "o precision=int2  beaten" in text(front_rows.point_lines(of, of.points[0], 60, 8))


# History

JUMPED = history(21.3, 21.4, 18.2, 18.3, jump_at=2)
STEADY = history(21.1, 21.2, 21.0)


def test_what_jumped_comes_first_and_is_marked_at_its_campaign() -> None:
    known = [STEADY, JUMPED]
    rows = history_rows.rows(known)
    assert [one.key for one in rows] == ["1", "1 3", "1 2", "1 1", "1 0", "0", "0 2", "0 1", "0 0"]
    columns = history_rows.columns_for(140)

    def cells_of(key: str) -> dict[str, tuple[str, str]]:
        shown = history_rows.cells(known, key, columns, utc_offset_s=0)
        return {column.name: one for column, one in zip(columns, shown, strict=True)}

    jumped = cells_of("1 2")
    assert jumped["decode_tok_s"] == ("18.20▼", "bad")
    assert jumped["load_ms"] == ("640▼", "good")
    assert jumped["jump"][0] == "decode ▼-15.0 %, load ▼-20.0 %"
    assert jumped["state"][0] == "X"
    assert cells_of("1 3")["decode_tok_s"] == ("18.30 ", "figure")
    assert cells_of("1 3")["jump"][0] == ""


def test_a_trend_of_noise_is_flat_and_a_jump_is_not() -> None:
    assert history_rows.trend(JUMPED, "decode_tok_s") == "▇█▁▁"
    assert set(history_rows.trend(STEADY, "decode_tok_s")) <= set("▁▂")
    assert history_rows.trend(STEADY, "prefill_tok_s") == ""


def test_a_campaign_of_history_tells_before_and_since() -> None:
    lines = text(history_rows.point_lines(JUMPED, JUMPED.points[2]))
    assert "▼ decode tok/s -15.0 %, worse: 21.40 before, 18.20 since" in lines
    assert "▼ load ms -20.0 %, better" in lines
    whole = text(history_rows.point_lines(JUMPED, None))
    assert "decode tok/s    ▇█▁▁" in whole


def test_a_row_that_is_gone_shows_nothing() -> None:
    assert history_rows.find([JUMPED], "3 1") is None
    assert history_rows.find([JUMPED], "0 9") == (JUMPED, None)
    assert history_rows.find([], "") is None


def test_a_cell_of_no_known_phone() -> None:
    one = cell(1, product=None, soc=None, vendor="unknown")
    assert "phone        R5CT0001\n" in text(campaign_lines.cell_lines(one, 80))
