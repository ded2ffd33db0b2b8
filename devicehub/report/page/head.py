"""The page's upper part: the result in a sentence, cells by SoC, the matrix, what did not pass. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from devicehub.report.numbers import duration, vendor_words
from devicehub.report.page.text import figure, table, text
from devicehub.report.summary import by_soc, matrix, moment, worst_first
from devicehub.report.words import STATE_MARKS, STATE_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from devicehub.campaign.planned import PhoneRef
    from devicehub.campaign.result import CampaignResult, CellResult, CellState


def badge(state: CellState) -> str:
    """A state as a mark and a word, so that colour is not needed."""
    return f'<span class="badge {state}">{STATE_MARKS[state]} {STATE_WORDS[state]}</span>'


def render_head(result: CampaignResult) -> Iterator[str]:
    """Name, sentence, times and notes."""
    plan = result.plan
    state = {0: "passed", 1: "failed"}.get(result.exit, "inconclusive")
    yield f"<h1>{text(plan.name)}</h1>\n"
    virtual = " The figures are of <b>virtual phones</b>." if plan.virtual else ""
    yield f'<p class="sum {state}">{text(result.sentence[:1].upper() + result.sentence[1:])}.{virtual}</p>\n'
    took = f" to {moment(result.ended)}" if result.ended is not None else ""
    yield (
        f"<p><small>Campaign {text(plan.id)}, {text(result.state)}; {moment(plan.created)}{took}; "
        f"seed {plan.seed}; planned for {duration(plan.estimate_s)}</small>\n"
    )
    if plan.notes:
        yield "<ul>" + "".join(f"<li>{text(note)}" for note in plan.notes) + "</ul>\n"


def render_summary(result: CampaignResult) -> Iterator[str]:
    """How many cells stand how, by vendor and SoC."""
    yield "<h2 id=summary>By SoC and vendor</h2>\n"
    heads = ["Vendor", "SoC", "Phones", *(words.capitalize() for words in STATE_WORDS.values())]
    rows = []
    totals: dict[str, Counter[str]] = {}
    for row in by_soc(result):
        vendor = vendor_words(row.vendor)
        totals.setdefault(vendor, Counter()).update(row.counts)
        name = text(row.soc) + (f" <small>{text(row.name)}</small>" if row.name else "")
        rows.append([text(vendor), name, text(", ".join(row.phones)), *_counts(row.counts)])
    for vendor, counts in totals.items():
        rows.append([f"<b>{text(vendor)}</b>", "<b>all</b>", "", *_counts(counts)])
    yield table(heads, rows, "counts")


def _counts(counts: Mapping[str, int]) -> list[str]:
    return [
        f'<td class="n {state}">{counts[state]}' if counts.get(state) else figure("") for state in STATE_WORDS
    ]


def render_matrix(result: CampaignResult) -> Iterator[str]:
    """A mark a cell, variants by phones, each a link to the cell."""
    found = matrix(result)
    yield "<h2 id=matrix>Cells</h2>\n<p>"
    for state, mark in STATE_MARKS.items():
        yield f'<span class="key {state}">{mark}</span>{STATE_WORDS[state]} '
    heads = ["Model / engine / profile / workload", *(_phone(phone) for phone in found.phones)]
    rows = ([text(words), *(_mark(cell) for cell in cells)] for words, cells in found.rows)
    yield table(heads, rows, "grid").replace("<th scope=col>", "<th scope=col class=p>")


def _phone(phone: PhoneRef) -> str:
    return f"<b>{text(phone.soc or '?')}</b> {text(phone.product or '')} <small>{text(phone.serial)}</small>"


def _mark(cell: CellResult | None) -> str:
    if cell is None:
        return "<td>"
    name = f"{STATE_WORDS[cell.state]}: cell {cell.cell.number}"
    link = f'<a href="#c{cell.cell.number}" title="{name}" aria-label="{name}">{STATE_MARKS[cell.state]}</a>'
    return f'<td class="m {cell.state}">{link}'


def render_told(result: CampaignResult) -> Iterator[str]:
    """The cells that did not pass, failed ones first, each with its proof."""
    told = worst_first(result)
    if not told:
        return
    yield "<h2 id=not-passed>What did not pass</h2>\n"
    for cell in told:
        yield (
            f"<div class=note data-find>{badge(cell.state)} "
            f'<a href="#c{cell.cell.number}">{text(cell.cell.name)}</a>'
            f"{f' <small>({text(cell.reason)})</small>' if cell.reason else ''}<p>{text(cell.sentence)}"
        )
        if cell.proof:
            yield "<pre>" + "\n".join(text(line) for line in cell.proof) + "</pre>"
        if cell.remedy:
            yield f"<p>What to do: {text(cell.remedy)}"
        yield "</div>\n"
