"""A run of a test: asked of the hub, waited for, stopped with the test, and what came of it."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from devicehub.api.contract import RUN, RUN_RECORDS, RUN_START, RUN_STOP, RecordsQuery, RunNamed
from devicehub.cli.following import Following
from devicehub.cli.run_view import Narration, fetch_records, read_record
from devicehub.clock import SystemClock
from devicehub.errors import HubError, InputError
from devicehub.files import read_file
from devicehub.runs.ask import RunAsk
from devicehub.runs.lifecycle import RunState
from devicehub.testing.threads import wait_for
from devicehub.workloads.suite_file import read_suite

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from devicehub.api.model import RunView
    from devicehub.runs.model import RunRecord
    from devicehub.testing.hub import TestHub
    from devicehub.workloads.suite import Suite

_START_S: Final = 90.0
_STOP_S: Final = 30.0
_LOOK_S: Final = 0.2
_PATHS: Final = ("prompts_file", "media_folder")
_OURS: Final = frozenset({"selectors", "spread"})


@dataclass(frozen=True)
class Told:
    """Who hears of a run before it is waited for no more.

    Attributes:
        began: of its id: from now on somebody must stop it.
        ended: of its id: nobody has to any more.
        stopped: of its record, where it was stopped.
    """

    began: Callable[[str], None]
    ended: Callable[[str], None]
    stopped: Callable[[RunRecord], None]


class RunOverdueError(HubError):
    """A run had not ended in its time and is stopped.

    Attributes:
        run_id: names it.
        waited: the last that was told of it.
    """

    def __init__(self, run_id: str, serial: str, timeout_s: float, waited: str) -> None:
        super().__init__(run_id, serial, timeout_s, waited)
        self.run_id = run_id
        self.serial = serial
        self.timeout_s = timeout_s
        self.waited = waited

    def __str__(self) -> str:
        waited = f" (last: {self.waited})" if self.waited else ""
        late = f"run {self.run_id} on {self.serial} had not ended after {self.timeout_s:g} s"
        return f"{late} and is stopped{waited}; give it a longer timeout_s, or set devicehub_timeout_s"


def make_ask(serial: str, fields: Mapping[str, Any]) -> RunAsk:
    """What `run_model` asks of the hub.

    Raises:
        InputError: a field that there is not, that is the phone's, or whose value cannot be.
        ConfigError: the file of a prompt suite is wrong.
    """
    known = [name for name in RunAsk.__struct_fields__ if name not in _OURS]
    for name in fields:
        if name not in known:
            raise InputError(
                f"run_model({name}=...)", "is no field of a run", remedy=f"it takes {', '.join(known)}"
            )
    given = {name: value for name, value in fields.items() if value is not None}
    if isinstance(given.get("suite"), str | Path):
        given["suite"] = _read_suite(Path(given["suite"]))
    for name in _PATHS:
        if name in given:
            given[name] = str(Path(given[name]).absolute())  # the hub has another working directory
    try:
        return msgspec.convert({**given, "selectors": [serial]}, RunAsk)
    except msgspec.ValidationError as error:
        raise InputError(
            "run_model()", f"asks for what cannot be ({error})", remedy="mend the value"
        ) from None


def _read_suite(file: Path) -> Suite:
    try:
        return read_suite(read_file(file, remedy="give a prompt suite").decode(), file)
    except UnicodeDecodeError:
        raise InputError(file, "is not UTF-8", remedy="save the file as UTF-8") from None


def carry(
    hub: TestHub,
    ask: RunAsk,
    *,
    timeout_s: float,
    told: Told,
) -> RunRecord:
    """Have a run made and wait for its end; what interrupts that stops the run.

    Args:
        hub: of the phone.
        ask: what is run, on one phone.
        timeout_s: how long it may take, its place in the queue included.
        told: hears of it meanwhile.

    Raises:
        RunOverdueError: it took longer.
        HubError: the hub refuses it, went away, or its phone stays away.
    """
    return wait_for(_carry(hub, ask, timeout_s, told))


async def _carry(hub: TestHub, ask: RunAsk, timeout_s: float, told: Told) -> RunRecord:
    async with hub.client() as client:
        [view] = await client.call(RUN_START, ask, timeout_s=_START_S)
    told.began(view.id)
    waiting = _Waiting(view.serial or view.id)
    # Its own way to stop them needs the connection that it may still be making.
    following = Following(hub.place, {view.id: waiting}, stops=False)
    try:
        async with asyncio.timeout(timeout_s):
            found: Mapping[str, RunView | HubError] = await following.ends()
    except asyncio.CancelledError:
        await _stop(hub, view.id, told)
        raise
    except TimeoutError:
        await _stop(hub, view.id, told)
        raise RunOverdueError(view.id, view.serial or ask.selectors[0], timeout_s, waiting.last) from None
    told.ended(view.id)
    [record] = await fetch_records(hub.place, found)
    if isinstance(record, HubError):
        raise record
    return record


async def _stop(hub: TestHub, run_id: str, told: Told) -> None:
    """End a run and tell how it ended, unless that takes long, or the hub does not answer."""
    clock = SystemClock()
    with contextlib.suppress(HubError, TimeoutError):
        async with asyncio.timeout(_STOP_S), hub.client() as client:
            view = await client.call(RUN_STOP, RunNamed(run=run_id))
            while not RunState(view.state).is_end:
                await clock.sleep(_LOOK_S)
                view = (await client.call(RUN, RunNamed(run=run_id))).run
            told.ended(run_id)
            page = await client.call(RUN_RECORDS, RecordsQuery(runs=[run_id]))
            for record in map(read_record, page.records):
                told.stopped(record)


class _Waiting(Narration):
    """Shows nothing of a run, and keeps the last that was told of it."""

    def __init__(self, label: str) -> None:
        super().__init__(label, stream_text=False)
        self.last = ""

    def on_state(self, state: object) -> None:
        """Keep the step."""
        self.last = str(state)

    def on_progress(self, label: str, done: int, total: int) -> None:
        """Keep how far a push is."""
        self.last = f"{label}, {done} of {total} bytes"

    def on_note(self, text: str) -> None:
        """Keep what was told."""
        self.last = text
