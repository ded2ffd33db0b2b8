"""A server of the API with a few methods, and clients that speak to it by hand."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any

from websockets.asyncio.client import ClientConnection, connect

from devicehub.api import contract
from devicehub.api.auth import Access
from devicehub.api.events import Bus
from devicehub.api.server import ApiServer, Caller
from devicehub.clock import SystemClock
from devicehub.errors import InputError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from devicehub.api.server import Listen

TOKEN = "a-token"


class Desk:
    """The server and what its methods met."""

    def __init__(self, listen: Listen | None = None) -> None:
        self.bus = Bus("e1", snapshot=lambda _topic, _keys: ["all"], replay_runs=lambda _first, _last: [])
        self.gone: list[int] = []
        self.pushed = asyncio.Event()
        self.release = asyncio.Event()
        self.waited = asyncio.Event()
        self.large = asyncio.Event()
        self.order: list[str] = []
        self.server = ApiServer(
            {
                contract.PING.name: self.ping,
                contract.RUNS.name: self.fail,
                contract.RUN.name: self.refuse,
                contract.QUEUE.name: self.wait,
                contract.PUSH.name: self.push,
                contract.DEVICES.name: self.too_much,
                contract.JOB.name: self.much,
                contract.MODELS.name: self.give_up,
                contract.ENGINES.name: self.refuse_in_a_group,
            },
            self.bus,
            Access(TOKEN),
            SystemClock(),
            metrics=lambda: b"devicehub_devices 3\n",
            listen=listen,
            on_disconnect=[self.gone.append, lambda _number: self.order.append("gone")],
        )

    async def ping(self, _params: contract.Params, caller: Caller) -> float:
        caller.send("shell", contract.SessionNamed(session=caller.client))
        return 12.5

    async def fail(self, _params: contract.RunsQuery, _caller: Caller) -> Any:
        raise ZeroDivisionError

    async def refuse(self, params: contract.RunNamed, _caller: Caller) -> Any:
        raise InputError(params.run, "there is no such run", remedy="see the list")

    async def refuse_in_a_group(self, _params: contract.Params, caller: Caller) -> Any:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.refuse(contract.RunNamed(run="x"), caller))

    async def give_up(self, _params: contract.Params, _caller: Caller) -> Any:
        work = asyncio.ensure_future(asyncio.Event().wait())
        work.cancel()
        await work

    async def wait(self, _params: contract.Params, _caller: Caller) -> Any:
        try:
            await self.release.wait()
        except asyncio.CancelledError:
            self.order.append("cancelled")
            self.waited.set()
            raise
        return []

    async def much(self, _params: contract.JobNamed, _caller: Caller) -> Any:
        """More than the buffers of a connection hold."""
        self.large.set()
        return "x" * (16 << 20)

    async def push(self, _params: contract.Push, _caller: Caller) -> Any:
        await self.release.wait()
        self.pushed.set()
        return []

    async def too_much(self, _params: contract.Params, _caller: Caller) -> Any:
        return "x" * (33 << 20)


@contextlib.asynccontextmanager
async def desk() -> AsyncIterator[Desk]:
    made = Desk()
    async with made.server:
        yield made


class ByHand:
    """A client that writes what it likes."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def say(self, method: str, params: Any = None, *, id_: Any = 1) -> dict[str, Any]:
        request = {"jsonrpc": "2.0", "method": method, "params": params or {}, "id": id_}
        await self.socket.send(json.dumps(request))
        return await self.reply()

    async def reply(self) -> dict[str, Any]:
        """The next message that is no event."""
        while True:
            message = await self.hear()
            if isinstance(message, dict) and "method" not in message:
                return message

    async def hear(self) -> Any:
        async with asyncio.timeout(20):
            return json.loads(await self.socket.recv())

    async def hello(self, token: str = TOKEN, **more: Any) -> dict[str, Any]:
        return await self.say("hello", {"token": token, "client": "test", "version": "1", **more})

    async def closed(self) -> int:
        """Read on until the hub closes; its code."""
        with contextlib.suppress(Exception):
            async with asyncio.timeout(20):
                async for _ in self.socket:
                    pass
        assert self.socket.close_code is not None
        return self.socket.close_code


@contextlib.asynccontextmanager
async def stranger(made: Desk, **options: Any) -> AsyncIterator[ByHand]:
    """A client that has not said hello."""
    async with connect(made.server.url, compression=None, max_size=None, **options) as socket:
        yield ByHand(socket)


@contextlib.asynccontextmanager
async def client(made: Desk, **options: Any) -> AsyncIterator[ByHand]:
    """A client that is known."""
    async with stranger(made, **options) as by_hand:
        assert "result" in await by_hand.hello()
        yield by_hand
