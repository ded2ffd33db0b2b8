"""The summary of a CI step: where it must be cut, what failed is told first."""

from __future__ import annotations

from msgspec.structs import replace

from devicehub.report import markdown
from tests.campaign.synthetic import make_result


def test_what_failed_is_told_as_far_as_there_is_room() -> None:
    result = make_result(cells=24, launches=2)
    long = [replace(cell, proof=["<" * 10_000] * 12) for cell in result.cells]
    text = markdown.render(replace(result, cells=long))
    assert 400_000 < len(text.encode()) <= markdown.MOST_BYTES + 1_000
    failed = [cell for cell in result.cells if cell.state == "failed"]
    assert 0 < text.count("\n- **failed**") <= len(failed)
    assert text.count("<details>") == text.count("</details>") == text.count("</pre>") + ("Figures<" in text)
    assert "more did not pass.*" in text
    assert text.endswith("*The rest is too long for this summary; see the HTML report.*\n")


def test_short_campaign_is_told_whole() -> None:
    result = make_result(cells=24)
    text = markdown.render(result)
    assert text.count("\n- **") == sum(cell.state != "passed" for cell in result.cells)
    assert "too long" not in text
    assert "<details><summary>Figures</summary>" in text


def test_address_that_a_model_says_is_no_link() -> None:
    [cell] = make_result(cells=1, kinds=["crashed"]).cells
    told = replace(cell, sentence="see https://evil.example and www.evil.example")
    text = markdown.render(replace(make_result(cells=1), cells=[told]))
    assert r"see https\://evil.example and www\.evil.example" in text
