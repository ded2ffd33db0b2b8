"""What one subscriber saw and what a hub's process took, held against what is promised. Pure."""

from __future__ import annotations

import statistics
from collections import Counter
from typing import TYPE_CHECKING, Final

from devicehub.api.model import RunChanged
from devicehub.runs.lifecycle import RunState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from devicehub.api.model import Event

_COLLAPSING: Final = "samples"
_AVERAGED: Final = 5
_LONGEST_LIST: Final = 50


class Ledger:
    """Takes events in the order in which they came.

    Attributes:
        wrong: what was not as promised, a sentence each.
        seen: how many events of each topic came.
    """

    def __init__(self, epoch: str, seqs: Mapping[str, int]) -> None:
        """Begin with the answer to the subscription: the epoch and each topic's newest event."""
        self.wrong: list[str] = []
        self.seen: Counter[str] = Counter()
        self._epoch = epoch
        self._seqs = dict(seqs)
        self._ends: dict[str, list[str]] = {}
        self._states: dict[str, str] = {}

    def take(self, event: Event) -> None:
        """Hold one event against those before it."""
        self.seen[event.topic] += 1
        last = self._seqs.get(event.topic, 0)
        self._seqs[event.topic] = event.seq
        if event.epoch != self._epoch:
            self._say(f"{event.topic} {event.seq} is of another epoch")
        elif event.topic == _COLLAPSING and event.seq > last:
            pass  # a newer reading takes the place of one that waits
        elif event.seq != last + 1:
            self._say(f"{event.topic} {event.seq} came after {last}")
        if isinstance(event.data, RunChanged):
            self._take_run(event.data)

    def _take_run(self, changed: RunChanged) -> None:
        run, event = changed.run, changed.event
        self._states[run.id] = run.state
        ends = self._ends.setdefault(run.id, [])
        if event is None or not RunState(event.state).is_end or event.state in ends[-1:]:
            if ends and not RunState(run.state).is_end and ends[-1] != RunState.LOST:
                self._say(f"run {run.id} went on to {run.state} after its end")
            return
        if ends and ends != [RunState.LOST]:
            self._say(f"run {run.id} ended {event.state} after it had ended {ends[-1]}")
        ends.append(event.state)

    def unended(self) -> list[str]:
        """Runs whose end did not come."""
        return [run for run, state in self._states.items() if not RunState(state).is_end]

    def ends(self) -> Counter[str]:
        """How many runs ended how."""
        return Counter(state for state in self._states.values() if RunState(state).is_end)

    def _say(self, sentence: str) -> None:
        if len(self.wrong) < _LONGEST_LIST:
            self.wrong.append(sentence)


def risen(readings: Sequence[int]) -> int:
    """By how much the last readings are above those after a tenth of them; both are medians of five."""
    tenth = len(readings) // 10
    after = readings[tenth : tenth + _AVERAGED]
    return round(statistics.median(readings[-_AVERAGED:]) - statistics.median(after))
