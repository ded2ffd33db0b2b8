"""Looks on while another process carries a run: the store tells its states, the phone what the model says."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

from devicehub.dispatch.journal import is_alive
from devicehub.dispatch.outcome import read_header
from devicehub.dispatch.reader import RunReader
from devicehub.errors import AdbError, RunnerError
from devicehub.runner.launch import Runner
from devicehub.runs.lifecycle import RunState

if TYPE_CHECKING:
    from devicehub.adb.client import Transport
    from devicehub.dispatch.means import Means
    from devicehub.dispatch.request import RunListener
    from devicehub.store.model import RunRow

_LOOK_S: Final = 0.5
_NOT_ON_PHONE: Final = frozenset({RunState.QUEUED, RunState.CHECKING, RunState.DEPLOYING, RunState.STARTING})


def is_carried(row: RunRow) -> bool:
    """Whether a living process carries the run."""
    return (
        row.owner_pid is not None
        and row.owner_started is not None
        and is_alive(row.owner_pid, row.owner_started)
    )


async def watch(row: RunRow, transport: Transport | None, means: Means, listener: RunListener) -> RunRow:
    """Tell the listener of a run until its end, or until nobody carries it; the run as it is then."""
    async with asyncio.TaskGroup() as tasks:
        speaking = tasks.create_task(_speak(row, transport, means, listener)) if transport else None
        while not RunState(row.state).is_end and is_carried(row):
            await means.clock.sleep(_LOOK_S)
            before, row = row, means.store.run(row.id)
            if row.state != before.state and not RunState(row.state).is_end:
                listener.on_state(RunState(row.state))
        if speaking is not None:
            speaking.cancel()
    return row


async def _speak(row: RunRow, transport: Transport, means: Means, listener: RunListener) -> None:
    """The model's text from the phone; a broken link, or an attempt that ends, ends only this."""
    header = read_header(row.request)
    if header is None:
        return
    while RunState(row.state) in _NOT_ON_PHONE:
        await means.clock.sleep(_LOOK_S)
        row = means.store.run(row.id)
    reader = RunReader(header)
    runner = Runner(transport, agent_dir=means.agent, clock=means.clock)
    with contextlib.suppress(AdbError, RunnerError):
        pieces = runner.follow(await runner.find(row.phone_run_id))
        async with contextlib.aclosing(pieces):
            async for item in pieces:
                listener.on_text(reader.feed(item))
