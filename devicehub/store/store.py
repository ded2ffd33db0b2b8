"""What every process of DeviceHub remembers in common: runs, their parts, phones."""

from __future__ import annotations

import json
import math
import sqlite3
from typing import TYPE_CHECKING, Any, Final, Self

from devicehub.errors import IllegalTransition, InputError, StoreError
from devicehub.store.answers import AnswerTable
from devicehub.store.campaigns import CampaignTable
from devicehub.store.details import DetailTables
from devicehub.store.devices import DeviceTable
from devicehub.store.opening import open_database
from devicehub.store.rows import encode_json, row_of, row_values, run_row
from devicehub.store.waiting import QueueTable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path

    from devicehub.runs.model import Launch, RunRecord, Spread
    from devicehub.store.database import Database
    from devicehub.store.model import Excerpt, RunRow

DAY_S: Final = 86400.0
_LOOKED_AT: Final = 1000
_ALL: Final = 2**62
_FORGOTTEN_AT_ONCE: Final = 50
"""Runs a transaction; other processes wait while it lasts."""


class Store(DetailTables, DeviceTable, AnswerTable, QueueTable, CampaignTable):
    """One file, open in any number of processes; each call is one short transaction.

    Calls come from the thread that opened it. What a call raises is a StoreError: the file cannot be used.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._carried: dict[str, tuple[int, float]] = {}
        self._unreleased: dict[str, tuple[int, float]] = {}
        self._figures: dict[str, RunRow] = {}
        self._figures_as_of: tuple[int, int] | None = None

    @classmethod
    def open(cls, path: Path, *, on_set_aside: Callable[[Path], None] = lambda _aside: None) -> Self:
        """Open the file, which is begun where there is none; a damaged one is renamed, never overwritten.

        Args:
            path: of the file.
            on_set_aside: told what a damaged file is called now.

        Raises:
            StoreError: it cannot be opened, a newer program has written it, or it is not ours.
        """
        return cls(open_database(path, on_set_aside=on_set_aside))

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    # Runs

    def add_run(self, row: RunRow) -> None:
        """Write down a run that begins, carried by the process that the row names.

        Raises:
            StoreError: there is a run of that id.
        """
        try:
            with self._database.transaction(durable=True):
                self._database.change("add_run", **row_values(row))
                self._note(row.id, "add", f"{row.workload} {row.model} on {row.serial}", row.created)
        except sqlite3.IntegrityError as error:
            raise StoreError(
                row.id, f"cannot be written down: {error}", remedy="begin the run again"
            ) from error
        if row.owner_pid is not None and row.owner_started is not None:
            self._carried[row.id] = (row.owner_pid, row.owner_started)

    def run(self, run_id: str) -> RunRow:
        """The run of that id, or the one whose id begins so; with its record.

        Raises:
            InputError: there is none, or there are several.
        """
        row = self._database.row("run", id=run_id)
        if row is None:
            row = self._database.row("run", id=self._complete(run_id))
        assert row is not None
        return run_row(row)

    def _complete(self, prefix: str) -> str:
        found = [row["id"] for row in self._database.rows("runs_by_prefix", prefix=prefix)] if prefix else []
        if not found:
            raise InputError(prefix or "''", "there is no such run", remedy="see `devicehub runs list`")
        if len(found) > 1:
            names = ", ".join(found[:5]) + (", ..." if len(found) > 5 else "")
            raise InputError(prefix, f"several runs begin so: {names}", remedy="write more of the id")
        return str(found[0])

    def runs(
        self,
        *,
        state: str | Collection[str] | None = None,
        serial: str | None = None,
        model: str | None = None,
        engine: str | None = None,
        workload: str | None = None,
        since: float | None = None,
        before: str | None = None,
        limit: int = 50,
    ) -> list[RunRow]:
        """A page of runs, newest first, without their records; a filter that is None lets all pass.

        `serial` is adb's label or ro.serialno, `since` the oldest moment of writing down in seconds since
        the epoch, `before` the id of a run: only older ones, the next page. A limit of -1 gives all.
        """
        states = [state] if isinstance(state, str) else state
        created = math.inf if before is None else self._database.value("created", id=before)
        if created is None:
            return []
        asked = {
            "states": None if states is None else json.dumps(sorted(states)),
            "serial": serial,
            "model": model,
            "engine": engine,
            "workload": workload,
            "since": -math.inf if since is None else since,
            "created": created,
            "before": before or "",
            "limit": _ALL if limit < 0 else limit,
        }
        # Most pages are full of runs that are new; only what is rare or old is worth asking every kind.
        rows = self._database.rows("newest_runs", looked_at=_LOOKED_AT, **asked)
        if len(rows) < limit or limit < 0:
            rows = self._database.rows("runs", **asked)
        return [run_row(row) for row in rows]

    def count_runs(self) -> int:
        """How many runs there are."""
        return int(self._database.value("count_runs"))

    def runs_by_verdict(self) -> list[tuple[str, str | None, int]]:
        """How many runs there are of each state and verdict: state, verdict, count; no run is read for it."""
        return [tuple(row) for row in self._database.rows("runs_by_verdict")]

    def last_figures(self) -> dict[str, RunRow]:
        """Of each phone, by ro.serialno, the newest run that has figures; without their records.

        Cheap while nothing happens to any run: what was found is kept until then.
        """
        newest = self.newest_event(), self.count_runs()
        if newest != self._figures_as_of:
            self._figures = {row["serialno"]: run_row(row) for row in self._database.rows("last_figures")}
            self._figures_as_of = newest
        return dict(self._figures)

    def open_runs(self) -> list[RunRow]:
        """The runs without an end, oldest first."""
        return [run_row(row) for row in self._database.rows("open_runs")]

    def runs_to_adopt(self, serialnos: Collection[str]) -> list[RunRow]:
        """The runs without an end, and the lost ones whose phone is among those that are there now."""
        rows = self._database.rows("runs_to_adopt", serialnos=json.dumps(list(serialnos)))
        return [run_row(row) for row in rows]

    # Who carries a run

    def claim(self, run_id: str, pid: int, started: float, alive: Callable[[int, float], bool]) -> bool:
        """Make a process the one that carries a run that nobody living carries.

        Args:
            run_id: without an end, or lost.
            pid: of the process.
            started: when it began, in any unit that `alive` knows; it tells it from a later one of that pid.
            alive: whether a process still is.

        Returns:
            False where a living process has it, this one too, or where it has an end that stays.
        """
        row = self._database.row("run", id=run_id)
        if row is None:
            return False
        seen_pid, seen_started = row["owner_pid"], row["owner_started"]
        if seen_pid is not None and alive(seen_pid, seen_started):
            return False
        with self._database.transaction():
            # Only over the owner that was seen: of two that find it dead, one wins.
            claimed = self._database.change(
                "claim_run",
                id=run_id,
                pid=pid,
                started=started,
                seen_pid=seen_pid,
                seen_started=seen_started,
            )
        if claimed:
            self._carried[run_id] = (pid, started)
        return claimed > 0

    def release(self, run_id: str) -> None:
        """Leave a run that was claimed or begun here to whoever comes next.

        Where that cannot be written down now, `release_rest` does it.
        """
        if run_id in self._carried:
            self._unreleased[run_id] = self._carried.pop(run_id)
            self._release(run_id)

    def release_rest(self) -> None:
        """Leave the runs that could not be left when they were to be."""
        for run_id in list(self._unreleased):
            self._release(run_id)

    def _release(self, run_id: str) -> None:
        pid, started = self._unreleased[run_id]
        with self._database.transaction():
            self._database.change("release_run", id=run_id, pid=pid, started=started)
        del self._unreleased[run_id]

    def request_stop(self, run_id: str, wall_s: float) -> bool:
        """Note that a person wants the run to end; False where it has."""
        with self._database.transaction():
            noted = self._database.change("request_stop", id=run_id, wall_s=wall_s) > 0
            if noted:
                self._note(run_id, "stop_requested", "", wall_s)
        return noted

    def stop_requested(self, run_id: str) -> bool:
        """Whether a person wants the run to end."""
        return bool(self._database.value("stop_requested", id=run_id))

    # What happens to a run

    def advance(
        self,
        run_id: str,
        state: str,
        event: str,
        *,
        wall_s: float,
        detail: str = "",
        attempt: int | None = None,
        phone_run_id: str | None = None,
        serial: str | None = None,
        boot_id: str | None = None,
        last_contact: float | None = None,
    ) -> None:
        """Move a run that has no end to a state that is none, and note the event.

        Raises:
            IllegalTransition: the run has an end.
            StoreError: it is not there.
        """
        try:
            with self._database.transaction():
                moved = self._database.change(
                    "advance_run",
                    id=run_id,
                    state=str(state),
                    wall_s=wall_s,
                    attempt=attempt,
                    phone_run_id=phone_run_id,
                    serial=serial,
                    boot_id=boot_id,
                    last_contact=last_contact,
                )
                if moved:
                    self._note(run_id, str(event), detail, wall_s)
        except sqlite3.IntegrityError as error:
            raise IllegalTransition(f"run {run_id}", f"{event} to {state}") from error
        if moved:
            return
        if self._database.row("run", id=run_id) is None:
            problem = f"run {run_id} is not in it any more"
            raise StoreError(
                self._database.path, problem, remedy="see whether a database was set aside beside it"
            )
        raise IllegalTransition(f"run {run_id}, which has ended,", event)

    def touch(self, run_id: str, wall_s: float) -> None:
        """Note that the run's phone answered."""
        with self._database.transaction():
            self._database.change("touch_run", id=run_id, wall_s=wall_s)

    def finish(
        self, run_id: str, record: RunRecord, *, wall_s: float, excerpts: Sequence[Excerpt] = ()
    ) -> bool:
        """Write the run's end with all that belongs to it, once.

        The database holds the rule, so any number of processes may try: the first end stays, but `lost`,
        which the first other end replaces. A run that is not there is written down with it: its database
        was set aside while it was under way.

        Returns:
            False where the run has an end that stays; nothing is written then.
        """
        encoded = encode_json(record)
        try:
            with self._database.transaction(durable=True):
                if self._database.row("run", id=run_id) is None:
                    self._database.change("add_run", **row_values(row_of(run_id, record, encoded)))
                number = self._database.value(
                    "add_end", run_id=run_id, state=str(record.state), wall_s=wall_s, record=encoded
                )
                if number is not None:
                    self._end(run_id, int(number), record, wall_s, excerpts)
        except sqlite3.IntegrityError as error:
            problem = f"the end of run {run_id} cannot be written: {error}"
            raise StoreError(
                self._database.path, problem, remedy="report this as an error of ours"
            ) from error
        self._carried.pop(run_id, None)
        return number is not None

    def _end(
        self, run_id: str, number: int, record: RunRecord, wall_s: float, excerpts: Sequence[Excerpt]
    ) -> None:
        summary = record.summary
        prefill = summary.prefill_tok_s if summary else None
        decode = summary.decode_tok_s if summary else None
        self._database.change(
            "end_run",
            run_id=run_id,
            state=str(record.state),
            verdict=record.verdict,
            cause=record.cause,
            trusted=record.trusted,
            prefill_tok_s=prefill.median if prefill else None,
            decode_tok_s=decode.median if decode else None,
            decode_spread=_share(decode) if summary and decode and summary.launches > 1 else None,
            fidelity=record.fidelity,
            fidelity_reason=record.answered.reason,
            protocol=record.protocol.id if record.protocol else None,
            launches=summary.launches if summary else None,
            ended=record.ended,
            wall_s=wall_s,
        )
        for position, launch in enumerate(record.launches):
            self._add_launch({"run_id": run_id, "end_number": number}, position, launch)
        for position, excerpt in enumerate(excerpts):
            self._database.change(
                "add_excerpt",
                run_id=run_id,
                end_number=number,
                position=position,
                launch=excerpt.launch,
                source=excerpt.source,
                lines=json.dumps(list(excerpt.lines)),
            )
        self._note(run_id, "replace_lost" if number > 1 else "end", record.cause or "", wall_s)

    def _add_launch(self, key: dict[str, Any], position: int, launch: Launch) -> None:
        self._database.change(
            "add_launch",
            **key,
            position=position,
            number=launch.number,
            verdict=launch.verdict,
            cause=launch.cause,
            exit_status=launch.exit_status,
            duration_s=launch.duration_s,
            text=launch.text,
        )
        for row_position, row in enumerate(launch.records):
            columns: dict[str, Any] = {
                name: getattr(row, name)
                for name in (
                    "tool", "source", "backend", "threads", "test", "prompt_tokens", "decode_tokens",
                    "prefill_tok_s", "decode_tok_s", "load_ms",
                )
            }  # fmt: skip
            columns["record"] = encode_json(row)
            self._database.change(
                "add_record", **key, launch_position=position, position=row_position, **columns
            )

    def _note(self, run_id: str, kind: str, detail: str, wall_s: float) -> None:
        self._database.change("add_event", run_id=run_id, kind=kind, detail=detail, wall_s=wall_s)

    # Retention

    def collect_garbage(self, now: float, keep_days: float | None) -> int:
        """Forget the runs that ended longer ago; one without an end stays, however old it is.

        Args:
            now: seconds since the epoch.
            keep_days: None keeps all.

        Returns:
            How many were forgotten.
        """
        if keep_days is None:
            return 0
        forgotten = 0
        before = now - keep_days * DAY_S
        while old := self._database.rows("old_runs", before=before, limit=_FORGOTTEN_AT_ONCE):
            with self._database.transaction():
                done = sum(self._database.change("delete_run", id=row["id"]) for row in old)
            forgotten += done
            if not done:
                break
        return forgotten


def _share(spread: Spread) -> float | None:
    return (spread.highest - spread.lowest) / spread.median if spread.median else None
