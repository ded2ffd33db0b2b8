"""Fetches what a campaign measured, concludes, and writes reports of it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from devicehub.api.contract import CAMPAIGN_OUTCOMES, OutcomesQuery
from devicehub.campaign.judge import conclude, judge_cell
from devicehub.campaign.outcome import CellOutcome
from devicehub.campaign.planned import Plan
from devicehub.campaign.sweep_front import fronts
from devicehub.errors import InputError
from devicehub.files import publish
from devicehub.report.formats import FORMATS, format_of

if TYPE_CHECKING:
    from pathlib import Path

    from devicehub.campaign.result import CampaignResult
    from devicehub.cli.at_hub import Place

_PAGE: Final = 50
_PAGE_S: Final = 60.0


async def fetch_result(place: Place, campaign: str) -> CampaignResult:
    """A campaign's result as it stands, concluded here from its plan and outcomes.

    Raises:
        InputError: there is no such campaign.
    """
    outcomes: dict[int, CellOutcome] = {}
    async with place.client() as client:
        query = OutcomesQuery(campaign=campaign, limit=_PAGE)
        first = page = await client.call(CAMPAIGN_OUTCOMES, query, timeout_s=_PAGE_S)
        while True:
            found = msgspec.convert(page.outcomes, list[CellOutcome])
            outcomes |= {outcome.cell: outcome for outcome in found}
            if page.next is None:
                break
            query = OutcomesQuery(campaign=campaign, after=page.next, limit=_PAGE)
            page = await client.call(CAMPAIGN_OUTCOMES, query, timeout_s=_PAGE_S)
    plan = msgspec.convert(first.plan, Plan)
    has_sweep = any(cell.group is not None for cell in plan.cells)
    return conclude(
        plan,
        [judge_cell(plan, cell, outcomes.get(cell.number)) for cell in plan.cells],
        state=first.state,
        stopped_reason=first.reason,
        ended=first.ended,
        fronts=fronts(plan, outcomes.values()) if has_sweep else (),
        history=first.history,
    )


def as_document(result: CampaignResult, status: int) -> dict[str, Any]:
    """The whole result for `--json`; `exit` is the status that the process ends with."""
    return {**msgspec.to_builtins(result), "exit": status}


def check_report(path: Path) -> None:
    """Refuse before a campaign of hours what could not be written after it.

    Raises:
        InputError: there is no such folder, or it takes no files.
        UsageError: no format has the path's suffix.
    """
    _format_name(path)
    if not path.parent.is_dir():
        raise InputError(
            path, "cannot be written: there is no such folder", remedy="make it, or name another"
        )
    if not os.access(path.parent, os.W_OK):
        raise InputError(path, "cannot be written: its folder lets nobody write", remedy="name another")


def _format_name(path: Path) -> str:
    chosen = format_of(path.name)
    if chosen is None:
        suffixes = ", ".join(each.suffix for each in FORMATS.values())
        raise click.UsageError(f"{path}: no report has this suffix; take one of {suffixes}")
    return chosen


def write_report(result: CampaignResult, path: Path, name: str | None = None) -> None:
    """Write a report, in the format of that name, else in that of the path's suffix.

    Raises:
        InputError: the file cannot be written.
        UsageError: no format has this suffix.
    """
    try:
        publish(path, FORMATS[name or _format_name(path)].render(result), mode=0o644)
    except OSError as error:
        remedy = f"`devicehub campaign report {result.plan.id} --out FILE` writes it elsewhere"
        raise InputError(path, f"cannot be written: {error.strerror}", remedy=remedy) from None
