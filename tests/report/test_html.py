"""The page that goes by mail: small, whole, asks nobody, and shows no markup of anybody's."""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from devicehub.campaign.judge import judge_campaign
from devicehub.report.html import render
from tests.campaign.synthetic import make_outcomes, make_plan, make_result

if TYPE_CHECKING:
    from devicehub.campaign.result import CampaignResult

_MOST_BYTES = 3_000_000
_ENDED_BY_OTHERS = {"p", "li", "tr", "td", "th", "thead", "tbody", "meta", "html", "br", "input", "path"}
"""Elements whose end tag HTML leaves out, or that have none."""
_HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\u202e\x1b]0;x\x07\ud800"


class _Reader(HTMLParser):
    """Counts elements, checks that the others nest, and keeps what is seen."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: Counter[str] = Counter()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements[tag] += 1
        known = dict(attrs)
        assert len(known) == len(attrs), (tag, attrs)
        assert not any(name.startswith("on") or name == "style" for name in known), (tag, attrs)
        assert not {"src", "action", "srcset", "data", "background"} & known.keys(), (tag, attrs)
        self.ids += [known["id"]] if known.get("id") else []  # type: ignore[list-item]
        self.links += [known["href"]] if known.get("href") else []  # type: ignore[list-item]
        if tag not in _ENDED_BY_OTHERS:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements[tag] += 1

    def handle_endtag(self, tag: str) -> None:
        if tag not in _ENDED_BY_OTHERS:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in ("script", "style"):
            self.seen.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.seen).split())


def _read(page: str) -> _Reader:
    reader = _Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader


def test_page_is_whole_and_links_only_within_itself() -> None:
    result = make_result(cells=48, earlier=2)
    reader = _read(render(result))
    assert len(set(reader.ids)) == len(reader.ids)
    assert {f"c{cell.cell.number}" for cell in result.cells} <= set(reader.ids)
    assert reader.links
    assert all(link[0] == "#" and link[1:] in reader.ids for link in reader.links)
    assert not re.search(r"https?:|url\(|@import", render(result))


def test_tells_what_a_reader_must_know() -> None:
    result = make_result(cells=24, earlier=4)
    page = _read(render(result)).text
    assert result.sentence[1:] in page
    for cell in result.cells:
        assert cell.sentence in page
    for words in (
        "What to do: try backend_type cpu",
        "Snapdragon 8 Gen 3",
        "MediaTek",
        "-11.",
        "virtual phones",
    ):
        assert words in page
    for head in ("By SoC and vendor", "Beside the baseline", "Sweeps", "Over campaigns", "Each cell"):
        assert head in page


def test_every_launch_is_there_raw() -> None:
    result = make_result(cells=3, launches=3, kinds=["good"])
    page = render(result)
    arms = [
        arm for cell in result.cells if cell.outcome for arm in (cell.outcome.arm, cell.outcome.base) if arm
    ]
    assert sum(len(arm.launches) for arm in arms) == 3 * 2 * 4
    for arm in arms:
        for launch in arm.launches:
            assert launch.decode_tok_s is None or f"<td>{launch.decode_tok_s:.4g}<td>" in page
    assert page.count("<td>a warm-up") == 6


def test_500_cells_of_12_launches_go_by_mail() -> None:
    page = render(make_result(cells=500, launches=12))
    assert len(page.encode()) < _MOST_BYTES
    assert page.count("<details id=c") == 500
    assert page.count("<td>a warm-up") > 500


def _hostile() -> CampaignResult:
    """A campaign in which every text of others is an attack."""
    plan = make_plan(cells=8)
    cells = tuple(
        replace(
            cell,
            name=f"{cell.number} {_HOSTILE}",
            phone=replace(cell.phone, product=_HOSTILE, serial=_HOSTILE, soc=_HOSTILE, soc_name=_HOSTILE),
            variant=replace(
                cell.variant,
                model=replace(cell.variant.model, name=_HOSTILE),
                profile=_HOSTILE,
                settings={_HOSTILE: _HOSTILE},
            ),
            left_out_why=_HOSTILE if cell.left_out else None,
            left_out=_HOSTILE if cell.left_out else None,
        )
        for cell in plan.cells
    )
    phones = tuple(
        replace(phone, product=_HOSTILE, serial=_HOSTILE, soc=_HOSTILE, vendor=_HOSTILE)
        for phone in plan.phones
    )
    limits = tuple(replace(limit, text=_HOSTILE) for limit in plan.limits)
    outcomes = {
        number: replace(
            outcome,
            arm=outcome.arm
            and replace(
                outcome.arm,
                run=_HOSTILE,
                cause=outcome.arm.cause and _HOSTILE,
                evidence=[_HOSTILE],
                remedy=_HOSTILE,
                flags=[_HOSTILE],
                trust_reasons=[_HOSTILE],
                conditions={_HOSTILE: _HOSTILE},
                config={_HOSTILE: _HOSTILE},
                launches=[replace(launch, why_not=_HOSTILE) for launch in outcome.arm.launches],
            ),
            problem=outcome.problem and _HOSTILE,
            why=_HOSTILE,
            moved=True,
        )
        for number, outcome in make_outcomes(plan).items()
    }
    hostile = replace(
        plan, id=_HOSTILE, name=_HOSTILE, cells=cells, phones=phones, limits=limits, notes=(_HOSTILE,)
    )
    return judge_campaign(hostile, outcomes, state="ended")


def test_markup_of_others_is_text() -> None:
    page = render(_hostile())
    page.encode()  # without the surrogate, which no file can hold
    reader = _read(page)
    assert reader.elements["script"] == 1
    assert reader.elements["img"] == 0
    assert reader.elements["title"] == 1
    assert "<img src=x onerror=alert(2)>" in reader.text
    assert not {"\u202e", "\x1b", "\x07"} & set(page)


@pytest.mark.parametrize("kinds", [["left_out"], ["phone_away"], ["suite"], ["eval"], ["lost"]])
def test_campaign_without_figures_or_pairs(kinds: list[str]) -> None:
    result = make_result(cells=2, launches=1, kinds=kinds)
    reader = _read(render(result))
    assert result.cells[0].sentence in reader.text


def test_cell_tells_the_conditions_in_which_it_was_otherwise() -> None:
    plan = make_plan(cells=12, kinds=["suite"])
    outcomes = make_outcomes(plan, kinds=["suite"])
    arm = outcomes[5].arm
    assert arm is not None
    warm = replace(arm, conditions={**arm.conditions, "temperature at the start": "39.5 °C (skin)"})
    outcomes[5] = replace(outcomes[5], arm=warm)
    page = render(judge_campaign(plan, outcomes, state="ended"))
    assert page.count("39.5 °C") == 1
    assert page.count("31.0 °C (skin)") == 4  # once a phone


def test_page_without_scripts_hides_nothing() -> None:
    page = render(make_result(cells=4))
    style = page.partition("<style>")[2].partition("</style>")[0]
    hidden = re.findall(r"([^{}]+)\{[^{}]*display:none", style)
    assert [selector.strip() for selector in hidden] == [".hide", ".needs", ".needs"]
    body = page.partition("</style>")[2]
    assert 'class="hide' not in body
    assert body.count("class=needs") == 1  # the search


def test_answers_and_accuracy_are_told_with_what_was_said() -> None:
    result = make_result(cells=2, kinds=["suite_failed", "eval"])
    page = render(result)
    seen = _read(page).text
    assert "Paris is the capital of France." in seen
    assert "I cannot &lt;answer&gt;" in page
    assert "Accuracy 52.5 % (95 %: 37.5 % to 67 %): 21 of 40 right" in seen
    assert "Perplexity 14.2" in seen


def test_answer_that_never_ends_is_cut() -> None:
    plan = make_plan(cells=1, kinds=["suite"])
    outcomes = make_outcomes(plan, kinds=["suite"])
    suite = outcomes[1].suite
    assert suite is not None
    endless = [replace(each, text="again and " * 100_000) for each in suite.answers]
    outcomes[1] = replace(outcomes[1], suite=replace(suite, answers=endless))
    assert len(render(judge_campaign(plan, outcomes, state="ended"))) < 50_000
