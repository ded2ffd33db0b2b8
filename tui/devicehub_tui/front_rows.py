"""What sweeps found, as rows and as a small plot: the settings of each SoC, the front's first.

Knows no Textual.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devicehub_tui.campaign_grid import settings_text
from devicehub_tui.campaign_lines import amount, launches
from devicehub_tui.columns import Field, Row, lay_out
from devicehub_tui.run_lines import fact, heading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devicehub.api.campaign_model import Front, FrontPoint
    from devicehub_tui.columns import Column
    from devicehub_tui.format import Cell
    from devicehub_tui.run_lines import Lines

FRONT: Final = "*"
_FIELDS: Final = (
    Field("front", "", 0, 7),
    Field("settings", "settings", 1, 24, 60),
    Field("prefill_tok_s", "prefill ", 3, 8, right=True),
    Field("decode_tok_s", "decode ", 2, 8, right=True),
    Field("peak_memory_mib", "MiB ", 4, 7, right=True),
    Field("fidelity", "fid ", 5, 7, right=True),
    Field("launches", "launches ", 7, 9, right=True),
    Field("stopped", "given up", 6, 10, 14),
)
_AXIS: Final = 9


def columns_for(width: int) -> list[Column]:
    """The columns that fit a window."""
    return lay_out(_FIELDS, width)


def rows(fronts: Sequence[Front]) -> list[Row]:
    """A heading for each SoC; below it the front, the fastest in decode first, then what it beats."""
    found: list[Row] = []
    for place, front in enumerate(fronts):
        found.append(Row(f"{place}", heading=_title(front)))
        points = sorted(
            front.points,
            key=lambda one: (not one.on_front, one.stopped is not None, -(one.decode_tok_s or 0), one.cell),
        )
        found += [Row(f"{place} {point.cell}") for point in points]
    return found


def _title(front: Front) -> str:
    chosen = sum(point.on_front for point in front.points)
    what = " / ".join(part for part in (front.model, front.engine, front.profile, front.workload) if part)
    share = f"{chosen} of {len(front.points)} settings on the front"
    return f"{front.soc}, {share}: {what}, on {', '.join(front.phones)}"


def find(fronts: Sequence[Front], key: str) -> tuple[Front, FrontPoint | None] | None:
    """What a row is of: a front, and unless it is a heading one of its points."""
    place, _, cell = key.partition(" ")
    if not place.isdecimal() or int(place) >= len(fronts):
        return None
    front = fronts[int(place)]
    return front, next((point for point in front.points if str(point.cell) == cell), None)


def cells(fronts: Sequence[Front], key: str, columns: Sequence[Column]) -> list[Cell]:
    """What a point's row shows."""
    found = find(fronts, key)
    point = found[1] if found else None
    return [_cell(point, column.name) if point else ("", "") for column in columns]


def _cell(point: FrontPoint, name: str) -> Cell:
    match name:
        case "front":
            return (f"{FRONT} front", "good") if point.on_front else ("", "")
        case "settings":
            return (settings_text(point.settings) or "as the profile says", "" if point.on_front else "dim")
        case "launches":
            return (f"{point.launches} ", "dim")
        case "stopped":
            return (point.stopped or "", "bad" if point.stopped in ("wrong", "failed") else "dim")
        case _:
            value: float | None = getattr(point, name)
            return (f"{amount(name, value)} ", "figure" if point.on_front else "")


def point_lines(front: Front, point: FrontPoint | None, width: int, height: int) -> Lines:
    """A point, and where it lies among the others of its SoC."""
    lines: Lines = [heading(_title(front))]
    if point is not None:
        word = "on the front: nothing beats it" if point.on_front else "beaten by the front"
        lines.append(
            [
                (f"{FRONT if point.on_front else 'o'} {settings_text(point.settings)}", "figure"),
                (f"  {word}", ""),
            ]
        )
        if point.stopped:
            lines.append(fact("given up", f"{point.stopped}, after {launches(point.launches)}"))
    return [*lines, *scatter(front, point, width, max(4, height - len(lines) - 2))]


def scatter(front: Front, chosen: FrontPoint | None, width: int, height: int) -> Lines:
    """Prefill over decode: `*` is on the front, `o` is beaten, `#` is the chosen one."""
    known = [
        (point.decode_tok_s, point.prefill_tok_s, point)
        for point in front.points
        if point.decode_tok_s is not None and point.prefill_tok_s is not None
    ]
    if len(known) < 2:
        return []
    across, up = [x for x, _, _ in known], [y for _, y, _ in known]
    width = max(10, width - _AXIS - 2)
    signs = [[" "] * width for _ in range(height)]
    for x, y, point in sorted(known, key=lambda one: (one[2] == chosen, one[2].on_front)):
        sign = "#" if point == chosen else FRONT if point.on_front else "o"
        signs[height - 1 - _place(y, up, height)][_place(x, across, width)] = sign
    edges = {0: f"{max(up):.1f}", height - 1: f"{min(up):.1f}"}
    lines: Lines = [
        [(f"{edges.get(row, ''):>{_AXIS - 1}} │", "dim"), ("".join(line), "figure")]
        for row, line in enumerate(signs)
    ]
    least, most = f"{min(across):.2f}", f"{max(across):.2f} decode tok/s"
    lines.append([(" " * _AXIS + "└" + f"{least}{most:>{max(0, width - len(least))}}", "dim")])
    lines.append([(" " * _AXIS + " up: prefill tok/s   * front  o beaten  # chosen", "dim")])
    return lines


def _place(value: float, values: Sequence[float], room: int) -> int:
    low, high = min(values), max(values)
    return round((value - low) / (high - low) * (room - 1)) if high > low else room // 2
