"""Runs as rows: the columns that fit, and what is in them. Knows no Textual."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devicehub_tui import format as show
from devicehub_tui.columns import Field, lay_out, shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from devicehub.api.model import RunView
    from devicehub_tui.columns import Column
    from devicehub_tui.format import Cell

_FIELDS: Final = (
    Field("when", "when", 1, 11, 16),
    Field("verdict", "ended", 0, 14, 30),
    Field("model", "model", 2, 14, 30),
    Field("phone", "phone", 4, 13, 26),
    Field("virtual", "", 5, 4, 7),
    Field("engine", "engine", 8, 12, 26),
    Field("profile", "profile", 9, 10, 18),
    Field("workload", "kind", 10, 6),
    Field("prefill", "prefill ", 7, 8, right=True),
    Field("decode", "decode ", 3, 8, right=True),
    Field("fidelity", "fid ", 6, 5, right=True),
    Field("launches", "launches", 11, 8, right=True),
    Field("protocol", "protocol", 12, 10, 16),
    Field("client", "by", 13, 8, 14),
    Field("id", "run", 14, 22),
)


def columns_for(width: int) -> list[Column]:
    """The columns that fit a window."""
    return lay_out(_FIELDS, width)


def cells(run: RunView, columns: Sequence[Column], *, utc_offset_s: int) -> list[Cell]:
    """What a run's row shows."""
    return [_CELLS[column.name](run, column.width, utc_offset_s) for column in columns]


def _fidelity(run: RunView) -> Cell:
    if run.fidelity is None:
        return show.NONE
    share = int(run.fidelity * 100 + 1e-9)
    return (f"{share}% ", "good") if share >= 99 else (f"{share}%!", "warn")


def _rate(value: float | None, run: RunView) -> Cell:
    return show.rate(value, trusted=run.trusted is not False)


def _verdict(run: RunView) -> Cell:
    if run.state == "queued":
        return (f"· queued {run.place}" if run.place else "· queued", "dim")
    return show.outcome(run)


_CELLS: Final[dict[str, Callable[[RunView, int, int], Cell]]] = {
    "when": lambda run, width, offset: (show.day_time(run.started or run.created, offset), "dim"),
    "verdict": lambda run, width, offset: _verdict(run),
    "model": lambda run, width, offset: (run.model, ""),
    "phone": lambda run, width, offset: (shorten(run.product or run.serial or "·", width), ""),
    "virtual": lambda run, width, offset: show.virtual_badge(width) if run.virtual else ("", ""),
    "engine": lambda run, width, offset: (run.engine or "·", "dim"),
    "profile": lambda run, width, offset: (run.profile or "·", "dim"),
    "workload": lambda run, width, offset: (run.workload, "dim"),
    "prefill": lambda run, width, offset: _rate(run.prefill_tok_s, run),
    "decode": lambda run, width, offset: _rate(run.decode_tok_s, run),
    "fidelity": lambda run, width, offset: _fidelity(run),
    "launches": lambda run, width, offset: (str(run.launches), "") if run.launches is not None else show.NONE,
    "protocol": lambda run, width, offset: (run.protocol or "·", "dim"),
    "client": lambda run, width, offset: (run.client or "·", "dim"),
    "id": lambda run, width, offset: (run.id, "dim"),
}
