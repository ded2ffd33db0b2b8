"""The report for a terminal: 80 columns whatever the names, and no name that reads like another."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from devicehub.columns import text_width
from devicehub.report import terminal
from devicehub.report.numbers import limit_interval
from devicehub.report.words import STATE_MARKS
from tests.campaign.synthetic import make_fronts, make_plan, make_result

_LONG = "a-model-with-a-name-of-many-words" * 4
_WIDE = "小米手机十四超级版" * 12
_HOSTILE = "x\x1b[2J\r\n\x9b31m\u202e\u2066\u200b\x00\udc80"


@pytest.mark.parametrize(
    "name",
    [_LONG, _WIDE, _HOSTILE, "e\u0301" * 90, "%s {0} " * 40],
    ids=["long", "wide", "hostile", "combining", "formats"],
)
def test_no_name_breaks_the_lines(name: str) -> None:
    result = make_result(cells=16, launches=2, earlier=2)
    phones = tuple(
        replace(phone, serial=f"{place}{name}", product=name, soc=name, soc_name=name)
        for place, phone in enumerate(result.plan.phones)
    )
    cells = [
        replace(
            one,
            cell=replace(
                one.cell,
                name=name,
                phone=replace(one.cell.phone, serial=name, soc=name),
                variant=replace(
                    one.cell.variant,
                    model=replace(one.cell.variant.model, name=name),
                    settings={name: name},
                ),
            ),
            sentence=name,
            proof=[name * 200],
            remedy=name,
            outcome=one.outcome and replace(one.outcome, moved=True, phone=phones[0]),
        )
        for one in result.cells
    ]
    fronts = [
        replace(front, soc=name, model=name, points=[replace(front.points[0], settings={name: name})])
        for front in result.fronts
    ]
    history = [replace(one, soc=name, model=name, engine=name) for one in result.history]
    plan = replace(result.plan, name=name, phones=phones, notes=(name,))
    text = terminal.render(replace(result, plan=plan, cells=cells, fronts=fronts, history=history))
    *lines, last, end = text.split("\n")
    assert (last, end) == (result.sentence, "")
    assert max(map(text_width, lines)) <= terminal.WIDTH
    assert all(line.isprintable() for line in lines)
    assert len(lines) < 2000  # of 40 kB of proof a cell only the beginning


def test_rows_of_the_matrix_differ_in_what_stands_last() -> None:
    result = make_result(cells=24)
    matrix = terminal.render(result).partition("+ passed  X failed")[2].partition("cell ")[0]
    for workload in ("facts", "eval"):
        assert f"/ {workload} " in matrix
    assert "..." not in matrix


def test_matrix_has_a_mark_for_each_cell() -> None:
    result = make_result(cells=32)
    matrix = terminal.render(result).partition("+ passed  X failed")[2].partition("\ncell ")[0]
    marks = [line[44:].replace(" ", "") for line in matrix.splitlines()[6:]]
    for state, mark in STATE_MARKS.items():
        assert "".join(marks).count(mark) == sum(cell.state == state for cell in result.cells)


def test_forty_phones_stand_in_blocks_of_columns() -> None:
    result = make_result(cells=4)
    extra = tuple(replace(result.plan.phones[0], serialno=f"n{n}", serial=f"S{n}") for n in range(36))
    text = terminal.render(replace(result, plan=replace(result.plan, phones=(*result.plan.phones, *extra))))
    assert max(map(len, text.splitlines())) <= terminal.WIDTH
    for place in range(1, 41):
        assert f"\n{place:4} " in text


def test_vendor_of_several_socs_has_a_sum() -> None:
    text = terminal.render(make_result(cells=24, kinds=["good"]))
    for vendor in ("MediaTek", "Qualcomm"):
        [line] = [line for line in text.splitlines() if line.startswith(f"{vendor}, all")]
        assert line.split()[2:] == ["12", ".", ".", ".", "."]


def test_cell_tells_each_limit_with_its_interval() -> None:
    result = make_result(cells=2, kinds=["slow"])
    text = terminal.render(result)
    for cell in result.cells:
        assert cell.state == "failed"
        assert len(cell.limits) == 5
        for limit in cell.limits:
            found = limit_interval(limit, result.plan.limits[limit.limit])
            assert f"  {STATE_MARKS[limit.state]} {limit.text}: {found}\n" in text
    assert "X decode_tok_s no worse than 5 %: -1" in text
    assert "+ fidelity >= 90 %: 100 %\n" in text


def test_interval_of_a_limit_is_in_its_unit() -> None:
    result = make_result(cells=1, kinds=["good"])
    limits = {limit.text: limit for limit in result.cells[0].limits}
    demands = {limit.text: limit for limit in make_plan(cells=1).limits}

    def shown(text: str, **changes: float | None) -> str:
        return limit_interval(replace(limits[text], **changes), demands[text])

    assert shown("decode_tok_s >= 5", value=24.1, low=23.5, high=24.8) == "24.1 (23.5 to 24.8)"
    relative = "decode_tok_s no worse than 5 %"
    assert shown(relative, value=0.969, low=0.95, high=0.988) == "-3.1 % (-5.0 to -1.2)"
    assert shown(relative, value=0.969, low=None, high=None) == "-3.1 %"
    assert shown(relative, value=None) == ""
    assert shown("fidelity >= 90 %", value=0.5, low=0.25, high=0.75) == "50 % (25 % to 75 %)"


def test_percent_stays_with_its_figure() -> None:
    [cell] = make_result(cells=1, kinds=["good"]).cells
    for blanks in range(70, 80):
        told = replace(cell, state="failed", sentence=f"{'x' * blanks} 12.5 % worse")
        text = terminal.render(replace(make_result(cells=1), cells=[told]))
        assert "12.5 %" in text


def test_many_settings_of_a_sweep_are_counted() -> None:
    [front, _] = make_fronts()
    points = [replace(front.points[0], settings={"n": n}, on_front=n == 19) for n in range(20)]
    text = terminal.render(replace(make_result(cells=1), fronts=[replace(front, points=points)]))
    assert "  n=19\n" in text
    assert "and 8 settings more" in text
