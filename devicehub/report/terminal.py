"""A campaign's result for a terminal of 80 columns, readable without colour. Pure."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Final

from devicehub.report.numbers import change, interval, number, percent, vendor_words
from devicehub.report.summary import by_soc, matrix, moment, worst_first
from devicehub.report.words import FIGURE_WORDS, STATE_MARKS, STATE_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devicehub.campaign.result import CampaignResult, CellResult, Front, History

WIDTH: Final = 80
_HEADS: Final = {"inconclusive": "inconcl.", "not_comparable": "not comp."}
"""What a column of nine holds."""
_MOST_POINTS: Final = 12


def render(result: CampaignResult) -> str:
    """The whole report; its last line is the result in one sentence, which is never wrapped."""
    parts = [_head(result), _summary(result), _matrix(result), _figures(result), _told(result)]
    parts += [_front(front) for front in result.fronts]
    parts += [_jumps(result.history)] if result.history else []
    blocks = ["\n".join(lines) for part in parts if (lines := list(part))]
    virtual = ["The figures are of virtual phones."] if result.plan.virtual else []
    return "\n\n".join([*blocks, "\n".join([*virtual, result.sentence])]) + "\n"


def _head(result: CampaignResult) -> Iterator[str]:
    plan = result.plan
    yield from _wrap(f"Campaign {_plain(plan.name)}  {plan.id}  {result.state}")
    ended = f" to {moment(result.ended)}" if result.ended is not None else ""
    yield f"{moment(plan.created)}{ended}, seed {plan.seed}"
    for note in plan.notes:
        yield from _wrap(f"note: {_plain(note)}")


def _summary(result: CampaignResult) -> Iterator[str]:
    yield f"{'SoC':30}" + "".join(f"{_HEADS.get(state, words):>10}" for state, words in STATE_WORDS.items())
    for row in by_soc(result):
        name = f"{vendor_words(row.vendor)} {row.soc}" + (f" ({row.name})" if row.name else "")
        counts = "".join(f"{row.counts.get(state, 0) or '.':>10}" for state in STATE_WORDS)
        yield f"{_cut(_plain(name), 30):30}{counts}"


def _matrix(result: CampaignResult) -> Iterator[str]:
    """A mark a cell; the phones are numbered below, so that forty fit."""
    table = matrix(result)
    yield "".join(f"  {mark} {STATE_WORDS[state]}" for state, mark in STATE_MARKS.items()).strip()
    most = max(1, (WIDTH - 44) // 4)
    for first in range(0, len(table.phones), most):
        phones = table.phones[first : first + most]
        for place, phone in enumerate(phones, first + 1):
            words = f"{phone.soc or 'unknown SoC'}, {phone.product or 'unknown product'}"
            yield _cut(f"{place:4} {_plain(phone.serial)}: {_plain(words)}", WIDTH)
        yield " " * 44 + "".join(f"{place:4}" for place in range(first + 1, first + len(phones) + 1))
        for words, cells in table.rows:
            marks = [STATE_MARKS[cell.state] if cell else " " for cell in cells[first : first + most]]
            yield f"{_cut(_plain(words), 44):44}" + "".join(f"{mark:>4}" for mark in marks)


def _figures(result: CampaignResult) -> Iterator[str]:
    """The medians of the cells that have any."""
    told = [cell for cell in result.cells if cell.figures]
    if not told:
        return
    yield f"{'':>4} {'median':>10}{'prefill':>11}{'decode':>10}{'load ms':>9}{'MiB':>7}  against baseline"
    for cell in told:
        values = [cell.figures.get(name) for name in ("prefill_tok_s", "decode_tok_s", "load_ms")]
        memory = cell.figures.get("peak_memory_mib")
        columns = [number(value.median if value else None) for value in values]
        decode = cell.figures.get("decode_tok_s")
        against = interval(decode) if decode else ""
        yield (
            f"{cell.cell.number:4} {_HEADS.get(cell.state, STATE_WORDS[cell.state]):>10}"
            f"{columns[0]:>11}{columns[1]:>10}{columns[2]:>9}{number(memory.median if memory else None):>7}"
            f"  {against}"
        ).rstrip()


def _told(result: CampaignResult) -> Iterator[str]:
    for cell in worst_first(result):
        yield from _cell(cell)


def _cell(cell: CellResult) -> Iterator[str]:
    reason = f" ({cell.reason})" if cell.reason else ""
    yield from _wrap(
        f"{STATE_MARKS[cell.state]} {STATE_WORDS[cell.state]}{reason}: {_plain(cell.cell.name)}",
        after="  ",
    )
    yield from _wrap(f"  {_plain(cell.sentence)}", after="  ")
    for line in cell.proof:
        yield from _wrap(f"  | {_plain(line)}", after="  | ")
    if cell.remedy:
        yield from _wrap(f"  -> {_plain(cell.remedy)}", after="     ")
    if cell.outcome is not None and cell.outcome.moved:
        yield f"  ran on {_plain(cell.outcome.phone.serial)}, since its own phone had left"


def _front(front: Front) -> Iterator[str]:
    yield from _wrap(f"Sweep on {front.soc}: {front.model}, {front.engine or 'app'}, {front.profile}")
    yield f"  {'':1} {'prefill':>9}{'decode':>9}{'MiB':>8}{'fidelity':>10}{'launches':>9}  settings"
    points = sorted(front.points, key=lambda point: (not point.on_front, -(point.decode_tok_s or 0)))
    for point in points[:_MOST_POINTS]:
        mark = "*" if point.on_front else " "
        settings = " ".join(f"{key}={value}" for key, value in point.settings.items())
        stopped = f" [{point.stopped}]" if point.stopped else ""
        yield from _wrap(
            f"  {mark} {number(point.prefill_tok_s):>9}{number(point.decode_tok_s):>9}"
            f"{number(point.peak_memory_mib):>8}{percent(point.fidelity):>10}{point.launches:>9}"
            f"  {_plain(settings)}{stopped}",
            after=" " * 51,
        )
    if len(points) > _MOST_POINTS:
        yield f"    and {len(points) - _MOST_POINTS} settings more"
    yield "  * nothing else is better in prefill, decode, memory and fidelity"


def _jumps(history: list[History]) -> Iterator[str]:
    for one in history:
        for jump in one.jumps:
            words = f"{one.soc} {one.model} {one.engine or 'app'} {one.profile} {one.workload}"
            figure = FIGURE_WORDS.get(jump.figure, jump.figure)
            yield from _wrap(
                f"jump: {_plain(words)}: {figure} from {number(jump.before)} to {number(jump.after)} "
                f"({change(jump.ratio)}) with campaign {jump.campaign}",
                after="  ",
            )


def limit_lines(cell: CellResult) -> Iterator[str]:
    """Each limit of a cell with what was found."""
    for limit in cell.limits:
        yield f"{limit.text}: {STATE_WORDS[limit.state]}; {_plain(limit.sentence)}"


def _wrap(text: str, after: str = "  ") -> list[str]:
    return textwrap.wrap(
        text, WIDTH, subsequent_indent=after, break_on_hyphens=False, replace_whitespace=False
    ) or [""]


def _plain(text: str) -> str:
    """A text of anybody's on one line, without characters that move the cursor."""
    return "".join(char if char.isprintable() else "?" for char in text.replace("\n", " "))


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 3]}..."
