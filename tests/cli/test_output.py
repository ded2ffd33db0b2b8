from __future__ import annotations

from typing import TYPE_CHECKING

from devicehub.cli.output import print_table
from devicehub.columns import text_width, wrap_text

if TYPE_CHECKING:
    import pytest

LONG = "the phone was too warm and slowed itself down while the third launch was measured"


def printed(capsys: pytest.CaptureFixture[str], rows: list[list[object]], room: int) -> list[str]:
    print_table(("", "", ""), rows, room=room)
    return capsys.readouterr().out.splitlines()


def test_table_that_fits_is_left_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, [["a", "b", "c d"]], 80) == ["a  b  c d"]


def test_widest_text_is_broken_first(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, [["launch", "short enough", LONG]], 60)
    assert max(map(text_width, lines)) <= 60
    assert lines[0].startswith("launch  short enough  the phone")
    assert all(line.startswith(" " * 22) for line in lines[1:])
    assert " ".join(line[22:] for line in lines) == LONG


def test_first_column_and_figures_are_never_broken(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, [["x" * 40, 123456789012345, LONG]], 30)
    assert lines[0].startswith("x" * 40 + "  123456789012345  the phone")


def test_cell_with_line_ends_takes_several_lines(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, [["zones", "a\nbb", "c"]], 80) == ["zones  a   c", "       bb"]


def test_word_that_is_too_long_is_cut() -> None:
    assert wrap_text("ab " + "c" * 25 + " d", 10) == ["ab", "c" * 10, "c" * 10, "ccccc d"]
    assert wrap_text("", 10) == [""]


def test_wide_characters_take_two_columns() -> None:
    lines = wrap_text("速度" * 10, 8)
    assert lines == ["速度速度"] * 5
    assert wrap_text("速度", 1) == ["速", "度"]


def test_blanks_within_a_line_that_fits_stay() -> None:
    assert wrap_text("  a   b", 7) == ["  a   b"]
