"""Campaigns, the attempts at their cells, and what came of these; plans and outcomes are bytes here."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING, Any, Final

from devicehub.errors import InputError, StoreError
from devicehub.store.model import AttemptRow, CampaignRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devicehub.store.database import Database

_SHOWN: Final = 5
_LENGTHS: Final = 10


class CampaignTable:
    """A cell has one outcome at most, and one open attempt at most: the database sees to it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_campaign(self, row: CampaignRow) -> None:
        """Write down a campaign that begins.

        Raises:
            StoreError: there is one of that id.
        """
        names = ("id", "name", "client", "created", "deadline", "plan", "asks")
        try:
            with self._database.transaction(durable=True):
                self._database.change("add_campaign", **{name: getattr(row, name) for name in names})
        except sqlite3.IntegrityError as error:
            raise StoreError(row.id, f"cannot be written down: {error}", remedy="begin it again") from error

    def campaign(self, campaign_id: str) -> CampaignRow:
        """The campaign of that id, or the only one whose id begins so.

        Raises:
            InputError: there is none, or there are several.
        """
        row = self._database.row("campaign", id=campaign_id)
        if row is None:
            row = self._database.row("campaign", id=self._completed(campaign_id))
        assert row is not None
        return CampaignRow(**dict(row))

    def _completed(self, prefix: str) -> str:
        rows = self._database.rows("campaigns_by_prefix", prefix=prefix) if prefix else []
        found = [str(row["id"]) for row in rows]
        if not found:
            raise InputError(
                prefix or "''", "there is no such campaign", remedy="see `devicehub campaign list`"
            )
        if len(found) > 1:
            names = ", ".join(found[:_SHOWN]) + (", ..." if len(found) > _SHOWN else "")
            raise InputError(prefix, f"several campaigns begin so: {names}", remedy="write more of the id")
        return found[0]

    def campaigns(self, limit: int) -> list[CampaignRow]:
        """The newest ones, the newest first, without plans and asks."""
        return [CampaignRow(**dict(row)) for row in self._database.rows("campaigns", limit=limit)]

    def running_campaigns(self) -> list[str]:
        """The ids of those under way, oldest first."""
        return [str(row["id"]) for row in self._database.rows("running_campaigns")]

    def end_campaign(self, campaign_id: str, state: str, reason: str | None, *, wall_s: float) -> bool:
        """Note that a campaign is stopped or ended; False where it was not under way."""
        with self._database.transaction(durable=True):
            return (
                self._database.change(
                    "end_campaign", id=campaign_id, state=state, reason=reason, wall_s=wall_s
                )
                > 0
            )

    def summarize_campaign(self, campaign_id: str, summary: bytes) -> None:
        """Keep what lists show of a campaign that is over."""
        with self._database.transaction():
            self._database.change("summarize_campaign", id=campaign_id, summary=summary)

    def resume_campaign(self, campaign_id: str, *, deadline: float | None) -> bool:
        """Note that a campaign is under way again; False where it is."""
        with self._database.transaction(durable=True):
            return self._database.change("resume_campaign", id=campaign_id, deadline=deadline) > 0

    def add_attempt(self, row: AttemptRow) -> None:
        """Write down that a cell is about to be tried, before its runs are queued.

        Raises:
            StoreError: its attempt before is not over, or it has its outcome.
        """
        try:
            with self._database.transaction(durable=True):
                self._database.change(
                    "add_attempt",
                    campaign=row.campaign,
                    cell=row.cell,
                    attempt=row.attempt,
                    runs=json.dumps(list(row.runs)),
                    phone=row.phone,
                    launches=row.launches,
                    begun=row.begun,
                )
        except sqlite3.IntegrityError as error:
            place = f"cell {row.cell} of campaign {row.campaign}"
            raise StoreError(place, f"cannot be tried: {error}", remedy="look at the campaign") from error

    def attempts(self, campaign_id: str) -> list[AttemptRow]:
        """All attempts at a campaign's cells, those of a cell in their order."""
        rows = self._database.rows("attempts", campaign=campaign_id)
        return [AttemptRow(**{**dict(row), "runs": tuple(json.loads(row["runs"]))}) for row in rows]

    def end_attempt(self, row: AttemptRow, *, wall_s: float, outcome: bytes | None, final: bool) -> bool:
        """Note that an attempt is over; False where that is known already.

        Args:
            row: the attempt.
            wall_s: now.
            outcome: what it came to; None where it was withdrawn.
            final: this is the outcome of its cell.
        """
        with self._database.transaction(durable=True):
            changed = self._database.change(
                "end_attempt",
                campaign=row.campaign,
                cell=row.cell,
                attempt=row.attempt,
                wall_s=wall_s,
                outcome=outcome,
            )
            if final and outcome is not None:
                self._add_outcome(row.campaign, row.cell, outcome, wall_s)
        return changed > 0

    def add_outcome(self, campaign_id: str, cell: int, outcome: bytes, *, wall_s: float) -> bool:
        """Write down what a cell came to; False where that is known already."""
        with self._database.transaction(durable=True):
            return self._add_outcome(campaign_id, cell, outcome, wall_s)

    def _add_outcome(self, campaign_id: str, cell: int, outcome: bytes, wall_s: float) -> bool:
        values = {"campaign": campaign_id, "cell": cell, "outcome": outcome, "wall_s": wall_s}
        return self._database.change("add_outcome", **values) > 0

    def outcomes(self, campaign_id: str, *, after: int = 0, limit: int) -> list[tuple[int, bytes]]:
        """The outcomes of cells with larger numbers, in their order."""
        rows = self._database.rows("outcomes", campaign=campaign_id, after=after, limit=limit)
        return [(row["cell"], row["outcome"]) for row in rows]

    def run_lengths(self, serialno: str, model: str) -> list[tuple[str, float, int]]:
        """Workload, seconds and launches of the newest runs of a model on a phone that succeeded."""
        rows: Sequence[Any] = self._database.rows(
            "run_lengths", serialno=serialno, model=model, limit=_LENGTHS
        )
        return [(row["workload"], row["took_s"], row["launches"]) for row in rows]
