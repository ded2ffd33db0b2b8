"""What the store is told of one run while it is carried."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import msgspec
import psutil

from devicehub.runs.lifecycle import RunEvent, RunState, next_state
from devicehub.store.model import Excerpt, RunRow

if TYPE_CHECKING:
    from devicehub.clock import Clock
    from devicehub.runs.model import RunHeader, RunRecord
    from devicehub.store.store import Store

_BATCH_BYTES: Final = 16 * 1024


def own_process() -> tuple[int, float]:
    """Who carries a run: this process's pid, and when it began in seconds since the host's boot."""
    process = psutil.Process(os.getpid())
    return process.pid, _began_s(process)


def is_alive(pid: int, began_s: float) -> bool:
    """Whether the process that carried a run still does; a pid alone may belong to another by now."""
    try:
        process = psutil.Process(pid)
        # A killed process whose parent does not wait for it keeps its pid.
        return abs(_began_s(process) - began_s) < 1.0 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _began_s(process: psutil.Process) -> float:
    """Since the boot: as a time of day, which psutil gives, it moves when the host's clock is set."""
    booted_s = psutil.boot_time()
    return process.create_time() - booted_s


class Journal:
    """Moves one run through its states, in the store and in memory alike.

    Attributes:
        state: where the run is.
    """

    def __init__(self, store: Store, run_id: str, clock: Clock, *, state: RunState = RunState.QUEUED) -> None:
        self._store = store
        self._run_id = run_id
        self._clock = clock
        self.state = state
        self._attempt = 1
        self._after_end = state.is_end
        self._samples = b""
        self._lines = 0
        self._stored = 0

    def begin(self, header: RunHeader) -> None:
        """Write the run down, carried by this process."""
        pid, started = own_process()
        now_s = self._clock.wall_s()
        device = header.device
        self._store.device_seen(
            device.serialno,
            device.boot_id,
            device.serial,
            wall_s=now_s,
            product=device.product,
            manufacturer=device.manufacturer,
            android=device.android,
            soc=device.soc.model,
            virtual=header.virtual,
        )
        self._store.add_run(
            RunRow(
                id=header.id,
                state=self.state,
                attempt=1,
                phone_run_id=header.id,
                serial=device.serial,
                serialno=device.serialno,
                boot_id=device.boot_id,
                product=device.product,
                model=header.model.name,
                engine=header.engine.name,
                profile=header.profile,
                workload=header.workload,
                virtual=header.virtual,
                created=now_s,
                started=header.started,
                updated=now_s,
                request=msgspec.json.encode(header),
                owner_pid=pid,
                owner_started=started,
                last_contact=now_s,
            )
        )

    def move(
        self,
        event: RunEvent,
        detail: str = "",
        *,
        attempt: int | None = None,
        phone_run_id: str | None = None,
    ) -> RunState:
        """Take a step; nothing is written where it changes nothing, or where the run has an end already."""
        state = next_state(self.state, event)
        # The one end that may be left is replaced by `finish`, whole: until then the store shows it.
        self._after_end = self._after_end or self.state.is_end
        if (state is not self.state or attempt is not None) and not self._after_end:
            now_s = self._clock.wall_s()
            self._store.advance(
                self._run_id,
                state,
                event,
                wall_s=now_s,
                detail=detail,
                attempt=attempt,
                phone_run_id=phone_run_id,
                last_contact=None if event is RunEvent.LINK_LOST else now_s,
            )
        self.state = state
        return state

    def note(self, kind: str, detail: str) -> None:
        """Write down what happened beside the states."""
        self._store.add_event(self._run_id, kind, detail, self._clock.wall_s())

    def new_attempt(self, number: int, phone_run_id: str) -> None:
        """An attempt begins; its samples are counted anew."""
        self._attempt = number
        self._samples, self._lines, self._stored = b"", 0, 0
        self.move(RunEvent.CHECK, f"attempt {number}", attempt=number, phone_run_id=phone_run_id)

    def resume(self, attempt: int) -> None:
        """Another process carried the run up to here: what it stored of the samples is not stored again."""
        self._attempt = attempt
        self._stored = self._store.samples_stored(self._run_id, attempt)

    def samples(self, data: bytes, *, last: bool = False) -> None:
        """Keep a piece of the samples; written in batches of whole lines."""
        self._samples += data
        if len(self._samples) < _BATCH_BYTES and not last:
            return
        *lines, self._samples = self._samples.split(b"\n")
        first = max(self._stored - self._lines, 0)
        self._lines += len(lines)
        if new := lines[first:]:
            self._store.add_samples(self._run_id, self._attempt, self._stored, b"\n".join(new) + b"\n")
            self._stored = self._lines

    def stop_requested(self) -> bool:
        """Whether a person asked, from another process, for the run's end."""
        return self._store.stop_requested(self._run_id)

    def finish(self, record: RunRecord) -> bool:
        """Write the end; False where the run has one already."""
        excerpts = [
            Excerpt(launch=launch.number, source=source, lines=lines)
            for launch in record.launches
            for source, lines in (
                ("evidence", launch.evidence), ("crash", launch.crash), ("loss", launch.log_loss)
            )
            if lines
        ]  # fmt: skip
        return self._store.finish(record.id, record, wall_s=self._clock.wall_s(), excerpts=excerpts)
