"""Reports as text: the same result for terminals, CI and spreadsheets, whatever phones and models say."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import junitparser
import msgspec
import pytest

from devicehub.report import jsonl, junit, markdown, table_csv, terminal
from devicehub.report.formats import FORMATS, format_of
from devicehub.report.numbers import duration, interval, number, percent
from devicehub.report.summary import launch_rows
from devicehub.report.words import STATE_MARKS, STATE_WORDS
from tests.campaign.synthetic import make_result

if TYPE_CHECKING:
    from devicehub.campaign.result import CampaignResult

HOSTILE = "a\x1b[31mb\x00]]>&<script>alert(1)</script>|`*_\n=1+1‮ \udc80 \U0001f600"


@pytest.fixture(scope="module")
def result() -> CampaignResult:
    return make_result(cells=32)


def spoiled(result: CampaignResult) -> CampaignResult:
    """The same with hostile text in all that a phone, a model or a person gave."""
    replace = msgspec.structs.replace
    cells = []
    for one in result.cells:
        phone = replace(one.cell.phone, product=HOSTILE, serial="=cmd|x")
        cell = replace(one.cell, name=HOSTILE, phone=phone)
        outcome = one.outcome
        if outcome is not None:
            arm = outcome.arm and replace(outcome.arm, evidence=[HOSTILE], conditions={"x": HOSTILE})
            outcome = replace(outcome, arm=arm, why=HOSTILE, phone=phone)
        cells.append(
            replace(one, cell=cell, outcome=outcome, sentence=HOSTILE, proof=[HOSTILE] * 3, remedy=HOSTILE)
        )
    plan = replace(result.plan, name=HOSTILE, notes=(HOSTILE,))
    return replace(result, plan=plan, cells=cells)


def test_every_state_is_in_the_sample(result: CampaignResult) -> None:
    assert {cell.state for cell in result.cells} == set(STATE_WORDS)


def test_terminal_holds_eighty_columns_and_ends_with_the_sentence(result: CampaignResult) -> None:
    lines = terminal.render(result).splitlines()
    assert [line for line in lines[:-1] if len(line) > terminal.WIDTH] == []
    assert lines[-1] == result.sentence
    for cell in result.cells:
        if cell.state != "passed":
            assert any(
                line.startswith(f"{STATE_MARKS[cell.state]} {STATE_WORDS[cell.state]}") for line in lines
            )


def test_terminal_lets_nothing_move_the_cursor(result: CampaignResult) -> None:
    text = terminal.render(spoiled(result))
    assert "\x1b" not in text
    assert "\x00" not in text
    assert "‮" not in text


def test_terminal_tells_fronts_and_jumps(result: CampaignResult) -> None:
    assert result.fronts
    text = terminal.render(result)
    assert f"Sweep on {result.fronts[0].soc}" in text
    assert "* nothing else is better" in text


def test_marks_tell_states_apart_without_colour() -> None:
    assert len(set(STATE_MARKS.values())) == len(STATE_MARKS) == len(STATE_WORDS)
    assert all(len(mark) == 1 and mark.isascii() for mark in STATE_MARKS.values())


def test_junit_is_read_back_equal(result: CampaignResult, tmp_path: Any) -> None:
    file = tmp_path / "junit.xml"
    file.write_text(junit.render(result), "utf-8")
    [suite] = junitparser.JUnitXml.fromfile(str(file))
    kinds = {"failed": junitparser.Failure, "not_run": junitparser.Skipped}
    cases = list(suite)
    assert len(cases) == len(result.cells)
    for case, cell in zip(cases, result.cells, strict=True):
        if cell.state == "passed":
            assert case.is_passed
            continue
        [end] = case.result
        assert isinstance(end, kinds.get(cell.state, junitparser.Error))
        assert end.message == cell.sentence
        assert end.type == (cell.reason or cell.state)
        assert all(junit.legal(line) in (end.text or "") for line in cell.proof)
        properties: Any = case
        known = {
            one.name: one.value for held in properties.iterchildren(junitparser.Properties) for one in held
        }
        assert known["cell"] == str(cell.cell.number)
    assert (suite.tests, suite.failures) == (len(result.cells), result.counts["failed"])
    assert suite.errors == result.counts["inconclusive"] + result.counts["not_comparable"]
    assert suite.skipped == result.counts["not_run"]


def test_junit_holds_what_no_xml_may_hold(result: CampaignResult, tmp_path: Any) -> None:
    file = tmp_path / "junit.xml"
    file.write_text(junit.render(spoiled(result)), "utf-8")
    [suite] = junitparser.JUnitXml.fromfile(str(file))
    messages = [end.message for case in suite for end in case.result]
    assert messages
    assert all("<script>alert(1)</script>" in message and "\x00" not in message for message in messages)


def test_markdown_is_small_and_lets_no_text_be_markup(result: CampaignResult) -> None:
    text = markdown.render(result)
    assert len(text.encode()) < markdown.MOST_BYTES
    assert text.startswith("## ")
    hostile = markdown.render(spoiled(result))
    assert "<script>" not in hostile
    for line in hostile.splitlines():
        if line.startswith("| ") and "script" in line:
            assert "\\|" in line


def test_markdown_of_thousands_of_cells_is_cut_and_says_so() -> None:
    text = markdown.render(make_result(cells=3000, launches=2))
    assert len(text.encode()) < 1 << 20
    assert "too long for this summary" in text


def test_every_launch_is_a_line(result: CampaignResult) -> None:
    lines = [json.loads(line) for line in jsonl.render(result).splitlines()]
    count = sum(
        len(arm.launches)
        for cell in result.cells
        if cell.outcome
        for arm in (cell.outcome.arm, cell.outcome.base)
        if arm
    )
    assert len(lines) == count > 100
    assert {line["role"] for line in lines} == {"baseline", "cell"}
    assert all(line["campaign"] == result.plan.id and line["engine_id"] for line in lines)
    assert {line["cell_state"] for line in lines} >= {"passed", "failed"}


def test_table_has_the_rows_of_the_lines_and_no_formulas(result: CampaignResult) -> None:
    rows = list(csv.DictReader(io.StringIO(table_csv.render(spoiled(result)))))
    assert len(rows) == len(list(launch_rows(result)))
    assert all(row["serial"] == "'=cmd|x" for row in rows)
    for row in rows:
        assert not any(value.startswith(("=", "@")) for value in row.values())


@pytest.mark.parametrize("name", FORMATS)
def test_campaign_without_cells_has_a_report(name: str, result: CampaignResult) -> None:
    empty = msgspec.structs.replace(result, cells=[], counts={}, fronts=[], history=[])
    assert isinstance(FORMATS[name].render(empty), str)


@pytest.mark.parametrize("name", FORMATS)
def test_hostile_text_has_a_report(name: str, result: CampaignResult) -> None:
    assert FORMATS[name].render(spoiled(result)).encode("utf-8", "surrogatepass")


def test_formats_go_by_suffix() -> None:
    assert format_of("a/report.HTML") == "html"
    assert format_of("x.xml") == "junit"
    assert format_of("x.pdf") is None
    suffixes = [each.suffix for each in FORMATS.values()]
    assert len(set(suffixes)) == len(suffixes)


def test_numbers() -> None:
    assert [number(value) for value in (None, 0.0123456, 12.3456, 123456.7)] == [
        "-",
        "0.01235",
        "12.35",
        "123457",
    ]
    assert percent(0.9876) == "98.76 %"
    assert [duration(value) for value in (None, 40, 600, 9000)] == ["-", "40 s", "10 min", "2.5 h"]


def test_interval_of_a_figure(result: CampaignResult) -> None:
    figure = next(
        cell.figures["decode_tok_s"]
        for cell in result.cells
        if "decode_tok_s" in cell.figures and cell.figures["decode_tok_s"].low is not None
    )
    assert interval(figure).count("%") == 1
    assert interval(msgspec.structs.replace(figure, ratio=None)) == ""
