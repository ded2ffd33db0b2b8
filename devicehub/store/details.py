"""What belongs to a run beside its row: events, samples, launches, records, excerpts."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

from devicehub.store.model import EndRow, EventRow, Excerpt, LaunchRow, RecordRow

if TYPE_CHECKING:
    from devicehub.store.database import Database


class DetailTables:
    """The parts of runs; a run that is not there has none."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_event(self, run_id: str, kind: str, detail: str, wall_s: float) -> None:
        """Note what happened to a run; nothing noted is ever changed."""
        with self._database.transaction():
            self._database.change("add_event", run_id=run_id, kind=kind, detail=detail, wall_s=wall_s)

    def events(self, run_id: str, *, after: int = 0) -> list[EventRow]:
        """What happened, in order; only what came after the event numbered so."""
        return [EventRow(**dict(row)) for row in self._database.rows("events", run_id=run_id, after=after)]

    def events_since(self, seq: int, *, limit: int) -> list[tuple[str, EventRow]]:
        """What happened to any run after the event numbered so, the oldest first; each with its run's id."""
        rows = [dict(row) for row in self._database.rows("events_since", after=seq, limit=limit)]
        return [(row.pop("run_id"), EventRow(**row)) for row in rows]

    def events_between(self, first: int, last: int) -> list[tuple[str, EventRow]]:
        """What happened to any run, as `events_since`, from an event to another, both included."""
        rows = [dict(row) for row in self._database.rows("events_between", first=first, last=last)]
        return [(row.pop("run_id"), EventRow(**row)) for row in rows]

    def newest_event(self) -> int:
        """The number of the newest event of any run; 0 where there is none."""
        return int(self._database.value("newest_event"))

    def add_samples(self, run_id: str, attempt: int, first_seq: int, samples: bytes) -> int:
        """Keep whole lines of an attempt's samples; how many were new: none is stored twice.

        `first_seq` tells which line of the attempt the first one is, from 0.
        """
        lines = io.BytesIO(samples).readlines()  # not splitlines, for which a carriage return ends one, too
        with self._database.transaction():
            known = self.samples_stored(run_id, attempt)
            new = lines[max(known - first_seq, 0) :]
            if new:
                self._database.change(
                    "add_samples",
                    run_id=run_id,
                    attempt=attempt,
                    first_line=max(first_seq, known),
                    lines=len(new),
                    data=b"".join(new),
                )
        return len(new)

    def samples_stored(self, run_id: str, attempt: int) -> int:
        """How many lines of an attempt's samples are stored."""
        return int(self._database.value("samples_stored", run_id=run_id, attempt=attempt))

    def samples(self, run_id: str, attempt: int) -> bytes:
        """The samples of an attempt, line by line as the phone wrote them."""
        rows = self._database.rows("samples", run_id=run_id, attempt=attempt)
        return b"".join(row["data"] for row in rows)

    def launches(self, run_id: str) -> list[LaunchRow]:
        """The launches of the end that counts."""
        return [LaunchRow(**dict(row)) for row in self._database.rows("launches", run_id=run_id)]

    def records(self, run_id: str) -> list[RecordRow]:
        """The measured rows of the end that counts."""
        return [RecordRow(**dict(row)) for row in self._database.rows("records", run_id=run_id)]

    def excerpts(self, run_id: str) -> list[Excerpt]:
        """The log lines of the end that counts."""
        rows = self._database.rows("excerpts", run_id=run_id)
        return [
            Excerpt(launch=row["launch"], source=row["source"], lines=json.loads(row["lines"]))
            for row in rows
        ]

    def ends(self, run_id: str) -> list[EndRow]:
        """All ends: none, one, or a replaced `lost` and what replaced it."""
        return [EndRow(**dict(row)) for row in self._database.rows("ends", run_id=run_id)]
