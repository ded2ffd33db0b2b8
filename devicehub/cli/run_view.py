"""What a person sees of runs: steps, text, the table of counters."""

from __future__ import annotations

import asyncio
import statistics
import sys
from typing import TYPE_CHECKING, Final

from devicehub.cli.exit_codes import ExitCode
from devicehub.cli.output import Progress, emphasize, print_json, print_table, say
from devicehub.errors import HubError
from devicehub.runs.lifecycle import RunState
from devicehub.units import format_bytes, format_celsius, format_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from devicehub.device.model import Device
    from devicehub.dispatch.carrier import Outcome
    from devicehub.dispatch.request import RunRequest
    from devicehub.hub import Hub
    from devicehub.runs.model import RunHeader, RunRecord

_STEPS: Final = {
    RunState.CHECKING: "checking",
    RunState.DEPLOYING: "pushing",
    RunState.STARTING: "starting the run through the agent",
    RunState.RUNNING: "running",
    RunState.DETACHED: "out of reach; the run goes on",
    RunState.COLLECTING: "collecting",
}


class RunView:
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

    def on_text(self, text: str) -> None:
        """Print what the model says."""
        if self._stream_text and text:
            print(text, end="", flush=True)
            self._column = 0 if text.endswith("\n") else 1

    def on_note(self, text: str) -> None:
        """Tell it."""
        self.close()
        say(f"{self._label}: {text}")

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


async def carry_all(
    hub: Hub, pairs: Sequence[tuple[RunRequest, Device]], *, as_json: bool
) -> list[Outcome | HubError]:
    """Carry every run to its end, all phones at a time; one that fails to run leaves the others alone.

    The model's text streams where there is one phone.
    """
    alone = len(pairs) == 1
    async with asyncio.TaskGroup() as tasks:
        carried = [
            tasks.create_task(_carry(hub, *pair, stream_text=alone and not as_json, alone=alone))
            for pair in pairs
        ]
    return [task.result() for task in carried]


async def _carry(
    hub: Hub, request: RunRequest, device: Device, *, stream_text: bool, alone: bool
) -> Outcome | HubError:
    view = RunView(device.serial, stream_text=stream_text, alone=alone)
    try:
        return await hub.run(request, device, view)
    except HubError as error:
        return error
    finally:
        view.close()


async def start_all(hub: Hub, pairs: Sequence[tuple[RunRequest, Device]]) -> list[RunHeader | HubError]:
    """Start every run and leave it to its phone."""

    async def start(request: RunRequest, device: Device) -> RunHeader | HubError:
        view = RunView(device.serial, stream_text=False, alone=len(pairs) == 1)
        try:
            return await hub.start(request, device, view)
        except HubError as error:
            return error
        finally:
            view.close()

    async with asyncio.TaskGroup() as tasks:
        started = [tasks.create_task(start(*pair)) for pair in pairs]
    return [task.result() for task in started]


def finish(outcomes: Sequence[Outcome | RunHeader | HubError], *, as_json: bool) -> None:
    """Print what came of the runs and end the process: status 0 when every run succeeded, 1 when one did not.

    Raises:
        HubError: the first of those that the hub met; the others were said.
    """
    records, headers, errors = _sort(outcomes)
    if as_json:
        for header in headers:
            print_json({"id": header.id, "state": "running", "serial": header.device.serial})
        for record, _ in records:
            print_json(record)
    else:
        for header in headers:
            print(f"{header.id}  {header.device.serial}")
        # A run without a launch has nothing to show but its error.
        if shown := [record for record, error in records if error is None or record.launches]:
            print_records(shown)
    errors = [*errors, *(error for _, error in records if error is not None)]
    for error in errors[1:]:
        say(f"devicehub: {error}")
    if errors:
        raise errors[0]
    good = all(record.verdict == "succeeded" for record, _ in records)
    sys.exit(ExitCode.OK if good else ExitCode.FAILED)


def _sort(
    outcomes: Sequence[Outcome | RunHeader | HubError],
) -> tuple[list[tuple[RunRecord, HubError | None]], list[RunHeader], list[HubError]]:
    from devicehub.runs.model import RunHeader

    records: list[tuple[RunRecord, HubError | None]] = []
    headers: list[RunHeader] = []
    errors: list[HubError] = []
    for outcome in outcomes:
        if isinstance(outcome, HubError):
            errors.append(outcome)
        elif isinstance(outcome, RunHeader):
            headers.append(outcome)
        else:
            records.append((outcome.record, outcome.error))
    return records, headers, errors


def print_records(records: Sequence[RunRecord]) -> None:
    """Print the counters, a column a run, and for each run that failed why and what to do."""
    print()
    headers = ["", *(_title(record) for record in records)]
    rows = [[name, *(cell(record) for record in records)] for name, cell in _ROWS]
    print_table(headers, [row for row in rows if any(value not in (None, "-") for value in row[1:])])
    for record in records:
        if record.verdict != "succeeded":
            _print_failure(record)
    if any(record.virtual for record in records):
        print("\nvirtual: the engine ran on this host in a simulated phone; its speeds are not a phone's")
    sys.stdout.flush()


def _print_failure(record: RunRecord) -> None:
    """Why a run gave no figures, the lines that prove it, and what to do."""
    print(emphasize(f"\n{record.id} {record.verdict or record.state}: {record.cause}"))
    failed = next((launch for launch in record.launches if launch.cause == record.cause), None)
    for line in [*(failed.evidence if failed else ()), *(failed.crash if failed else ())]:
        print(f"  | {line}")
    for reason in record.trust_reasons if failed is None else ():
        print(f"  | {reason}")
    for line in record.diagnosis:
        print(f"  > {line}")
    from devicehub.dispatch.outcome import remedy_for

    if remedy := remedy_for(record):
        print(f"  {remedy}")


def _title(record: RunRecord) -> str:
    name = record.device.product or record.device.serial
    return f"{name} (virtual)" if record.virtual and "irtual" not in name else name


def _counter(field: str, digits: int) -> Callable[[RunRecord], str | None]:
    def cell(record: RunRecord) -> str | None:
        value = _median(record, field)
        return None if value is None else f"{value:.{digits}f}"

    return cell


def _median(record: RunRecord, field: str) -> float | None:
    """Over the launches, each with its last row; of a single one the figure itself."""
    rows = [launch.records[-1] for launch in record.launches if launch.records]
    values = [value for row in rows if (value := getattr(row, field)) is not None]
    return statistics.median(values) if values else None


def _source(record: RunRecord) -> str | None:
    records = record.launches[-1].records if record.launches else []
    return f"text stdout, counters {records[-1].source}" if records else None


def _launches(record: RunRecord) -> str | None:
    count = len(record.launches)
    if count <= 1:
        return "1 launch, no spread" if count else None
    spread = record.summary.decode_tok_s if record.summary else None
    if spread is None:
        return f"{count} launches"
    return f"{count} launches, decode {spread.lowest:.2f} to {spread.highest:.2f} tok/s"


def _push(record: RunRecord) -> str:
    timings = record.timings
    if timings.push_mb_s is None:
        return "nothing to push"
    return f"{timings.push_mb_s:.1f} ({format_bytes(timings.pushed_bytes)})"


def _temperatures(record: RunRecord) -> str | None:
    conditions = record.conditions
    if conditions.temp_mc_start is None:
        return None
    start = format_celsius(conditions.temp_mc_start)
    return start if conditions.temp_mc_end is None else f"{start} to {format_celsius(conditions.temp_mc_end)}"


def _verdict(record: RunRecord) -> str:
    verdict = record.verdict or str(record.state)
    return verdict if record.cause in (None, verdict) else f"{verdict}: {record.cause}"


_ROWS: Final[tuple[tuple[str, Callable[[RunRecord], object]], ...]] = (
    ("serial", lambda record: record.device.serial),
    ("SoC", lambda record: record.device.soc.model or record.device.soc.name),
    ("Android", lambda record: record.device.android),
    ("engine", lambda record: record.engine.name),
    ("model", lambda record: record.model.name),
    ("profile", lambda record: record.profile or None),
    ("verdict", _verdict),
    ("load ms", _counter("load_ms", 1)),
    ("prompt tokens", _counter("prompt_tokens", 0)),
    ("decode tokens", _counter("decode_tokens", 0)),
    ("prefill tok/s", _counter("prefill_tok_s", 2)),
    ("decode tok/s", _counter("decode_tok_s", 2)),
    ("read from", _source),
    ("launches", _launches),
    ("push MB/s", _push),
    ("temperature", _temperatures),
    ("time: check", lambda record: format_ms(record.timings.check_ms)),
    ("time: push engine", lambda record: format_ms(record.timings.push_engine_ms)),
    ("time: push model", lambda record: format_ms(record.timings.push_model_ms)),
    ("time: start", lambda record: format_ms(record.timings.start_ms)),
    ("time: run", lambda record: format_ms(record.timings.run_ms)),
    ("time: collect", lambda record: format_ms(record.timings.collect_ms)),
)
