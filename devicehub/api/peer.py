"""One client from its hello to its end: what it asks, what it is told, and when it has to go."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from typing import TYPE_CHECKING, Any, Final

import msgspec
from websockets.exceptions import ConnectionClosed

from devicehub import __version__
from devicehub.api import contract
from devicehub.api.auth import capabilities, needed
from devicehub.api.caller import Caller
from devicehub.api.contract import METHODS, PROTOCOL, Capability, Hello, Welcome
from devicehub.api.events import Listener, find_mistake
from devicehub.api.limits import HELLO_S, MOST_REQUESTS_S, MOST_UNDER_WAY, Rate
from devicehub.api.outbox import Outbox
from devicehub.api.rpc import (
    MOST_REPLY_BYTES,
    CloseCode,
    ErrorCode,
    Problem,
    Request,
    describe_invalid,
    encode_result,
    parse_request,
)
from devicehub.errors import HubError, InputError

if TYPE_CHECKING:
    from websockets.asyncio.server import ServerConnection

    from devicehub.api.caller import Handler
    from devicehub.api.contract import Method
    from devicehub.api.server import ApiServer

log = logging.getLogger(__name__)

CLOSE_S: Final = 2.0
"""How long a client may take to agree to the end, in seconds."""
_SEND_S: Final = 30.0
"""How long it may take to read one frame."""
_GATHER_S: Final = 0.02
"""How long events wait for others to go with, in seconds: a frame costs more than what it carries."""
_MOST_NAME: Final = 64
_MOST_REASON: Final = 120  # bytes; a close frame has no room for more
_ENDING_WITH_CLIENT: Final = (Capability.READ, Capability.SHELL)
"""Requests that nobody needs once the client has gone; the others go on to their end."""
_ANY_PROTOCOL: Final = (contract.PING.name, contract.STATUS.name, contract.STOP.name)
"""What a client of another version of the contract may ask."""


class Peer:
    """One connection; the server's handlers, events and limits hold for it."""

    def __init__(self, server: ApiServer, socket: ServerConnection, number: int, *, local: bool) -> None:
        self._server = server
        self._socket = socket
        self._work = asyncio.Event()
        self._flush: asyncio.TimerHandle | None = None
        self._fell_behind = asyncio.Event()
        self._outbox = Outbox(self._wake)
        self._listener = Listener(server.bus.epoch, self._outbox)
        self._rate = Rate(now=server.clock.monotonic_s())
        self._caller = Caller("", local, number, self._listener.send)
        self._protocol = PROTOCOL
        self._allowed = capabilities(local=local)
        self._under_way = 0

    async def serve(self) -> None:
        """Answer until the client goes, or has to."""
        try:
            async with asyncio.timeout(HELLO_S):
                problem = await self._greet()
        except TimeoutError:
            problem = Problem(None, ErrorCode.NOT_AUTHENTICATED, "no hello came in time")
        except ConnectionClosed:
            return
        if problem is not None:
            await self._end(CloseCode.NOT_AUTHENTICATED, problem)
            return
        try:
            async with asyncio.TaskGroup() as tasks:
                await self._converse(tasks)
        finally:
            if self._flush is not None:
                self._flush.cancel()

    async def _converse(self, tasks: asyncio.TaskGroup) -> None:
        own = {tasks.create_task(self._write()), tasks.create_task(self._drop())}
        try:
            while await self._take(await self._socket.recv(decode=False), tasks, own):
                pass
        except ConnectionClosed:
            pass
        finally:
            self._server.bus.leave(self._listener)
            for task in own:
                task.cancel()

    async def _end(self, code: CloseCode, problem: Problem | None, reason: str = "") -> None:
        """Say why and close; a client that does not even read that is cut off."""
        text = (problem.text if problem is not None else reason).encode("utf-8", "replace")[:_MOST_REASON]
        with contextlib.suppress(TimeoutError, ConnectionClosed):
            async with asyncio.timeout(2 * CLOSE_S):
                if problem is not None:
                    await self._socket.send(problem.encode(), text=True)
                await self._socket.close(code, text.decode("utf-8", "ignore"))
        self._socket.transport.abort()

    # Hello

    async def _greet(self) -> Problem | None:
        """Hear who it is and welcome it; else why not."""
        request = parse_request(await self._socket.recv(decode=False))
        if isinstance(request, Problem):
            return request
        if request.method != contract.HELLO.name:
            text = "say hello first, with the hub's token"
            return Problem(request.id, ErrorCode.NOT_AUTHENTICATED, text)
        try:
            hello = msgspec.json.decode(request.params, type=Hello)
        except msgspec.DecodeError as error:
            return Problem(request.id, ErrorCode.INVALID_PARAMS, describe_invalid(request.method, error))
        if not self._server.access.knows(hello.token):
            return Problem(request.id, ErrorCode.NOT_AUTHENTICATED, "this is not the hub's token")
        who = "".join(letter if letter.isprintable() else "?" for letter in hello.client[:_MOST_NAME])
        self._caller = Caller(who, self._caller.local, self._caller.connection, self._caller.send)
        self._protocol = hello.protocol
        welcome = Welcome(
            version=__version__,
            protocol=PROTOCOL,
            epoch=self._server.bus.epoch,
            local=self._caller.local,
            capabilities=self._allowed,
            seqs=self._server.bus.seqs(),
        )
        request_id = None if isinstance(request.id, msgspec.UnsetType) else request.id
        await self._socket.send(encode_result(request_id, welcome), text=True)
        return None

    # Requests

    async def _take(self, message: bytes, tasks: asyncio.TaskGroup, own: set[asyncio.Task[None]]) -> bool:
        """Begin to answer one message; False where the connection has ended over it."""
        if not self._rate.allows(self._server.clock.monotonic_s()):
            text = f"more than {MOST_REQUESTS_S} requests a second"
            problem = Problem(None, ErrorCode.TOO_MANY_REQUESTS, text)
            await self._end(CloseCode.TOO_MANY_REQUESTS, problem)
            return False
        request = parse_request(message)
        if isinstance(request, Problem):
            if request.code is ErrorCode.TOO_DEEP:
                await self._end(CloseCode.TOO_DEEP, request)
                return False
            self._outbox.put_reply(request.encode())
            return True
        if self._under_way >= MOST_UNDER_WAY:
            text = f"{MOST_UNDER_WAY} requests are under way"
            self._reply(request, Problem(request.id, ErrorCode.BUSY, text))
            return True
        self._under_way += 1
        method = METHODS.get(request.method)
        if method is not None and method.capability not in _ENDING_WITH_CLIENT:
            self._server.keep(self._answer(request, method))
            return True
        task = tasks.create_task(self._answer(request, method))
        own.add(task)
        task.add_done_callback(own.discard)
        return True

    async def _answer(self, request: Request, method: Method[Any, Any] | None) -> None:
        """Answer one request; whatever happens to it, nothing but a cancellation comes out of here."""
        try:
            reply = await self._perform(request, method)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            # Something that the method waited for was cancelled; its client waits for an answer all the same.
            log.warning("method %s was cancelled within", request.method)
            reply = Problem(request.id, ErrorCode.INTERNAL, f"{request.method}: was given up by the hub")
        except Exception as error:
            # A method that the hub stumbles over must not take the other clients along.
            refusal = _find_refusal(error)
            if refusal is None:
                log.exception("method %s failed", request.method)
                text = f"{request.method}: the hub failed; see its log"
                reply = Problem(request.id, ErrorCode.INTERNAL, text)
            else:
                data = {"kind": type(refusal).__name__, "transient": refusal.transient}
                reply = Problem(request.id, ErrorCode.REFUSED, str(refusal), data)
        finally:
            self._under_way -= 1
        self._reply(request, reply)

    def _reply(self, request: Request, reply: bytes | Problem) -> None:
        if not isinstance(request.id, msgspec.UnsetType):
            self._outbox.put_reply(reply.encode() if isinstance(reply, Problem) else reply)

    async def _perform(self, request: Request, method: Method[Any, Any] | None) -> bytes | Problem:
        checked = self._check(request, method)
        if isinstance(checked, Problem):
            return checked
        handler, params = checked
        if handler is not None:
            result = await handler(params, self._caller)
        elif mistake := find_mistake(params):
            return Problem(request.id, ErrorCode.INVALID_PARAMS, f"{request.method}: {mistake}")
        else:
            result = self._server.bus.subscribe(self._listener, params)
        reply = encode_result(None if isinstance(request.id, msgspec.UnsetType) else request.id, result)
        if len(reply) > MOST_REPLY_BYTES:
            return Problem(request.id, ErrorCode.TOO_LARGE, f"{request.method}: too much; ask for less")
        return reply

    def _check(
        self, request: Request, method: Method[Any, Any] | None
    ) -> tuple[Handler | None, Any] | Problem:
        """Who answers a request, and its parameters; None stands for the connection itself."""
        if request.method == contract.HELLO.name:
            return Problem(request.id, ErrorCode.INVALID_REQUEST, "hello was said already")
        handler = self._server.handlers.get(request.method)
        if method is None or (handler is None and method is not contract.SUBSCRIBE):
            text = f"there is no method {request.method[:_MOST_NAME]!r}"
            return Problem(request.id, ErrorCode.METHOD_NOT_FOUND, text)
        if self._protocol != PROTOCOL and method.name not in _ANY_PROTOCOL:
            text = f"this hub speaks version {PROTOCOL} of the API, not {self._protocol}: upgrade the older"
            return Problem(request.id, ErrorCode.WRONG_PROTOCOL, text)
        try:
            params = msgspec.json.decode(request.params, type=method.params)
        except msgspec.DecodeError as error:
            return Problem(request.id, ErrorCode.INVALID_PARAMS, describe_invalid(method.name, error))
        if missing := needed(method, params) - set(self._allowed):
            text = f"{method.name}: only a client on the hub's own host may name its paths or programs"
            return Problem(request.id, ErrorCode.NOT_ALLOWED, text, {"missing": sorted(missing)})
        return handler, params

    # Events and replies on their way out

    def _wake(self, haste: bool) -> None:
        if self._outbox.is_full:
            self._fell_behind.set()
        elif haste:
            self._work.set()
        elif self._flush is None:
            self._flush = asyncio.get_running_loop().call_later(_GATHER_S, self._send_now)

    def _send_now(self) -> None:
        self._flush = None
        self._work.set()

    async def _write(self) -> None:
        """Send what waits, in its order, and between that what the client missed."""
        try:
            while True:
                await self._work.wait()
                self._work.clear()
                while (frame := self._next_frame()) is not None:
                    async with asyncio.timeout(_SEND_S):
                        await self._socket.send(frame, text=True)
                    # Sending need not wait; a long replay must let the other clients have their turn.
                    await self._server.clock.sleep(0)
        except TimeoutError:
            self._fell_behind.set()
        except ConnectionClosed:
            pass

    def _next_frame(self) -> bytes | None:
        try:
            return self._outbox.next_frame() or self._server.bus.catch_up(self._listener)
        except LookupError:
            self._fell_behind.set()
        except HubError as error:
            log.warning("a client cannot be given what it missed: %s", error)
            self._fell_behind.set()
        return None

    async def _drop(self) -> None:
        """Close on a client that reads too slowly; it may ask for what it missed when it comes again."""
        await self._fell_behind.wait()
        self._server.bus.leave(self._listener)
        await self._end(CloseCode.FELL_BEHIND, None, "read too slowly")


def _find_refusal(error: Exception) -> HubError | None:
    """The hub's own error, or what the system has against a file; also out of a group of tasks, else None."""
    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    if isinstance(error, ExceptionGroup):
        found = [_find_refusal(inner) for inner in error.exceptions]
        return None if None in found else found[0]
    if isinstance(error, OSError) and error.filename is not None:
        name, problem = os.fsdecode(error.filename), f"cannot be used: {error.strerror}"
        return InputError(name, problem, remedy="see that the hub may use it, or name another")
    return error if isinstance(error, HubError) else None
