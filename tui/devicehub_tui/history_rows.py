"""The same thing over campaigns, as rows: its figures, those that jumped marked. Knows no Textual."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devicehub_tui import format as show
from devicehub_tui.campaign_lines import FIGURES, LESS_IS_BETTER, amount, launches
from devicehub_tui.campaign_rows import WORDS, mark
from devicehub_tui.columns import Field, Row, lay_out
from devicehub_tui.run_lines import fact, heading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devicehub.api.campaign_model import History, HistoryPoint, Jump
    from devicehub_tui.columns import Column
    from devicehub_tui.format import Cell
    from devicehub_tui.run_lines import Lines

_FIELDS: Final = (
    Field("when", "when", 1, 11),
    Field("name", "campaign", 0, 16, 30),
    Field("state", "", 2, 1),
    Field("decode_tok_s", "decode ", 3, 9, right=True),
    Field("prefill_tok_s", "prefill ", 4, 9, right=True),
    Field("load_ms", "load ms ", 6, 9, right=True),
    Field("peak_memory_mib", "MiB ", 7, 8, right=True),
    Field("jump", "jumped", 5, 18, 40),
    Field("engine", "engine", 8, 14, 40),
)
_BLOCKS: Final = "▁▂▃▄▅▆▇█"
_SHORT: Final = {
    "prefill_tok_s": "prefill",
    "decode_tok_s": "decode",
    "load_ms": "load",
    "ttft_ms": "first token",
}


def columns_for(width: int) -> list[Column]:
    """The columns that fit a window."""
    return lay_out(_FIELDS, width)


def rows(history: Sequence[History]) -> list[Row]:
    """A heading for each thing, those that jumped first; below it the campaigns, the newest first."""
    found: list[Row] = []
    for place in sorted(range(len(history)), key=lambda place: (not history[place].jumps, place)):
        of = history[place]
        found.append(Row(f"{place}", heading=_title(of)))
        found += [Row(f"{place} {number}") for number in reversed(range(len(of.points)))]
    return found


def _title(of: History) -> str:
    what = " / ".join(part for part in (of.soc, of.model, of.engine, of.profile, of.workload) if part)
    jumps = f"  {show.some(len(of.jumps), 'jump')}" if of.jumps else ""
    return f"{what}  {trend(of, 'decode_tok_s')}{jumps}"


def trend(of: History, figure: str, width: int = 24) -> str:
    """A figure over campaigns in blocks, the newest on the right; empty where fewer than two have it."""
    values = [point.figures[figure].median for point in of.points if figure in point.figures][-width:]
    if len(values) < 2:
        return ""
    low, high = min(values), max(values)
    room = max(high - low, 0.05 * high) or 1.0
    return "".join(_BLOCKS[int((value - low) / room * (len(_BLOCKS) - 1))] for value in values)


def find(history: Sequence[History], key: str) -> tuple[History, HistoryPoint | None] | None:
    """What a row is of: a thing, and unless it is a heading one campaign."""
    place, _, number = key.partition(" ")
    if not place.isdecimal() or int(place) >= len(history):
        return None
    of = history[int(place)]
    return of, of.points[int(number)] if number.isdecimal() and int(number) < len(of.points) else None


def jumps_at(of: History, point: HistoryPoint) -> list[Jump]:
    """What jumped in a campaign."""
    return [jump for jump in of.jumps if jump.campaign == point.campaign]


def cells(
    history: Sequence[History], key: str, columns: Sequence[Column], *, utc_offset_s: int
) -> list[Cell]:
    """What a campaign's row shows of a thing."""
    of, point = find(history, key) or (None, None)
    if of is None or point is None:
        return [("", "")] * len(columns)
    return [_cell(point, jumps_at(of, point), column.name, utc_offset_s) for column in columns]


def _cell(point: HistoryPoint, jumps: Sequence[Jump], name: str, utc_offset_s: int) -> Cell:
    match name:
        case "when":
            return (show.day_time(point.created, utc_offset_s), "dim")
        case "name":
            return (point.name, "")
        case "state":
            return mark(point.state)
        case "engine":
            return (point.engine_id or "·", "dim")
        case "jump":
            told = [f"{_SHORT.get(jump.figure, jump.figure)} {_sign(jump)}{_percent(jump)}" for jump in jumps]
            return (", ".join(told), _meaning(jumps[0]) if jumps else "")
        case _:
            figure = point.figures.get(name)
            jump = next((jump for jump in jumps if jump.figure == name), None)
            text = amount(name, figure.median if figure else None)
            return (
                (f"{text}{_sign(jump)}", _meaning(jump))
                if jump
                else (f"{text} ", "figure" if figure else "dim")
            )


def _sign(jump: Jump) -> str:
    return "▲" if jump.ratio > 1 else "▼"


def _percent(jump: Jump) -> str:
    return f"{(jump.ratio - 1) * 100:+.1f} %"


def _meaning(jump: Jump) -> show.Meaning:
    return "good" if (jump.ratio > 1) != (jump.figure in LESS_IS_BETTER) else "bad"


def point_lines(of: History, point: HistoryPoint | None) -> Lines:
    """What a campaign measured of a thing, and what jumped in it."""
    lines: Lines = [heading(_title(of))]
    if point is None:
        lines += [
            [(f"{title:<16}", "dim"), (trend(of, name), "figure")]
            for name, (title, _) in FIGURES.items()
            if trend(of, name)
        ]
        return lines
    sign, meaning = mark(point.state)
    lines.append(
        [
            (f"{sign} {WORDS.get(point.state, point.state)}", meaning),
            (f"  {point.name}  {point.campaign}", ""),
        ]
    )
    for jump in jumps_at(of, point):
        word = "better" if _meaning(jump) == "good" else "worse"
        title = FIGURES[jump.figure][0] if jump.figure in FIGURES else jump.figure
        lines.append(
            [
                (f"{_sign(jump)} {title} {_percent(jump)}, {word}: ", _meaning(jump)),
                (f"{amount(jump.figure, jump.before)} before, {amount(jump.figure, jump.after)} since", ""),
            ]
        )
    for name, (title, _) in FIGURES.items():
        if (figure := point.figures.get(name)) is not None:
            told = f"  {launches(figure.launches)}"
            lines.append([(f"{title:<16}", "dim"), (amount(name, figure.median), "figure"), (told, "dim")])
    if point.engine_id:
        lines.append(fact("engine", point.engine_id))
    return lines
