"""The client's half of a shell session: this program's streams, or its terminal, at a phone's command."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from typing import TYPE_CHECKING, Final, Protocol

from devicehub.api.contract import SHELL_INPUT, SHELL_OPEN, P, R, ShellInput, ShellOpen
from devicehub.api.model import ShellSaid
from devicehub.cli import stdio
from devicehub.errors import ApiError, HubUnreachable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from devicehub.api.contract import Method
    from devicehub.api.model import Event

_SEEN_EVENTS: Final = 32
_SEEN_BYTES: Final = 128 * 1024
"""So often the hub is told how far we are: well before it waits for us."""
_INPUT_S: Final = 24 * 3600.0
"""A command may let its input wait for as long as it likes."""


class Hub(Protocol):
    """What a session needs of a connection to the hub."""

    async def call(self, method: Method[P, R], params: P | None = None, *, timeout_s: float = 30.0) -> R:
        """Ask it."""

    def events(self) -> AsyncIterator[Event]:
        """What it pushes; ends, or raises HubUnreachable, when it goes away."""


async def run_session(client: Hub, device: str, argv: Sequence[str], *, terminal: bool) -> int:
    """Run a command on a phone with this program's stdin, stdout and stderr; its exit status.

    Args:
        client: of the hub.
        device: the phone.
        argv: the command; empty for an interactive shell, which needs a terminal.
        terminal: the phone gives it a terminal, of the size of ours.

    Raises:
        ApiError: the phone does not start it, or went away meanwhile.
        HubUnreachable: the hub went away.
    """
    opening = ShellOpen(
        device=device,
        argv=list(argv),
        terminal=_size() if terminal else None,
        term=os.environ.get("TERM") if terminal else None,
    )
    name = await client.call(SHELL_OPEN, opening)
    session = _Session(client, name)
    if not terminal:
        return await session.run(escape=None)
    with stdio.raw_terminal(), stdio.on_resize(session.tell_size):
        return await session.run(escape=stdio.Escape())


class _Session:
    def __init__(self, client: Hub, name: str) -> None:
        self._client = client
        self._name = name
        self._news: asyncio.Queue[ShellInput] = asyncio.Queue()

    def tell_size(self) -> None:
        """Tell the phone our terminal's size."""
        self._news.put_nowait(ShellInput(session=self._name, terminal=_size()))

    async def run(self, *, escape: stdio.Escape | None) -> int:
        """Carry streams both ways; the exit status, 0 where the person left."""
        ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        async with asyncio.TaskGroup() as tasks:
            working = [
                tasks.create_task(self._show(ended)),
                tasks.create_task(self._feed(ended, escape)),
                tasks.create_task(self._tell()),
            ]
            status = await ended
            for task in working:
                task.cancel()
        return status

    async def _show(self, ended: asyncio.Future[int]) -> None:
        events = seen = size = 0
        async for event in self._client.events():
            said = event.data
            if not isinstance(said, ShellSaid) or said.session != self._name:
                continue
            if said.problem is not None:
                raise ApiError(said.problem, code=0, kind=said.kind)
            if said.status is not None:
                ended.set_result(said.status)
                return
            await stdio.write(2 if said.error else 1, said.data)
            events += 1
            size += len(said.data)
            if events - seen >= _SEEN_EVENTS or size >= _SEEN_BYTES:
                seen, size = events, 0
                self._news.put_nowait(ShellInput(session=self._name, seen=seen))
        raise HubUnreachable("the hub went away, and the shell with it")

    async def _feed(self, ended: asyncio.Future[int], escape: stdio.Escape | None) -> None:
        while data := await stdio.read(sys.stdin.fileno()):
            left = False
            if escape is not None:
                data, left = escape.take(data)
            if data:
                await self._give(ShellInput(session=self._name, data=data))
            if left and not ended.done():
                ended.set_result(0)
                return
        await self._give(ShellInput(session=self._name, end=True))

    async def _tell(self) -> None:
        while True:
            await self._give(await self._news.get())

    async def _give(self, given: ShellInput) -> None:
        try:
            await self._client.call(SHELL_INPUT, given, timeout_s=_INPUT_S)
        except ApiError:
            # It ended meanwhile, which the events tell.
            return


def _size() -> tuple[int, int]:
    size = shutil.get_terminal_size()
    return size.columns, size.lines
