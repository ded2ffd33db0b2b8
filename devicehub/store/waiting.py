"""The queue: runs that wait for a phone."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from devicehub.errors import StoreError
from devicehub.store.model import QueuedRow

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from devicehub.store.database import Database


class QueueTable:
    """Runs that have not begun; a run leaves it in the transaction that writes it down among the runs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def enqueue(self, rows: Sequence[QueuedRow]) -> dict[str, int]:
        """Add runs behind all others, all or none; the number that each is given, by its id.

        Raises:
            StoreError: there is a run of that id.
        """
        try:
            with self._database.transaction(durable=True):
                return {row.run_id: int(self._database.value("enqueue", **_values(row))) for row in rows}
        except sqlite3.IntegrityError as error:
            names = ", ".join([row.run_id for row in rows[:3]] + ["..."] * (len(rows) > 3))
            raise StoreError(names, f"cannot be queued: {error}", remedy="ask for it again") from error

    def queued(self) -> list[QueuedRow]:
        """All that waits, in the order of submission."""
        return [QueuedRow(**dict(row)) for row in self._database.rows("queued")]

    def is_queued(self, run_id: str) -> bool:
        """Whether the run waits still."""
        return bool(self._database.value("is_queued", run_id=run_id))

    def is_known(self, run_id: str) -> bool:
        """Whether a run of that id waits or has begun."""
        return bool(self._database.value("is_known", run_id=run_id))

    def last_ask(self, serialno: str | None = None) -> bytes | None:
        """What the newest run on a phone was asked, or on any phone, as `QueuedRow.ask`; None where none was.

        Runs that did not come out of the queue do not count.
        """
        ask: bytes | None = self._database.value("last_ask", serialno=serialno or "")
        return ask

    def claim_queued(self, entry: str, pid: int, started: float, alive: Callable[[int, float], bool]) -> bool:
        """Make a process the one that begins an entry, which no living process begins; see `Store.claim`."""
        row = self._database.row("queue_owner", entry=entry)
        if row is None:
            return False
        seen_pid, seen_started = row["owner_pid"], row["owner_started"]
        if seen_pid is not None and alive(seen_pid, seen_started):
            return False
        with self._database.transaction():
            # Only over the owner that was seen: of two that find it dead, one wins.
            claimed = self._database.change(
                "claim_queued",
                entry=entry,
                pid=pid,
                started=started,
                seen_pid=seen_pid,
                seen_started=seen_started,
            )
        return claimed > 0

    def release_queued(self, entry: str, pid: int, started: float) -> None:
        """Let an entry wait again that this process was to begin."""
        with self._database.transaction():
            self._database.change("release_queued", entry=entry, pid=pid, started=started)


def _values(row: QueuedRow) -> dict[str, object]:
    names = ("run_id", "entry", "client", "submitted", "ask")
    return {name: getattr(row, name) for name in names}
