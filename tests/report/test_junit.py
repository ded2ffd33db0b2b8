"""A case of JUnit is the same one from campaign to campaign."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from junitparser import xunit2
from msgspec.structs import replace

from devicehub.report import junit
from tests.campaign.synthetic import PHONES, make_result

if TYPE_CHECKING:
    from devicehub.campaign.result import CampaignResult


def _cases(result: CampaignResult) -> list[Any]:
    reader: Any = xunit2.JUnitXml  # its types are partly wrong
    [suite] = reader.fromstring(junit.render(result).encode())
    return list(suite)


def _properties(case: Any) -> list[tuple[str, str]]:
    return [(each.name, each.value) for each in case.properties()]


def test_cases_have_names_of_their_own() -> None:
    cases = _cases(make_result(cells=24))
    assert len({(case.classname, case.name) for case in cases}) == 24


def test_moved_cell_keeps_its_names_and_tells_its_phone() -> None:
    result = make_result(cells=1, kinds=["good"])
    [cell] = result.cells
    assert cell.outcome is not None
    other = replace(PHONES[0], serial="OTHER", serialno="OTHER")
    moved = replace(result, cells=[replace(cell, outcome=replace(cell.outcome, phone=other, moved=True))])
    [before], [after] = _cases(result), _cases(moved)
    assert (after.classname, after.name) == (before.classname, before.name)
    assert ("phone", "OTHER") in _properties(after)
    assert ("phone", PHONES[0].serial) in _properties(before)


def test_address_of_a_phone_makes_no_packages() -> None:
    cases = _cases(make_result(cells=4, kinds=["good"]))
    assert [case.classname for case in cases if "192" in case.classname] == ["SM8750.192_168_1_7:5555"]


def test_case_names_all_of_its_runs_and_its_figures() -> None:
    result = make_result(cells=1, kinds=["good"])
    [cell] = result.cells
    assert cell.outcome is not None
    assert cell.outcome.arm is not None
    arm = replace(cell.outcome.arm, runs=["r8", "r9"])
    result = replace(result, cells=[replace(cell, outcome=replace(cell.outcome, arm=arm))])
    [case] = _cases(result)
    told = _properties(case)
    assert [value for name, value in told if name == "run"] == ["r1a", "r8", "r9"]
    assert ("decode_tok_s", f"{cell.figures['decode_tok_s'].median:.6g}") in told
    assert dict(told)["soc"] == "SM8650"


def test_campaign_without_cells_is_a_suite_without_cases() -> None:
    assert _cases(make_result(cells=0)) == []
