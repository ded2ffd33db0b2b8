"""Fronts of sweeps, and the history over campaigns. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devicehub.report.numbers import change, number, percent
from devicehub.report.page.chart import draw_front, draw_line
from devicehub.report.page.text import figure, table, text
from devicehub.report.words import FIGURE_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from devicehub.campaign.result import CampaignResult, Front, FrontPoint, History

_ALWAYS: Final = ("prefill_tok_s", "decode_tok_s")
"""Figures whose course is drawn without a jump, too; of many things only the last."""
_MANY: Final = 100


def render_fronts(result: CampaignResult) -> Iterator[str]:
    """Each sweep: its settings by prefill and decode, and as a table."""
    if not result.fronts:
        return
    yield "<h2 id=sweeps>Sweeps</h2>\n"
    for front in result.fronts:
        parts = (front.soc, front.model, front.engine or "app", front.profile, front.workload)
        yield f"<h3>{text(' / '.join(parts))}</h3>"
        known = [
            (point.decode_tok_s, point.prefill_tok_s, point.on_front)
            for point in front.points
            if point.decode_tok_s is not None and point.prefill_tok_s is not None
        ]
        if known:
            yield draw_front(known, FIGURE_WORDS["decode_tok_s"], FIGURE_WORDS["prefill_tok_s"])
        heads = ["Front", "Settings", "Prefill", "Decode", "MiB", "Fidelity", "Launches", "Stopped"]
        yield table(heads, (_point(point) for point in _ordered(front)), "sort wide")
    yield (
        "<p><small>Beside one on the front (*, round) no setting is better in one figure and not worse in "
        "the others.</small>\n"
    )


def _ordered(front: Front) -> list[FrontPoint]:
    return sorted(front.points, key=lambda point: (not point.on_front, -(point.decode_tok_s or 0)))


def _point(point: FrontPoint) -> Iterator[str]:
    yield "*" if point.on_front else ""
    yield text(" ".join(f"{key}={value}" for key, value in point.settings.items()))
    for value in (point.prefill_tok_s, point.decode_tok_s, point.peak_memory_mib):
        yield figure(number(value))
    yield figure(percent(point.fidelity))
    yield figure(str(point.launches))
    yield text(point.stopped or "")


def render_history(result: CampaignResult) -> Iterator[str]:
    """The course of each thing over campaigns, with its jumps."""
    if not result.history:
        return
    yield (
        "<h2 id=history>Over campaigns</h2>\n"
        "<p><small>The same SoC, model, engine and profile, oldest first; a marked point left what its "
        "launches and the campaigns before explain. Nothing is judged by it.</small>\n"
    )
    heads = ["What", "Figure", "Course", "Campaigns", "Last", "Jumps"]
    always = _ALWAYS[-1:] if len(result.history) > _MANY else _ALWAYS
    rows = (row for one in result.history for row in _history(one, always))
    yield table(heads, rows, "sort", searched=True)


def _history(one: History, always: Sequence[str]) -> Iterator[list[str]]:
    parts = (one.soc, one.model, one.engine or "app", one.profile, one.workload)
    jumped = {jump.figure for jump in one.jumps}
    for name in FIGURE_WORDS:
        known = [point for point in one.points if name in point.figures]
        if len(known) < 2 or (name not in always and name not in jumped):
            continue
        jumps = [jump for jump in one.jumps if jump.figure == name]
        places = [
            place
            for place, point in enumerate(known)
            if any(jump.campaign == point.campaign for jump in jumps)
        ]
        told = (f"{change(jump.ratio)} with {jump.campaign}" for jump in jumps)
        values = [point.figures[name].median for point in known]
        yield [
            text(" / ".join(parts)),
            f"<td class=k>{FIGURE_WORDS[name]}",
            f"<td>{draw_line(values, places)}",
            figure(str(len(known))),
            figure(number(values[-1])),
            text("; ".join(told)),
        ]
