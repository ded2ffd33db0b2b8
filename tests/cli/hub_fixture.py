"""A hub in a thread of the test's process: commands that run in the test find it by hub.json, as any other.

`from tests.cli.hub_fixture import hub, store` and `__all__ = ["hub", "store"]` make them fixtures. Its adb
server is the test's own and lists no phone; it does not tell its version either, so that no run is taken up
while a test looks at it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import pytest

from devicehub import __version__
from devicehub.api import hubfile
from devicehub.api.auth import Access, make_token
from devicehub.cli.main import main
from devicehub.clock import SystemClock
from devicehub.daemon import Daemon
from devicehub.hub import Hub
from devicehub.settings import Home
from devicehub.store.store import Store
from tests.adb.fake_server import FakeServer, Peer, fake_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from devicehub.api.server import Listen

T = TypeVar("T")

_START_S = 60.0


@dataclass(frozen=True)
class HubHere:
    """The hub of a home, for the time of a test."""

    home: Home
    adb: FakeServer
    daemon: Daemon
    _loop: asyncio.AbstractEventLoop

    def do(self, call: Callable[[], T]) -> T:
        """Call something in the hub's own thread, between two of its steps; what it returns."""

        async def step() -> T:
            return call()

        return asyncio.run_coroutine_threadsafe(step(), self._loop).result(_START_S)


def adb_with(lines: bytes = b"") -> FakeServer:
    """An adb server that lists these phones, as `host:devices-l` does."""

    async def track(peer: Peer) -> None:
        await peer.okay(lines)
        await peer.reader.read()

    return FakeServer({"host:devices-l": lines, "host:track-devices-l": track})


@contextlib.contextmanager
def hub_in_thread(
    home: Home, adb: FakeServer | None = None, *, listen: Listen | None = None
) -> Iterator[HubHere]:
    """A hub on a home, from when it can be found to its end; `listen` is another address, with TLS."""
    known: list[HubHere] = []
    ready = threading.Event()

    async def serve() -> None:
        clock = SystemClock()
        async with fake_server(adb or adb_with()) as server, hubfile.only_hub(home, clock):
            daemon = Daemon(Hub(server.client, home, clock), clock)
            with contextlib.closing(daemon.hub.store):
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(daemon.run(Access(make_token(home.token)), listen=listen))
                    await daemon.listening.wait()
                    mine = hubfile.HubFile(
                        url=daemon.url, pid=os.getpid(), version=__version__, epoch=daemon.epoch
                    )
                    hubfile.publish(home, mine)
                    known.append(HubHere(home, server, daemon, asyncio.get_running_loop()))
                    ready.set()
                hubfile.withdraw(home, mine)

    with ThreadPoolExecutor(1, "hub") as threads:
        serving = threads.submit(asyncio.run, serve())
        serving.add_done_callback(lambda _ended: ready.set())
        assert ready.wait(_START_S)
        try:
            if known:
                yield known[0]
        finally:
            if known and not serving.done():
                known[0].do(known[0].daemon.stopping.set)
            serving.result(_START_S)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubHere]:
    """A hub without phones on the home that commands of the test use."""
    monkeypatch.setenv("DEVICEHUB_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ADB_SERVER_SOCKET", "tcp:127.0.0.1:1")  # nobody asks the computer's own
    with hub_in_thread(Home(tmp_path / "home")) as made:
        yield made


@pytest.fixture
def store(hub: HubHere) -> Iterator[Store]:
    """The hub's database, opened a second time: the hub's own belongs to its thread."""
    with Store.open(hub.home.database) as opened:
        yield opened


def run(*argv: str | Path) -> int:
    """The exit status of a command."""
    with pytest.raises(SystemExit) as caught:
        main([*map(str, argv)])
    assert isinstance(caught.value.code, int)
    return int(caught.value.code)
