"""From what is concluded of campaigns to what clients are shown."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal, cast

from devicehub.api.campaign_model import (
    CampaignPlanView,
    CampaignView,
    CellPlanView,
    CellView,
    PushView,
)

if TYPE_CHECKING:
    from devicehub.api.campaign_model import CellStanding
    from devicehub.campaign.planned import Cell, Plan, Variant
    from devicehub.campaign.progress import Progress
    from devicehub.campaign.result import CampaignResult, CellResult
    from devicehub.store.model import CampaignRow

_State = Literal["running", "stopped", "ended"]


def campaign_view(progress: Progress, result: CampaignResult, *, waits_for: str | None) -> CampaignView:
    """A campaign as lists show it."""
    row, open_cells = progress.row, {attempt.cell for attempt in progress.open()}
    standing = Counter(standing_of(progress, cell, open_cells) for cell in result.cells)
    is_running = row.state == "running"
    done = sum(standing.values()) - standing["waiting"] - standing["running"]
    sentence = result.sentence
    if is_running:
        under_way = f", {standing['running']} under way" if standing["running"] else ""
        sentence = f"{done} of {len(result.cells)} cells are done{under_way}"
    return CampaignView(
        id=row.id,
        name=row.name,
        state=cast("_State", row.state),
        created=row.created,
        ended=row.ended,
        cells=len(result.cells),
        counts={name: count for name, count in standing.items() if count},
        eta_s=_eta_s(progress) if is_running else None,
        sentence=sentence,
        exit=None if is_running else result.exit,
        waits_for=waits_for,
        virtual=progress.plan.virtual,
    )


def unread_view(row: CampaignRow, why: str) -> CampaignView:
    """A campaign of which the plan cannot be read, as lists show it."""
    return CampaignView(
        id=row.id,
        name=row.name,
        state=cast("_State", row.state),
        created=row.created,
        ended=row.ended,
        sentence=why,
    )


def _eta_s(progress: Progress) -> float:
    """Of the phone that has most to do."""
    times = {
        serialno: sum(
            progress.cells[number].estimate_s for number in numbers if number not in progress.outcomes
        )
        for serialno, numbers in progress.plan.order.items()
    }
    return max(times.values(), default=0.0)


def standing_of(progress: Progress, result: CellResult, open_cells: set[int]) -> CellStanding:
    """How a cell stands."""
    number = result.cell.number
    if number in open_cells:
        return "running"
    is_waiting = number not in progress.outcomes and result.cell.left_out is None
    return "waiting" if is_waiting and progress.row.state == "running" else result.state


def cell_view(progress: Progress, result: CellResult, open_cells: set[int]) -> CellView:
    """One cell."""
    cell, outcome = result.cell, result.outcome
    phone = outcome.phone if outcome else cell.phone
    attempts = progress.attempts.get(cell.number, [])
    standing = standing_of(progress, result, open_cells)
    return CellView(
        number=cell.number,
        name=cell.name,
        serial=phone.serial,
        product=phone.product,
        vendor=phone.vendor,
        soc=phone.soc,
        model=cell.variant.model.name,
        engine=cell.variant.engine.name if cell.variant.engine else None,
        profile=cell.variant.profile,
        workload=cell.workload,
        suite=cell.suite,
        settings=cell.variant.settings,
        state=standing,
        reason=result.reason if standing not in ("waiting", "running") else None,
        sentence=result.sentence if standing not in ("waiting", "running") else "",
        moved=bool(outcome and outcome.moved),
        attempt=len(attempts),
        runs=list(attempts[-1].runs) if attempts else [],
        figures=result.figures,
        fidelity=outcome.arm.fidelity if outcome and outcome.arm else None,
    )


def plan_view(plan: Plan) -> CampaignPlanView:
    """What a campaign would do."""
    serials = {phone.serialno: phone.serial for phone in plan.phones}
    return CampaignPlanView(
        name=plan.name,
        cells=[_cell_plan(cell) for cell in plan.cells],
        order={serials[serialno]: numbers for serialno, numbers in plan.order.items()},
        pushes=[
            PushView(serial=serials[push.serialno], kind=push.kind, name=push.name, size=push.size)
            for push in plan.pushes
        ],
        estimate_s=plan.estimate_s,
        seed=plan.seed,
        notes=list(plan.notes),
    )


def _cell_plan(cell: Cell) -> CellPlanView:
    against = cell.against
    said = None
    if against is not None:
        said = (
            against.sentence if against.problem else f"{against.by} {value_of(against.by, against.variant)}"
        )
    return CellPlanView(
        number=cell.number,
        name=cell.name,
        serial=cell.phone.serial,
        left_out=cell.left_out_why,
        estimate_s=cell.estimate_s,
        against=said,
    )


def value_of(by: str, variant: Variant) -> str:
    """What a variant has of a factor."""
    if by == "engine":
        return variant.engine.name if variant.engine else "the app's own"
    return variant.model.name if by == "model" else variant.profile
