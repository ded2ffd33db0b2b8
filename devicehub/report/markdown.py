"""A campaign's result as Markdown, small enough for the summary of a CI step. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from devicehub.report.numbers import SHOWN, change, interval, number, percent, vendor_words
from devicehub.report.summary import by_soc, matrix, moment, phone_of, worst_first
from devicehub.report.words import FIGURE_WORDS, STATE_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from devicehub.campaign.result import CampaignResult, CellResult

MOST_BYTES: Final = 900_000
"""GitHub takes a summary of at most 1 MiB."""
_MARKS: Final = {
    "passed": "✅",
    "failed": "❌",
    "inconclusive": "❔",
    "not_comparable": "≠",
    "not_run": "⏭",
}
_SPARE: Final = 1_000
_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]()#+!|<>~@])")


def render(result: CampaignResult) -> str:
    """The whole; what would make it too long is left out, and that is said."""
    blocks: list[str] = []
    room, cut = MOST_BYTES, False
    for part in (_head, _summary, _matrix, _told, _fronts, _jumps, _figures):
        lines = list(part(result))
        if part is _told:
            # The first are the worst, so of these as many as there is room for.
            fits = _fitting(lines, room)
            lines, left = lines[:fits], len(lines) - fits
            lines += [f"\n*{left} more did not pass.*"] if left else []
            cut = cut or left > 0
        block = "\n".join(lines)
        if _size(block) > room:
            cut = True
        elif block:
            blocks.append(block)
            room -= _size(block)
    if cut:
        blocks.append("*The rest is too long for this summary; see the HTML report.*")
    return "\n\n".join(blocks) + "\n"


def _fitting(lines: Sequence[str], room: int) -> int:
    """How many of the lines fit; a little is kept for what follows."""
    taken = 0
    for place, line in enumerate(lines):
        taken += _size(line)
        if taken > room - _SPARE:
            return place
    return len(lines)


def _size(block: str) -> int:
    return len(block.encode("utf-8", "replace")) + 2


def _head(result: CampaignResult) -> Iterator[str]:
    yield f"## {_text(result.plan.name)}: {_text(result.sentence)}"
    yield ""
    virtual = "; figures of virtual phones" if result.plan.virtual else ""
    yield f"Campaign `{result.plan.id}`, {moment(result.plan.created)}, seed {result.plan.seed}{virtual}"
    for note in result.plan.notes:
        yield f"\n> {_text(note)}"


def _summary(result: CampaignResult) -> Iterator[str]:
    yield from _table(
        ["SoC", "phones", *(f"{_MARKS[state]} {words}" for state, words in STATE_WORDS.items())],
        [
            [
                _text(f"{vendor_words(row.vendor)} {row.soc}" + (f" ({row.name})" if row.name else "")),
                _text(", ".join(row.phones)),
                *(str(row.counts.get(state, 0) or "") for state in STATE_WORDS),
            ]
            for row in by_soc(result)
        ],
    )


def _matrix(result: CampaignResult) -> Iterator[str]:
    table = matrix(result)
    heads = [f"{_text(phone.soc or '?')} {_text(phone.serial)}" for phone in table.phones]
    rows = [
        [_text(words), *(f"{_MARKS[cell.state]} {STATE_WORDS[cell.state]}" if cell else "" for cell in cells)]
        for words, cells in table.rows
    ]
    yield from _table(["", *heads], rows)


def _told(result: CampaignResult) -> Iterator[str]:
    """A heading, then a block a cell, failed ones first."""
    cells = worst_first(result)
    if cells:
        yield "### Not passed"
    for cell in cells:
        yield "\n".join(_cell(cell))


def _cell(cell: CellResult) -> Iterator[str]:
    yield ""
    yield f"- **{STATE_WORDS[cell.state]}** {_text(cell.cell.name)}: {_text(cell.sentence)}"
    if cell.proof:
        yield "  <details><summary>proof</summary>"
        yield ""
        yield "  <pre>" + "\n  ".join(_html(line) for line in cell.proof) + "</pre>"
        yield "  </details>"
    if cell.remedy:
        yield f"  - {_text(cell.remedy)}"


def _figures(result: CampaignResult) -> Iterator[str]:
    told = [cell for cell in result.cells if cell.figures]
    if not told:
        return
    yield "<details><summary>Figures</summary>"
    yield ""
    heads = ["cell", "state", *(f"{word} {unit}" for _, word, unit in SHOWN), "decode against baseline"]
    yield from _table(heads, [_figure_row(cell) for cell in told])
    yield ""
    yield "</details>"


def _figure_row(cell: CellResult) -> list[str]:
    decode = cell.figures.get("decode_tok_s")
    medians = [cell.figures.get(name) for name, _, _ in SHOWN]
    return [
        _text(cell.cell.name) + (f" (ran on {_text(phone_of(cell).serial)})" if _moved(cell) else ""),
        f"{_MARKS[cell.state]} {STATE_WORDS[cell.state]}",
        *(number(figure.median if figure else None) for figure in medians),
        interval(decode) if decode else "",
    ]


def _moved(cell: CellResult) -> bool:
    return cell.outcome is not None and cell.outcome.moved


def _fronts(result: CampaignResult) -> Iterator[str]:
    for front in result.fronts:
        yield f"### Sweep on {_text(front.soc)}: {_text(front.model)}, {_text(front.engine or 'app')}"
        yield ""
        heads = ["front", "settings", "prefill tok/s", "decode tok/s", "MiB", "fidelity", "launches"]
        points = sorted(front.points, key=lambda point: (not point.on_front, -(point.decode_tok_s or 0)))
        yield from _table(
            heads,
            [
                [
                    "★" if point.on_front else _text(point.stopped or ""),
                    _text(" ".join(f"{key}={value}" for key, value in point.settings.items())),
                    number(point.prefill_tok_s),
                    number(point.decode_tok_s),
                    number(point.peak_memory_mib),
                    percent(point.fidelity),
                    str(point.launches),
                ]
                for point in points
            ],
        )
        yield ""


def _jumps(result: CampaignResult) -> Iterator[str]:
    for one in result.history:
        for jump in one.jumps:
            words = f"{one.soc} {one.model} {one.engine or 'app'} {one.profile} {one.workload}"
            figure = FIGURE_WORDS.get(jump.figure, jump.figure)
            yield (
                f"- **jump** {_text(words)}: {figure} from {number(jump.before)} to {number(jump.after)} "
                f"({change(jump.ratio)}) with campaign `{jump.campaign}`"
            )


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield "| " + " | ".join(heads) + " |"
    yield "|" + " --- |" * len(heads)
    for row in rows:
        yield "| " + " | ".join(row) + " |"


def _text(text: str) -> str:
    """A text of anybody's, so that it is only text."""
    plain = "".join(char if char.isprintable() else " " for char in text)
    escaped = _SPECIAL.sub(r"\\\1", plain).replace("&", "&amp;").replace("\\<", "&lt;").replace("\\>", "&gt;")
    # GitHub makes links of addresses by themselves.
    return escaped.replace("://", "\\://").replace("www.", "www\\.")


def _html(text: str) -> str:
    plain = "".join(char if char.isprintable() else " " for char in text)
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
