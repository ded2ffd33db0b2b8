"""Campaigns as rows, and the marks of their cells. Knows no Textual."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devicehub_tui import format as show
from devicehub_tui.columns import Field, lay_out

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from devicehub.api.campaign_model import CampaignView
    from devicehub_tui.columns import Column
    from devicehub_tui.format import Cell, Meaning

MARKS: Final[dict[str, Cell]] = {
    "passed": ("+", "good"),
    "failed": ("X", "bad"),
    "inconclusive": ("?", "warn"),
    "not_comparable": ("/", "warn"),
    "not_run": ("-", "dim"),
    "running": (">", "busy"),
    "waiting": (".", "dim"),
}
"""How cells stand, one sign each, the same as in reports, so that a matrix reads without colours."""
WORDS: Final = {state: state.replace("_", " ") for state in MARKS}
_UNENDED: Final = ("running", "waiting")
_STATES: Final[dict[str, Cell]] = {
    "running": ("▶ running", "busy"),
    "stopped": ("- stopped", "warn"),
    "ended": ("✓ ended", "good"),
}
_EXITS: Final[dict[int | None, Cell]] = {0: ("+ passed", "good"), 1: ("X failed", "bad")}
_UNDECIDED: Final[Cell] = ("? undecided", "warn")
_FIELDS: Final = (
    Field("state", "state", 0, 11),
    Field("name", "campaign", 1, 13, 30),
    Field("bar", "progress", 4, 8, 16),
    Field("done", "cells ", 2, 9, right=True),
    Field("counts", "how they stand", 3, 20, 32),
    Field("virtual", "", 8, 4, 7),
    Field("eta", "left ", 5, 11, right=True),
    Field("when", "begun", 6, 11),
    Field("sentence", "in words", 7, 24, 90),
    Field("id", "id", 9, 22),
)


def columns_for(width: int) -> list[Column]:
    """The columns that fit a window."""
    return lay_out(_FIELDS, width)


def cells(view: CampaignView, columns: Sequence[Column], *, utc_offset_s: int) -> list[Cell]:
    """What a campaign's row shows."""
    return [_cell(view, column, utc_offset_s) for column in columns]


def _cell(view: CampaignView, column: Column, utc_offset_s: int) -> Cell:
    match column.name:
        case "state":
            return state(view)
        case "name":
            return (view.name, "title")
        case "bar":
            return (show.bar(done(view), view.cells, column.width), "busy")
        case "done":
            return (f"{done(view)}/{view.cells} ", "")
        case "counts":
            return (" ".join(text for text, _ in marks(view.counts)), "")
        case "virtual":
            return show.virtual_badge(column.width) if view.virtual else ("", "")
        case "eta":
            return (f"{left(view)} ", "dim")
        case "when":
            return (show.day_time(view.created, utc_offset_s), "dim")
        case "sentence":
            return (view.waits_for or view.sentence, "warn" if view.waits_for else "dim")
        case _:
            return (view.id, "dim")


def state(view: CampaignView) -> Cell:
    """How a campaign is; of one that ended what its exit status would say."""
    if view.state == "ended":
        return _STATES["ended"] if view.exit is None else _EXITS.get(view.exit, _UNDECIDED)
    return _STATES[view.state]


def done(view: CampaignView) -> int:
    """How many of its cells have come to an end."""
    return sum(number for name, number in view.counts.items() if name not in _UNENDED)


def left(view: CampaignView) -> str:
    """How long it will take still, about; blank where it is not running, `·` where that is not known."""
    if view.state != "running":
        return ""
    if view.eta_s is None:
        return "·"
    if view.eta_s < 60:
        return "< 1 min"
    minutes = round(view.eta_s / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02} min"


def marks(counts: Mapping[str, int]) -> list[Cell]:
    """`+12`, `X2`: the cells of each standing, those of which there are none left out."""
    return [(f"{sign}{counts[name]}", meaning) for name, (sign, meaning) in MARKS.items() if counts.get(name)]


def mark(name: str) -> Cell:
    """The sign of a standing."""
    unknown: tuple[str, Meaning] = (name[:1], "")
    return MARKS.get(name, unknown)
