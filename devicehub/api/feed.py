"""What clients hear of runs: each step, each word, each byte that is pushed."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from devicehub.api.model import Noted, ProgressMade, RunChanged, RunView, TokensSaid
from devicehub.api.views import event_view, queued_view, run_view
from devicehub.errors import InputError
from devicehub.runs.lifecycle import RunState
from devicehub.telemetry.sample import SampleReader

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from devicehub.api.events import Bus
    from devicehub.clock import Clock
    from devicehub.dispatch.queued import QueuedRun
    from devicehub.store.model import RunRow
    from devicehub.store.store import Store
    from devicehub.telemetry.sample import Sample

log = logging.getLogger(__name__)

_MOST_TEXT: Final = 256 * 1024
"""Characters of a run's text that are kept for who comes later; the newest."""
_PROGRESS_S: Final = 0.1
_NOTES: Final = 50
_MOST_TOLD: Final = 2000
_NEWEST: Final = 50
"""Runs that have ended in a snapshot."""
_LEVELS: Final = {"info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


class RunFeed:
    """Publishes what happens to runs, and keeps what a client that comes later must be shown.

    Args:
        bus: where it is published; set by the hub when there is one.
        store: has the runs.
        clock: stamps notes, paces progress.
        waiting: the runs that wait, in their order.
        device_of: the id of the device with a ro.serialno; None where it is not there.
        on_sample: is told what a run's sampler read: ro.serialno, the run's id, a sample.
        on_state: is told that a run moved on.
        on_pushed: is told of bytes that went onto a phone.
    """

    def __init__(
        self,
        bus: Callable[[], Bus],
        store: Store,
        clock: Clock,
        *,
        waiting: Callable[[], Sequence[QueuedRun]],
        device_of: Callable[[str], str | None],
        on_sample: Callable[[str, str, Sample], None],
        on_state: Callable[[str], None],
        on_pushed: Callable[[int], None] = lambda _size: None,
    ) -> None:
        self._bus = bus
        self._store = store
        self._clock = clock
        self._waiting = waiting
        self._device_of = device_of
        self._on_sample = on_sample
        self._on_state = on_state
        self.on_pushed = on_pushed
        self._texts: dict[str, str] = {}
        self._told: dict[str, int] = {}
        self._notes: list[Noted] = []

    def listener(self, run_id: str) -> FeedingListener:
        """Who is told of one run while it is carried."""
        return FeedingListener(self, run_id, self._clock)

    def view(self, run_id: str) -> RunView:
        """One run as lists show it, also one that waits.

        Raises:
            InputError: there is no such run, or several begin so.
        """
        for queued in self._waiting():
            if queued.id == run_id:
                return queued_view(queued)
        return self.row_view(self._store.run(run_id))

    def row_view(self, row: RunRow) -> RunView:
        """One run that has begun."""
        return run_view(row, device=self._device_of(row.serialno))

    def changed(self, run_ids: Sequence[str]) -> None:
        """Publish how these runs stand now, each with the events that were not yet published."""
        for run_id in run_ids:
            try:
                view = self.view(run_id)
            except InputError:
                continue  # forgotten meanwhile
            events = self._store.events(run_id, after=self._told.get(run_id, 0))
            for event in events:
                self._told[run_id] = event.seq
                marks = {"action": "run_moved", "run": run_id, "serial": view.serial, "state": event.state}
                log.info("%s: %s%s", event.state, event.kind, f", {event.detail}" if event.detail else "",
                         extra=marks)  # fmt: skip
                self._bus().publish("runs", RunChanged(run=view, event=event_view(event)), key=run_id)
            if not events:
                self._bus().publish("runs", RunChanged(run=view), key=run_id)
            if RunState(view.state).is_end:
                self._texts.pop(run_id, None)
                self._forget_old()
            self._on_state(run_id)

    def _forget_old(self) -> None:
        """A run that is told of again long after its end is told from its beginning."""
        while len(self._told) > _MOST_TOLD:
            del self._told[next(iter(self._told))]

    def replay(self, first: int, last: int) -> list[tuple[int, RunChanged]]:
        """The stored events whose seq lies between two, both included, with it."""
        found = []
        for run_id, event in self._store.events_between(first, last):
            try:
                found.append((event.seq, RunChanged(run=self.view(run_id), event=event_view(event))))
            except InputError:
                continue
        return found

    def said(self, run_id: str, text: str) -> None:
        """The model said more."""
        self._texts[run_id] = (self._texts.get(run_id, "") + text)[-_MOST_TEXT:]
        self._bus().publish("tokens", TokensSaid(run=run_id, text=text), key=run_id)

    def text(self, run_id: str) -> str:
        """What the model of a run under way has said so far."""
        return self._texts.get(run_id, "")

    def progress(self, made: ProgressMade) -> None:
        """So much of something is done."""
        self._bus().publish("progress", made, key=made.run or made.job)

    def note(self, noted: Noted) -> None:
        """A person wants to know it."""
        self._notes = [*self._notes, noted][-_NOTES:]
        marks = {"action": "noted", "run": noted.run, "serial": noted.serial}
        log.log(_LEVELS[noted.level], "%s", noted.text, extra=marks)
        self._bus().publish("notes", noted, key=noted.run or noted.serial)

    def sampled(self, run_id: str, samples: Sequence[Sample]) -> None:
        """A run's sampler read these."""
        if samples:
            serialno = self._store.run(run_id).serialno
            for sample in samples:
                self._on_sample(serialno, run_id, sample)

    # How things stand

    def runs_now(self) -> list[RunView]:
        """All that wait or are under way, and the newest that have ended."""
        queued = [queued_view(run) for run in self._waiting()]
        rows = {row.id: row for row in (*self._store.open_runs(), *self._store.runs(limit=_NEWEST))}
        return queued + [self.row_view(row) for row in rows.values()]

    def texts_now(self, run_ids: frozenset[str] | None) -> list[TokensSaid]:
        """What these runs have said so far."""
        chosen = run_ids or frozenset()
        return [TokensSaid(run=run_id, text=text) for run_id, text in self._texts.items() if run_id in chosen]

    def notes_now(self) -> list[Noted]:
        """The newest notes."""
        return list(self._notes)


class FeedingListener:
    """Passes on what one run tells."""

    def __init__(self, feed: RunFeed, run_id: str, clock: Clock) -> None:
        self._feed = feed
        self._run_id = run_id
        self._clock = clock
        self._samples = SampleReader()

    def on_state(self, state: RunState) -> None:
        """The run moved on; the store knows where to."""
        self._feed.changed([self._run_id])

    def on_transfer(self, label: str, total: int) -> Callable[[int], None]:
        """Something of `total` bytes is about to be pushed."""
        done, told_s = 0, float("-inf")

        def advance(size: int) -> None:
            nonlocal done, told_s
            done += size
            self._feed.on_pushed(size)
            now_s = self._clock.monotonic_s()
            if now_s - told_s >= _PROGRESS_S or done >= total:
                told_s = now_s
                made = ProgressMade(run=self._run_id, job=None, label=label, done=done, total=total)
                self._feed.progress(made)

        advance(0)
        return advance

    def on_text(self, text: str) -> None:
        """The model said more."""
        if text:
            self._feed.said(self._run_id, text)

    def on_note(self, text: str) -> None:
        """Something happened that a person wants to know."""
        self._feed.note(Noted(text=text, wall_s=self._clock.wall_s(), run=self._run_id))
        self._feed.changed([self._run_id])

    def on_samples(self, data: bytes) -> None:
        """The phone's sampler wrote more."""
        self._feed.sampled(self._run_id, list(self._samples.feed(data)))
