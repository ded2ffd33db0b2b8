"""The WebSocket server: where it listens, whom it lets in, and how it ends."""

from __future__ import annotations

import asyncio
import itertools
import logging
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, Self

from websockets.asyncio.server import ServerConnection, serve

from devicehub.api.caller import Caller as Caller
from devicehub.api.http import LOOPBACK, answer, own_origins, url_of
from devicehub.api.limits import HELLO_S, MOST_CONNECTIONS, MOST_SOCKETS
from devicehub.api.peer import CLOSE_S, Peer
from devicehub.api.rpc import MOST_REQUEST_BYTES, CloseCode
from devicehub.errors import ConfigError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Coroutine, Mapping, Sequence
    from types import TracebackType

    from websockets.asyncio.server import Server
    from websockets.http11 import Request, Response

    from devicehub.api.auth import Access
    from devicehub.api.caller import Handler as Handler
    from devicehub.api.events import Bus
    from devicehub.clock import Clock

log = logging.getLogger(__name__)
# What strangers send over the port is no news; what fails here is logged here.
_quiet = logging.getLogger(f"{__name__}.sockets")
_quiet.setLevel(logging.CRITICAL)

_PING_S: Final = 20.0
_PONG_S: Final = 60.0
"""How long a client may be unable to answer a ping, in seconds."""
_MOST_UNREAD: Final = 4
"""Messages of one client that are read ahead; each may have 1 MiB."""


@dataclass(frozen=True)
class Listen:
    """An address beside loopback, with the certificate that it shows."""

    host: str
    port: int
    tls: ssl.SSLContext


def _make_door(sockets: set[ServerConnection]) -> type[ServerConnection]:
    """Connections that count themselves, and are cut off at once where too many are open.

    Also those that never ask for anything hold a descriptor, and phones need descriptors.
    """

    class Door(ServerConnection):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            sockets.add(self)
            if len(sockets) > MOST_SOCKETS:
                self.transport.abort()

        def connection_lost(self, exc: Exception | None) -> None:
            sockets.discard(self)
            super().connection_lost(exc)

    return Door


class ApiServer:
    """Answers clients on loopback, and elsewhere where that is asked for.

    Clients of the other address are never taken for local ones, wherever they are.

    Args:
        handlers: by method name; `hello` and `subscribe` are answered here.
        bus: the events.
        access: the token.
        clock: counts requests.
        metrics: the text of /metrics.
        host: a loopback address.
        port: of it; 0 takes a free one.
        listen: another address, with TLS.
        on_disconnect: told the number of each connection that ends, after its requests have ended.
    """

    def __init__(
        self,
        handlers: Mapping[str, Handler],
        bus: Bus,
        access: Access,
        clock: Clock,
        *,
        metrics: Callable[[], bytes] = lambda: b"",
        host: str = "127.0.0.1",
        port: int = 0,
        listen: Listen | None = None,
        on_disconnect: Sequence[Callable[[int], None]] = (),
    ) -> None:
        if host not in LOOPBACK:
            raise ConfigError("is no loopback address; other ones need TLS", file="command line", key=host)
        self.handlers = dict(handlers)
        self.bus = bus
        self.access = access
        self.clock = clock
        self.url = ""
        """Where clients on this host reach it, once it listens."""
        self.listen_url: str | None = None
        """Where others do."""
        self._metrics = metrics
        self._host, self._port = host, port
        self._listen = listen
        self._on_disconnect = on_disconnect
        self._servers: list[Server] = []
        self._numbers = itertools.count(1)
        self._sockets: set[ServerConnection] = set()
        self._open: set[ServerConnection] = set()
        self._tasks = asyncio.TaskGroup()
        self._going_on: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        try:
            self.url = await self._begin(self._host, self._port, None)
            if (beside := self._listen) is not None:
                self.listen_url = await self._begin(beside.host, beside.port, beside.tls)
        except BaseException:
            await self._close()
            await self._tasks.__aexit__(None, None, None)
            raise
        return self

    async def _begin(self, host: str, port: int, tls: ssl.SSLContext | None) -> str:
        """Listen on one address; its url."""
        origins: set[str] = set()

        def ask_http(_socket: ServerConnection, request: Request) -> Response | None:
            return answer(request, access=self.access, origins=origins, metrics=self._metrics)

        server = await serve(
            partial(self._serve, local=tls is None),
            host,
            port,
            ssl=tls,
            process_request=ask_http,
            compression=None,
            open_timeout=HELLO_S,
            ping_interval=_PING_S,
            ping_timeout=_PONG_S,
            close_timeout=CLOSE_S,
            max_size=MOST_REQUEST_BYTES,
            max_queue=_MOST_UNREAD,
            logger=_quiet,
            server_header=None,
            create_connection=_make_door(self._sockets),
        )
        self._servers.append(server)
        port = server.sockets[0].getsockname()[1]
        origins |= own_origins(host, port, tls=tls is not None)
        return url_of(host, port, tls=tls is not None)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._close()
        await self._tasks.__aexit__(kind, error, trace)

    async def _close(self) -> None:
        for server in self._servers:
            server.close(code=CloseCode.GOING_AWAY, reason="the hub ends")
        closing = [asyncio.ensure_future(server.wait_closed()) for server in self._servers]
        if closing:
            await asyncio.wait(closing, timeout=2 * CLOSE_S)
            # A client that does not read would hold up the end for ever.
            for socket in list(self._sockets):
                socket.transport.abort()
            await asyncio.wait(closing)
        for task in self._going_on:
            task.cancel()

    @property
    def clients(self) -> int:
        """How many are connected."""
        return len(self._open)

    async def _serve(self, socket: ServerConnection, *, local: bool) -> None:
        number = next(self._numbers)
        if len(self._open) >= MOST_CONNECTIONS:
            await socket.close(CloseCode.TOO_MANY_CONNECTIONS, f"{MOST_CONNECTIONS} clients are connected")
            return
        self._open.add(socket)
        try:
            await Peer(self, socket, number, local=local).serve()
        except Exception:
            # The others must not hear of what one client stumbles over.
            log.exception("connection %d failed", number)
        finally:
            self._open.discard(socket)
            for told in self._on_disconnect:
                told(number)

    def keep(self, work: Coroutine[None, None, None]) -> None:
        """Let a request go on although its client may go."""
        task = self._tasks.create_task(work)
        self._going_on.add(task)
        task.add_done_callback(self._going_on.discard)
