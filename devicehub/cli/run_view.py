"""What a person sees of runs under way: steps, text, notes; and the end of the commands that carry them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from devicehub.cli.exit_codes import ExitCode
from devicehub.cli.output import Progress, print_json, say
from devicehub.cli.record_table import print_records
from devicehub.errors import ApiError, HubError
from devicehub.runs.lifecycle import RunState

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from devicehub.api.model import RunView
    from devicehub.cli.at_hub import Place
    from devicehub.runs.model import RunRecord

_STEPS: Final = {
    RunState.CHECKING: "checking",
    RunState.DEPLOYING: "pushing",
    RunState.STARTING: "starting the run through the agent",
    RunState.RUNNING: "running",
    RunState.DETACHED: "out of reach; the run goes on",
    RunState.COLLECTING: "collecting",
}


class Narration:
    """Shows one run as it happens.

    Args:
        label: stands before each line of narration, to tell phones apart.
        stream_text: print the model's text to stdout as it comes.
        alone: no other run is shown at the same time.
    """

    def __init__(self, label: str, *, stream_text: bool, alone: bool = True) -> None:
        self._alone = alone
        self._label = label
        self._stream_text = stream_text
        self._progress: Progress | None = None
        self._moving: tuple[str, int] | None = None
        self._moved = 0
        self._column = 0

    def on_state(self, state: RunState) -> None:
        """Tell the step."""
        self.close()
        if state in _STEPS:
            say(f"{self._label}: {_STEPS[state]}")

    def on_transfer(self, label: str, total: int) -> Callable[[int], None]:
        """Show how far a push is."""
        self._end_progress()
        self._progress = Progress(f"{self._label}: {label}", total, alone=self._alone)
        return self._progress.advance

    def on_progress(self, label: str, done: int, total: int) -> None:
        """Show how far a push is of which another process tells."""
        if self._moving != (label, total) or done < self._moved:
            self._moving, self._moved = (label, total), 0
            self.on_transfer(label, total)
        if self._progress is not None:
            self._progress.advance(done - self._moved)
        self._moved = done

    def on_text(self, text: str) -> None:
        """Print what the model says."""
        if self._stream_text and text:
            print(text, end="", flush=True)
            self._column = 0 if text.endswith("\n") else 1

    def on_note(self, text: str) -> None:
        """Tell it."""
        self.close()
        say(f"{self._label}: {text}")

    def on_samples(self, data: bytes) -> None:
        """Show nothing of them."""

    def close(self) -> None:
        """Leave the cursor at the beginning of a line, however the run ended."""
        self._end_progress()
        self._end_line()

    def _end_progress(self) -> None:
        if self._progress is not None:
            self._progress.close()
            self._progress = None

    def _end_line(self) -> None:
        if self._column:
            print(flush=True)
            self._column = 0


async def fetch_records(place: Place, ended: Mapping[str, RunView | HubError]) -> list[RunRecord | HubError]:
    """What is stored of runs that have ended; an error stays what it is.

    Raises:
        ApiError: a record cannot be read.
    """
    from devicehub.api.contract import RUN_RECORDS, RecordsQuery

    found: list[RunRecord | HubError] = []
    async with place.client() as client:
        for run_id, view in ended.items():
            if isinstance(view, HubError):
                found.append(view)
                continue
            page = await client.call(RUN_RECORDS, RecordsQuery(runs=[run_id]))
            found += map(read_record, page.records)
    return found


def read_record(document: Mapping[str, Any]) -> RunRecord:
    """The record of a run as the hub sends it.

    Raises:
        ApiError: it cannot be read.
    """
    import msgspec

    from devicehub.runs.model import RunRecord

    try:
        return msgspec.convert(document, RunRecord)
    except msgspec.ValidationError as error:
        problem = f"the record of run {document.get('id')} is not understood ({error}); upgrade this client"
        raise ApiError(problem, code=0) from None


def finish(records: Sequence[RunRecord | HubError], *, as_json: bool) -> None:
    """Print what came of the runs and end the process: status 0 when every run succeeded, 1 when one did not.

    Args:
        records: of each run; an error of one that was left to its phone.
        as_json: print one record a line.

    Raises:
        HubError: the first of those that the hub met; the others were said.
    """
    ended = [record for record in records if not isinstance(record, HubError)]
    if as_json:
        for record in ended:
            if record.error is None or record.attempts:  # one that was refused has nothing to tell but that
                print_json(record)
    # A run without a launch has nothing to show but its error.
    elif shown := [record for record in ended if record.error is None or record.launches]:
        print_records(shown)
    errors = [error for error in map(_error_of, records) if error is not None]
    for error in errors[1:]:
        say(f"devicehub: {error}")
    if errors:
        raise errors[0]
    good = all(record.verdict == "succeeded" for record in ended)
    sys.exit(ExitCode.OK if good else ExitCode.FAILED)


def _error_of(record: RunRecord | HubError) -> HubError | None:
    if isinstance(record, HubError):
        return record
    return problem_error(record)


def problem_error(record: RunRecord) -> HubError | None:
    """What the hub met and ended a run, as the hub would have answered it; None where there is none."""
    if record.error is None:
        return None
    return ApiError(record.error.sentence, code=0, kind=record.error.kind, again=record.error.transient)
