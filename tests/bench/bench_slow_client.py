"""Clients that stop reading: what becomes of another one, and of the hub's memory.

The API's server runs in a process of its own (`noisy_hub`). One client reads all along; then twenty subscribe
to the same and read nothing more. A hub closes on them, they come again, for as long as the bench lasts.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import socket
import statistics
import sys
import time
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import msgspec
import psutil
from websockets.asyncio.client import connect as connect_websocket
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from devicehub import __version__, procs
from devicehub.api.connection import open_client
from devicehub.api.contract import HELLO, SUBSCRIBE, Hello, Subscribe
from devicehub.api.limits import MOST_WAITING_BYTES
from devicehub.api.model import Noted
from devicehub.clock import SystemClock
from tests.bench.noisy_hub import NOTES_S, TOKEN
from tests.bench.results import Result

if TYPE_CHECKING:
    from devicehub.api.connection import Client

_SLOW: Final = 20
_MOST_P99_MS: Final = 200
_WARM_S: Final = 10.0
_BUFFER: Final = 16 * 1024
_MIB: Final = 1024 * 1024
_CLOCK: Final = SystemClock()


async def bench(seconds: float = 30.0) -> list[Result]:
    """Print the reader's lateness and the server's memory, without slow clients and with them."""
    async with procs.child([sys.executable, "-m", "tests.bench.noisy_hub"]) as process:
        assert process.stdout is not None
        url = (await process.stdout.readline()).decode().strip()
        if not url:
            raise RuntimeError("the server did not start")
        usage = psutil.Process(process.pid)
        async with open_client(url, token=TOKEN, name="reader", version=__version__) as client:
            await client.subscribe("notes", "samples")
            reader = Reader()
            async with asyncio.TaskGroup() as tasks:
                working = [tasks.create_task(reader.read(client))]
                await _CLOCK.sleep(_WARM_S)
                print(f"clients that stop reading, {_SLOW} of them, {NOTES_S} kB of events a second")
                alone = await reader.watch(usage, seconds)
                slow = [Slow(url) for _ in range(_SLOW)]
                working += [tasks.create_task(one.come_again()) for one in slow]
                beside = await reader.watch(usage, seconds)
                for task in working:
                    task.cancel()
    alone_ms, beside_ms = _report("alone", alone), _report("beside them", beside)
    print(f"  they were closed on {sum(one.closed for one in slow)} times")
    bound = _SLOW * MOST_WAITING_BYTES / _MIB
    more = max(beside[1]) - max(alone[1])
    print(f"  memory {more:+.1f} MiB (bound: {bound:.0f}, 4 for each of them)")
    return [
        Result("slow client", "reader's p99, without", alone_ms, "ms"),
        Result("slow client", "reader's p99, beside 20", beside_ms, "ms", most=_MOST_P99_MS),
        Result("slow client", "memory more", more, "MiB", most=bound),
    ]


class Reader:
    """The client that reads."""

    def __init__(self) -> None:
        self._late_ms: list[float] = []

    async def read(self, client: Client) -> None:
        """Read until cancelled."""
        async for event in client.events():
            if isinstance(event.data, Noted):
                sent_ns = int(event.data.text.partition(" ")[0])
                self._late_ms.append((time.monotonic_ns() - sent_ns) / 1e6)

    async def watch(self, usage: psutil.Process, seconds: float) -> tuple[list[float], list[float]]:
        """Milliseconds of each event on its way, and the server's memory in MiB, for so long."""
        self._late_ms = []
        mib = []
        until_s = _CLOCK.monotonic_s() + seconds
        while _CLOCK.monotonic_s() < until_s:
            mib.append(usage.memory_info().rss / _MIB)
            await _CLOCK.sleep(0.5)
        return self._late_ms, mib


class Slow:
    """One that stops reading.

    Attributes:
        closed: how often the server closed on it.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self.closed = 0

    async def come_again(self) -> None:
        """Connect, subscribe, read nothing; again when the connection has ended."""
        while True:
            with contextlib.suppress(ConnectionClosed, InvalidHandshake, OSError, TimeoutError):
                await self._once()
            self.closed += 1

    async def _once(self) -> None:
        parts = urlsplit(self._url)
        narrow = socket.socket()
        narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        narrow.setblocking(False)
        await asyncio.get_running_loop().sock_connect(narrow, (parts.hostname, parts.port))
        async with connect_websocket(
            self._url, sock=narrow, compression=None, max_queue=1, ping_interval=None, close_timeout=0.1
        ) as connection:
            hello = Hello(token=TOKEN, client="slow", version=__version__)
            await connection.send(_request(1, HELLO.name, hello), text=True)
            await connection.recv()
            wanted = Subscribe(topics=["notes", "samples"])
            await connection.send(_request(2, SUBSCRIBE.name, wanted), text=True)
            while True:  # who does not read learns of the end only by writing
                await connection.pong()
                await _CLOCK.sleep(0.5)


def _request(number: int, method: str, params: msgspec.Struct) -> bytes:
    return msgspec.json.encode({"jsonrpc": "2.0", "id": number, "method": method, "params": params})


def _report(title: str, seen: tuple[list[float], list[float]]) -> float:
    late_ms, mib = seen
    p99 = statistics.quantiles(late_ms, n=100)[98]
    print(
        f"  the reader, {title:<14} {len(late_ms):6d} events, median {statistics.median(late_ms):6.1f} ms, "
        f"p99 {p99:6.1f} ms; memory at most {max(mib):6.1f} MiB"
    )
    return p99


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0)
    asyncio.run(bench(parser.parse_args().seconds))


if __name__ == "__main__":
    main()
