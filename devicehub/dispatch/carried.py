"""One run while it is carried: its header, its journal, its attempts and its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from devicehub.dispatch.closing import close_run
from devicehub.dispatch.conditions import ConditionsReader
from devicehub.dispatch.follower import Follower
from devicehub.dispatch.journal import Journal
from devicehub.dispatch.outcome import Ended, ended_by
from devicehub.runs.lifecycle import RunEvent, RunState
from devicehub.runs.model import Attempt

if TYPE_CHECKING:
    from devicehub.dispatch.launches import Half
    from devicehub.dispatch.link import Link
    from devicehub.dispatch.means import Means
    from devicehub.dispatch.prepare import Prepared
    from devicehub.dispatch.request import RunListener
    from devicehub.errors import HubError
    from devicehub.runner.contract import RunHandle
    from devicehub.runs.model import RunHeader, RunRecord


class CarriedRun:
    """What a carrier knows of one of its runs.

    Args:
        prepared: the run as it was decided.
        header: with its steps.
        means: what the hub gives.
        listener: is told what happens.

    Attributes:
        phone_run_id: the name of its folder on the phone, in this attempt.
    """

    def __init__(self, prepared: Prepared, header: RunHeader, means: Means, listener: RunListener) -> None:
        self.prepared = prepared
        self.header = header
        self.listener = listener
        self.journal = Journal(means.store, header.id, means.clock)
        self.phone_run_id = header.id
        self._means = means
        self._number = 1
        self._failed: list[Attempt] = []
        self._timings: dict[str, Any] = {}

    @property
    def half(self) -> Half:
        """The run as the phone is told of it."""
        return self.prepared.half(self.header, self.phone_run_id)

    def begin(self) -> None:
        """Write the run down."""
        self.journal.begin(self.header)
        self.listener.on_note(f"run {self.header.id}")

    def begin_attempt(self, number: int) -> None:
        """Another try, under another name on the phone."""
        self._number = number
        self.phone_run_id = self.header.id if number == 1 else f"{self.header.id}.{number}"
        self.journal.new_attempt(number, self.phone_run_id)
        self.listener.on_state(RunState.CHECKING)

    def move(self, event: RunEvent) -> None:
        """Take a step and tell it."""
        self.listener.on_state(self.journal.move(event))

    async def follow(self, handle: RunHandle, link: Link, *, patience_s: float) -> Ended:
        """Read the run to its end, as `Follower.follow`."""
        follower = Follower(
            self.header,
            link,
            means=self._means,
            listener=self.listener,
            journal=self.journal,
            patience_s=patience_s,
        )
        try:
            return await follower.follow(handle)
        finally:
            self._timings |= follower.timings

    def attempt_failed(self, cause: str | None, sentence: str | None, wait_s: float) -> None:
        """This attempt is over, and another one comes."""
        self._failed.append(self._attempt(cause, sentence))
        detail = f"attempt {self._number} ended: {cause}; the next one in {wait_s:g} s"
        self.journal.note("retry", detail)
        self.listener.on_note(f"attempt {self._number} ended ({cause}); trying again")

    def attempt_stands(self) -> None:
        """The other one did not come: this attempt gives the result."""
        self._failed.pop()

    def close(self, ended: Ended) -> RunRecord:
        """Write the run's end."""
        cause = ended.cause or next((launch.cause for launch in ended.launches if launch.cause), None)
        record = close_run(
            self._means,
            self.journal,
            self.header,
            ended,
            attempts=[*self._failed, self._attempt(cause, ended.sentence)],
            timings=self.prepared.starter.timings | self._timings,
        )
        self.listener.on_state(record.state)
        return record

    def close_untold(self, cause: str, error: HubError | None = None) -> RunRecord:
        """Write the end of a run of which the phone has told nothing."""
        conditions = ConditionsReader(self.header).finish()
        return self.close(ended_by(error, cause, conditions) if error else Ended(cause, conditions))

    def _attempt(self, cause: str | None, sentence: str | None) -> Attempt:
        return Attempt(number=self._number, phone_run_id=self.phone_run_id, cause=cause, sentence=sentence)
