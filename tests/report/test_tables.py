"""Launches for other programs: each once, with the run that it was of."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from devicehub.campaign.sweep import merge
from devicehub.report import jsonl, table_csv
from devicehub.report.summary import LAUNCH_COLUMNS
from tests.campaign.synthetic import make_result

if TYPE_CHECKING:
    from devicehub.campaign.result import CampaignResult


@pytest.fixture(scope="module")
def good() -> CampaignResult:
    return make_result(cells=1, launches=2, kinds=["suite"])


def _called(result: CampaignResult, name: str) -> CampaignResult:
    [cell] = result.cells
    return replace(result, cells=[replace(cell, cell=replace(cell.cell, name=name))])


def test_header_is_there_without_launches() -> None:
    none = make_result(cells=1, kinds=["left_out"])
    assert table_csv.render(none) == ",".join(LAUNCH_COLUMNS) + "\n"
    assert jsonl.render(none) == ""


def test_line_and_row_tell_the_same_in_the_same_order(good: CampaignResult) -> None:
    lines = [json.loads(line) for line in jsonl.render(good).splitlines()]
    rows = list(csv.DictReader(io.StringIO(table_csv.render(good))))
    assert [list(line) for line in lines] == [list(row) for row in rows] == [list(LAUNCH_COLUMNS)] * 3
    assert [line["why_not"] for line in lines] == ["a warm-up", None, None]
    for line, row in zip(lines, rows, strict=True):
        assert row["decode_tok_s"] == ("" if line["decode_tok_s"] is None else str(line["decode_tok_s"]))
        assert json.loads(row["conditions"]) == line["conditions"] != {}
        assert row["counts"] == str(line["counts"]).lower()


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\n=1", "'\n=1"),
        ("a\x00b\udc80", "a?b?"),
        ('a, "b"\nc', 'a, "b"\nc'),
    ],
)
def test_field_is_only_text(good: CampaignResult, name: str, written: str) -> None:
    text = table_csv.render(_called(good, name))
    assert {row["name"] for row in csv.DictReader(io.StringIO(text, newline=""))} == {written}
    assert text.encode()


def test_negative_figure_stays_a_figure(good: CampaignResult) -> None:
    [cell] = good.cells
    assert cell.outcome is not None
    assert cell.outcome.arm is not None
    launches = [replace(launch, temp_c=-4.5) for launch in cell.outcome.arm.launches]
    outcome = replace(cell.outcome, arm=replace(cell.outcome.arm, launches=launches))
    text = table_csv.render(replace(good, cells=[replace(cell, outcome=outcome)]))
    assert {row["temp_c"] for row in csv.DictReader(io.StringIO(text))} == {"-4.5"}


def test_launch_of_a_sweep_names_the_run_that_it_was_of(good: CampaignResult) -> None:
    [cell] = good.cells
    assert cell.outcome is not None
    assert cell.outcome.arm is not None
    rounds = [replace(cell.outcome, arm=replace(cell.outcome.arm, run=run)) for run in ("r1", "r2")]
    swept = replace(good, cells=[replace(cell, outcome=merge(rounds))])
    lines = [json.loads(line) for line in jsonl.render(swept).splitlines()]
    assert [line["run"] for line in lines] == ["r1"] * 3 + ["r2"] * 3
