"""A campaign's result for a terminal of 80 columns, readable without colour. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devicehub.columns import fitting, text_width, wrap_text
from devicehub.report.numbers import change, interval, limit_interval, number, percent, vendor_words
from devicehub.report.summary import by_vendor, matrix, moment, worst_first
from devicehub.report.words import FIGURE_WORDS, STATE_MARKS, STATE_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from devicehub.campaign.planned import Plan
    from devicehub.campaign.result import CampaignResult, CellResult, CellState, Front, History

WIDTH: Final = 80
_HEADS: Final = {"inconclusive": "inconcl.", "not_comparable": "not comp."}
"""What a column of nine holds."""
_SUMMARY: Final[Mapping[CellState, int]] = {
    "passed": 7,
    "failed": 8,
    "inconclusive": 9,
    "not_comparable": 10,
    "not_run": 8,
}
"""Columns of each state; what they leave is the SoC's."""
_NAMES: Final = 44
"""Columns of the matrix before its marks."""
_MOST_POINTS: Final = 12
_MOST_PROOF: Final = 3 * WIDTH
"""Of one line of proof; files have the rest."""


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
    yield from _wrap(f"Campaign {plan.name}  {plan.id}  {result.state}")
    ended = f" to {moment(result.ended)}" if result.ended is not None else ""
    yield f"{moment(plan.created)}{ended}, seed {plan.seed}"
    for note in plan.notes:
        yield from _wrap(f"note: {note}")


def _summary(result: CampaignResult) -> Iterator[str]:
    room = WIDTH - sum(_SUMMARY.values())
    yield f"{'SoC':{room}}" + "".join(
        f"{_HEADS.get(state, STATE_WORDS[state]):>{width}}" for state, width in _SUMMARY.items()
    )
    for vendor, (rows, counts) in by_vendor(result).items():
        for row in rows:
            name = f"{vendor_words(vendor)} {row.soc}" + (f" ({row.name})" if row.name else "")
            yield _fill(name, room) + _counts(row.counts)
        if len(rows) > 1:
            yield _fill(f"{vendor_words(vendor)}, all", room) + _counts(counts)


def _counts(counts: Mapping[str, int]) -> str:
    return "".join(f"{counts.get(state, 0) or '.':>{width}}" for state, width in _SUMMARY.items())


def _matrix(result: CampaignResult) -> Iterator[str]:
    """A mark a cell; the phones are numbered below, so that forty fit."""
    table = matrix(result)
    yield "".join(f"  {mark} {STATE_WORDS[state]}" for state, mark in STATE_MARKS.items()).strip()
    most = (WIDTH - _NAMES) // 4
    for first in range(0, len(table.phones), most):
        phones = table.phones[first : first + most]
        for place, phone in enumerate(phones, first + 1):
            words = f"{phone.soc or 'unknown SoC'}, {phone.product or 'unknown product'}"
            yield from _wrap(f"{phone.serial}: {words}", before=f"{place:4} ", after=" " * 5)
        yield " " * _NAMES + "".join(f"{place:4}" for place in range(first + 1, first + len(phones) + 1))
        for words, cells in table.rows:
            marks = [STATE_MARKS[cell.state] if cell else " " for cell in cells[first : first + most]]
            # Names are never cut: what tells settings of a sweep apart stands at their end.
            *begun, last = _wrap(words, after="  ", width=_NAMES)
            yield from begun
            yield (_fill(last, _NAMES) + "".join(f"{mark:>4}" for mark in marks)).rstrip()


def _figures(result: CampaignResult) -> Iterator[str]:
    """The medians of the cells that have any."""
    told = [cell for cell in result.cells if cell.figures]
    if not told:
        return
    yield f"cell {'state':>10}{'prefill':>11}{'decode':>10}{'load ms':>9}{'MiB':>7}  decode against baseline"
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
        yield from _cell(result.plan, cell)


def _cell(plan: Plan, cell: CellResult) -> Iterator[str]:
    reason = f" ({cell.reason})" if cell.reason else ""
    head = f"{STATE_MARKS[cell.state]} {STATE_WORDS[cell.state]}{reason}: "
    yield from _wrap(f"{head}{cell.cell.number}, {cell.cell.name}", after="  ")
    yield from _wrap(cell.sentence, before="  ", after="  ")
    for limit in cell.limits:
        if found := limit_interval(limit, plan.limits[limit.limit]):
            yield from _wrap(f"{STATE_MARKS[limit.state]} {limit.text}: {found}", before="  ", after="    ")
    for line in cell.proof:
        yield from _wrap(_cut(line, _MOST_PROOF), before="  | ", after="  | ")
    if cell.remedy:
        yield from _wrap(cell.remedy, before="  -> ", after="     ")
    if cell.outcome is not None and cell.outcome.moved:
        words = f"ran on {cell.outcome.phone.serial}, since its own phone had left"
        yield from _wrap(words, before="  ", after="  ")


def _front(front: Front) -> Iterator[str]:
    yield from _wrap(f"Sweep on {front.soc}: {front.model}, {front.engine or 'app'}, {front.profile}")
    yield f"    {'prefill':>9}{'decode':>9}{'MiB':>8}{'fidelity':>10}{'launches':>9}  settings"
    points = sorted(front.points, key=lambda point: (not point.on_front, -(point.decode_tok_s or 0)))
    for point in points[:_MOST_POINTS]:
        mark = "*" if point.on_front else " "
        settings = " ".join(f"{key}={value}" for key, value in point.settings.items())
        stopped = f" [{point.stopped}]" if point.stopped else ""
        figures = (
            f"  {mark} {number(point.prefill_tok_s):>9}{number(point.decode_tok_s):>9}"
            f"{number(point.peak_memory_mib):>8}{percent(point.fidelity):>10}{point.launches:>9}  "
        )
        yield from _wrap(f"{settings}{stopped}", before=figures, after=" " * len(figures))
    if len(points) > _MOST_POINTS:
        yield f"    and {len(points) - _MOST_POINTS} settings more"
    yield "  * nothing else is better in prefill, decode, memory and fidelity"


def _jumps(history: list[History]) -> Iterator[str]:
    for one in history:
        for jump in one.jumps:
            words = f"{one.soc} {one.model} {one.engine or 'app'} {one.profile} {one.workload}"
            figure = FIGURE_WORDS.get(jump.figure, jump.figure)
            yield from _wrap(
                f"jump: {words}: {figure} from {number(jump.before)} to {number(jump.after)} "
                f"({change(jump.ratio)}) with campaign {jump.campaign}",
                after="  ",
            )


def _wrap(text: str, *, before: str = "", after: str = "  ", width: int = WIDTH) -> list[str]:
    """A text of anybody's as lines of so many columns.

    Args:
        text: made plain here.
        before: what the first line begins with.
        after: what each further line begins with.
        width: of the lines.
    """
    # A figure and its % stay on one line.
    words = _plain(text).replace(" %", "\xa0%")
    first, *more = wrap_text(words, width - max(len(before), len(after)))
    return [line.replace("\xa0", " ") for line in (before + first, *(after + each for each in more))]


def _plain(text: str) -> str:
    """A text of anybody's on one line, without characters that move the cursor."""
    return "".join(char if char.isprintable() else "?" for char in text.replace("\n", " "))


def _cut(text: str, width: int) -> str:
    return text if text_width(text) <= width else f"{text[: fitting(text, width - 3)]}..."


def _fill(text: str, width: int) -> str:
    """A text in exactly so many columns, its end cut off where it is longer."""
    shown = _cut(_plain(text), width)
    return shown + " " * (width - text_width(shown))
