"""Campaigns as lines of text, at most 80 columns where names allow. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from devicehub.units import format_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from devicehub.api.campaign_model import CampaignPlanView, CampaignView, CellView

STATES: Final = {
    "passed": "passed",
    "failed": "failed",
    "inconclusive": "inconclusive",
    "not_comparable": "not comparable",
    "not_run": "not run",
    "running": "running",
    "waiting": "waiting",
}


def plan_lines(plan: CampaignPlanView) -> Iterator[str]:
    """What a campaign would do: cells, order, bytes, time, and what is left out with its reason."""
    names = {cell.number: cell.name for cell in plan.cells}
    kept = [cell for cell in plan.cells if cell.left_out is None]
    yield f"{plan.name}: {len(kept)} of {len(plan.cells)} cells, seed {plan.seed}"
    for note in plan.notes:
        yield f"note: {note}"
    against = Counter(cell.against for cell in kept if cell.against)
    for said, count in against.items():
        yield f"against {said}: {_cells(count)}"
    for serial, numbers in plan.order.items():
        yield ""
        time_s = sum(cell.estimate_s for cell in kept if cell.serial == serial)
        yield f"{serial}: {_cells(len(numbers))}, about {format_duration(time_s)}, in this order"
        for number in numbers:
            yield f"  {number:4}  {names[number]}"
        pushes = [push for push in plan.pushes if push.serial == serial]
        if pushes:
            told = ", ".join(f"{push.kind} {push.name} {format_bytes(push.size)}" for push in pushes)
            yield f"  to push, at most {format_bytes(sum(push.size for push in pushes))}: {told}"
        else:
            yield "  nothing to push"
    left = [cell for cell in plan.cells if cell.left_out is not None]
    if left:
        yield ""
        yield f"left out: {_cells(len(left))}"
        for cell in left:
            yield f"  {cell.number:4}  {cell.name}"
            yield f"        {cell.left_out}"
    yield ""
    yield f"about {format_duration(plan.estimate_s)} in all, gates apart: the phones work side by side"


def _cells(count: int) -> str:
    return "1 cell" if count == 1 else f"{count} cells"


def list_rows(campaigns: Sequence[CampaignView], when: Sequence[str | None]) -> list[list[str]]:
    """A row a campaign: id, name, state, when it began, cells, how it stands."""
    return [
        [view.id, view.name, view.state, begun or "", str(view.cells), view.sentence]
        for view, begun in zip(campaigns, when, strict=True)
    ]


def progress_line(view: CampaignView) -> str:
    """How far one is, for a line that is drawn again and again."""
    counts = ", ".join(
        f"{count} {STATES.get(state, state)}" for state, count in view.counts.items() if state != "waiting"
    )
    done = view.cells - view.counts.get("waiting", 0) - view.counts.get("running", 0)
    eta = f", about {format_duration(view.eta_s)} to go" if view.eta_s else ""
    waits = f"; {view.waits_for}" if view.waits_for else ""
    return f"{done} of {view.cells} cells{f' ({counts})' if counts else ''}{eta}{waits}"


def cell_line(cell: CellView) -> str:
    """A cell that has its end: its state, its name, why, and the figures."""
    figures = []
    for name, unit in (("prefill_tok_s", "prefill"), ("decode_tok_s", "decode")):
        if (figure := cell.figures.get(name)) is not None:
            ratio = f" x{figure.ratio:.3f}" if figure.ratio is not None else ""
            figures.append(f"{unit} {figure.median:.4g} tok/s{ratio}")
    said = f": {cell.sentence}" if cell.sentence and cell.state != "passed" else ""
    told = f" ({', '.join(figures)})" if figures else ""
    return f"{STATES[cell.state]:14} {cell.name}{told}{said}"


def format_duration(seconds: float) -> str:
    """`40 s`, `12 min`, `3.5 h`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
