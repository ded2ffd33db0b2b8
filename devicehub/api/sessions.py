"""Shell sessions: commands on phones whose input and output travel over the API.

A session belongs to the connection that opened it and ends with it. Its output goes to that connection alone,
and never far ahead of what the client says it has seen: a command that writes without end is held back on the
phone by adb's own flow control, so neither the hub nor the connection fills up.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import deque
from typing import TYPE_CHECKING, Final, Protocol

from devicehub.adb.shell import open_shell, quote
from devicehub.adb.wire import Exit, Stderr
from devicehub.api.contract import Nothing
from devicehub.api.model import ShellSaid
from devicehub.errors import AskError, DeviceGone, HubError
from devicehub.mistakes import describe_mistake

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType
    from typing import Self

    import msgspec

    from devicehub.adb.client import Transport
    from devicehub.adb.shell import Shell
    from devicehub.api.contract import SessionNamed, ShellInput, ShellOpen

log = logging.getLogger(__name__)

MOST_SESSIONS: Final = 4
"""Of one connection at a time; all of them together stay below what a connection may have unsent."""
AHEAD_BYTES: Final = 512 * 1024
AHEAD_EVENTS: Final = 200
"""A client says now and then how many events it has seen; a session waits when it is this far ahead of it."""
_PIECE: Final = 48 * 1024
_HELD_INPUT: Final = 1024 * 1024


class Listener(Protocol):
    """Whom a session belongs to: a caller of the API."""

    @property
    def connection(self) -> int:
        """The number of its connection."""

    @property
    def send(self) -> Callable[[str, msgspec.Struct], None]:
        """Sends an event to this connection alone; never blocks."""


class Sessions:
    """All shell sessions of the hub; they end with the `async with` block."""

    def __init__(self) -> None:
        self._tasks = asyncio.TaskGroup()
        self._open: dict[tuple[int, str], _Session] = {}

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for session in self._open.values():
            session.end()
        await self._tasks.__aexit__(kind, error, traceback)

    async def open(self, transport: Transport, params: ShellOpen, caller: Listener) -> str:
        """Start a command, or an interactive shell; the session's name.

        Raises:
            AskError: the connection has as many sessions as it may, or wants a shell without a terminal.
            AdbRefused, DeviceGone, DeviceUnauthorized: the phone does not start it.
        """
        if sum(number == caller.connection for number, _ in self._open) >= MOST_SESSIONS:
            raise AskError(f"{MOST_SESSIONS} shell sessions are open on this connection; close one first")
        if not params.argv and params.terminal is None:
            raise AskError("an interactive shell needs a terminal; name a command")
        session = _Session(secrets.token_hex(8), params, caller)
        key = (caller.connection, session.name)
        self._open[key] = session
        session.task = self._tasks.create_task(session.carry(transport))
        # Not in the task itself: one that is cancelled before it began has no end of its own.
        session.task.add_done_callback(lambda _: self._forget(key))
        await session.started()
        return session.name

    async def input(self, params: ShellInput, caller: Listener) -> Nothing:
        """Give a session input, at its pace.

        Raises:
            AskError: the connection never had such a session, or it has ended.
        """
        session = self._find(params.session, caller)
        if params.seen is not None:
            await session.take_seen(params.seen)
        await session.take_input(params)
        return Nothing()

    async def close(self, params: SessionNamed, caller: Listener) -> Nothing:
        """End a session; the phone hangs up on its command.

        Raises:
            AskError: as `input`.
        """
        self._find(params.session, caller).end()
        return Nothing()

    def drop(self, connection: int) -> None:
        """End the sessions of a connection that has gone."""
        for (number, _), session in self._open.items():
            if number == connection:
                session.end()

    def _find(self, name: str, caller: Listener) -> _Session:
        session = self._open.get((caller.connection, name))
        if session is None:
            raise AskError(f"no shell session {name[:40]!r} is open on this connection")
        return session

    def _forget(self, key: tuple[int, str]) -> None:
        self._open.pop(key).never_started()


class _Session:
    """One command under way."""

    task: asyncio.Task[None]

    def __init__(self, name: str, params: ShellOpen, caller: Listener) -> None:
        self.name = name
        self._params = params
        self._caller = caller
        self._started: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._moved = asyncio.Condition()
        self._ended = False
        self._input: deque[ShellInput] = deque()
        self._unseen: deque[int] = deque()
        """The size of each event that the client has not seen yet."""
        self._seen = 0

    async def started(self) -> None:
        """Wait until the phone has started it; raises why it did not."""
        try:
            await asyncio.shield(self._started)
        except asyncio.CancelledError:  # whoever asked for it
            self.end()
            raise

    def never_started(self) -> None:
        """Answer who waits for the start of a session that was ended before it."""
        self._tell_started(AskError("the shell session was closed before the phone had started it"))

    def end(self) -> None:
        """Hang up on the command."""
        self.task.cancel()

    async def take_seen(self, count: int) -> None:
        """Hear how many events the client has seen in all."""
        async with self._moved:
            while self._unseen and self._seen < count:
                self._unseen.popleft()
                self._seen += 1
            self._moved.notify_all()

    async def take_input(self, params: ShellInput) -> None:
        """Take input as soon as there is room for it."""
        if not (params.data or params.end or params.terminal):
            return
        async with self._moved:
            await self._moved.wait_for(lambda: self._ended or self._held() < _HELD_INPUT)
            if self._ended:
                raise AskError(f"shell session {self.name} has ended")
            self._input.append(params)
            self._moved.notify_all()

    async def carry(self, transport: Transport) -> None:
        """Carry input and output until the command ends; tell how it did."""
        params = self._params
        last: ShellSaid
        try:
            terminal = params.terminal is not None
            async with open_shell(
                transport, quote(params.argv), terminal=terminal, term=params.term
            ) as shell:
                if params.terminal is not None:
                    await shell.resize(*params.terminal)
                self._tell_started(None)
                last = ShellSaid(session=self.name, status=await self._converse(shell))
        except HubError as error:
            if self._tell_started(error):
                return
            last = ShellSaid(session=self.name, problem=str(error), kind=type(error).__name__)
        except Exception as error:
            # One session that the hub stumbles over must not take the hub along.
            log.exception("shell session %s failed", self.name)
            if self._tell_started(HubError(describe_mistake(error))):
                return
            last = ShellSaid(session=self.name, problem=describe_mistake(error))
        finally:
            self._ended = True
            async with self._moved:
                self._moved.notify_all()
        self._caller.send("shell", last)

    def _tell_started(self, error: HubError | None) -> bool:
        """Answer whoever opened the session, once; whether it was told now."""
        if self._started.done():
            return False
        if error is None:
            self._started.set_result(None)
        else:
            self._started.set_exception(error)
            self._started.exception()  # whoever asked may have gone, and nobody else need hear of it
        return True

    async def _converse(self, shell: Shell) -> int:
        outcome: int | HubError
        async with asyncio.TaskGroup() as tasks:
            feeding = tasks.create_task(self._feed(shell))
            try:
                outcome = await self._read(shell)
            except HubError as error:  # leaves the group as itself, not as a group of one
                outcome = error
            feeding.cancel()
        if isinstance(outcome, HubError):
            raise outcome
        return outcome

    async def _read(self, shell: Shell) -> int:
        async for event in shell:
            if isinstance(event, Exit):
                return event.status
            error = isinstance(event, Stderr)
            for piece in _pieces(event.data):
                async with self._moved:
                    await self._moved.wait_for(self._has_room)
                    self._unseen.append(len(piece))
                self._caller.send("shell", ShellSaid(session=self.name, data=piece, error=error))
        raise AssertionError("a shell ends with Exit or an error")

    async def _feed(self, shell: Shell) -> None:
        try:
            while True:
                async with self._moved:
                    await self._moved.wait_for(lambda: bool(self._input))
                    given = self._input.popleft()
                    self._moved.notify_all()
                if given.terminal is not None:
                    await shell.resize(*given.terminal)
                if given.data:
                    await shell.write_stdin(given.data)
                if given.end:
                    await shell.close_stdin()
        except DeviceGone:
            pass  # a command may end without reading its stdin; if it was the phone, the reader says so
        except HubError as error:
            said = ShellSaid(session=self.name, data=f"{error}\n".encode(), error=True)
            self._caller.send("shell", said)

    def _has_room(self) -> bool:
        return len(self._unseen) < AHEAD_EVENTS and sum(self._unseen) < AHEAD_BYTES

    def _held(self) -> int:
        return sum(len(given.data) for given in self._input)


def _pieces(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), _PIECE):
        yield data[start : start + _PIECE]
