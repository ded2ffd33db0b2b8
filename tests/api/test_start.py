"""Hubs of other versions, played by an API server of the test's; and a hub that does not start."""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import TYPE_CHECKING, Any

import pytest

from devicehub.api import hubfile
from devicehub.api.auth import Access, make_token
from devicehub.api.client import Where, connect
from devicehub.api.contract import STATUS
from devicehub.api.events import Bus
from devicehub.api.model import StatusView
from devicehub.api.server import ApiServer
from devicehub.clock import SystemClock
from devicehub.errors import HubUnreachable
from devicehub.settings import Home

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from devicehub.api.server import Caller, Handler


class OtherHub:
    """A hub that has a version, some runs, and an end."""

    def __init__(self, home: Home, version: str, runs: Sequence[str] = (), queued: int = 0) -> None:
        self.home = home
        self.version = version
        self.runs = list(runs)
        self.queued = queued
        self.stopped = asyncio.Event()
        self.locked = asyncio.Event()
        self.before_listening: asyncio.Event | None = None

    async def _status(self, _params: Any, _caller: Caller) -> StatusView:
        return StatusView(url="", pid=os.getpid(), version=self.version, devices=0, runs=len(self.runs),
                          queued=self.queued, run_ids=self.runs)  # fmt: skip

    async def _stop(self, params: Any, caller: Caller) -> StatusView:
        self.stopped.set()
        return await self._status(params, caller)

    async def serve(self, ready: asyncio.Event) -> None:
        bus = Bus("e", snapshot=lambda _topic, _keys: [], replay_runs=lambda _first, _last: [])
        async with hubfile.only_hub(self.home, SystemClock()):
            self.locked.set()
            if self.before_listening is not None:
                await self.before_listening.wait()
            access = Access(make_token(self.home.token))
            handlers: dict[str, Handler] = {"hub.status": self._status, "hub.stop": self._stop}
            async with ApiServer(handlers, bus, access, SystemClock()) as server:
                mine = hubfile.HubFile(url=server.url, pid=os.getpid(), version=self.version)
                hubfile.publish(self.home, mine)
                ready.set()
                await self.stopped.wait()
                hubfile.withdraw(self.home, mine)


@contextlib.asynccontextmanager
async def running(hub: OtherHub) -> AsyncIterator[None]:
    ready = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(hub.serve(ready))
        await ready.wait()
        try:
            yield
        finally:
            hub.stopped.set()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch) -> list[Home]:
    """Whose hub was to be started; nothing is."""
    wanted: list[Home] = []

    async def start(home: Home, *_: Any) -> hubfile.HubFile:
        wanted.append(home)
        raise HubUnreachable("started")

    monkeypatch.setattr("devicehub.api.start._start", start)
    return wanted


async def test_older_client_is_told_to_upgrade(home: Home, starts: list[Home]) -> None:
    hub = OtherHub(home, "1.3")
    async with running(hub):
        for start in (True, False):
            with pytest.raises(
                HubUnreachable, match=r"is of version 1\.3, newer than .* upgrade this client"
            ):
                async with connect(Where(home), name="me", version="1.2", start=start):
                    pass
        assert not hub.stopped.is_set()
    assert starts == []


async def test_newer_client_replaces_a_hub_that_has_nothing_to_do(home: Home, starts: list[Home]) -> None:
    hub = OtherHub(home, "1.1")
    said: list[str] = []
    async with running(hub):
        with pytest.raises(HubUnreachable, match=r"^started$"):
            async with connect(Where(home), name="me", version="1.2", tell=said.append):
                pass
        assert hub.stopped.is_set()
    assert starts == [home]
    assert said == [f"ended the hub of version 1.1, process {os.getpid()}"]


@pytest.mark.parametrize(
    ("runs", "queued", "named"),
    [
        (["r1"], 0, "busy with run r1; repeat"),
        (["r1", "r2"], 1, "busy with runs r1, r2 and 1 more; repeat"),
        ([], 2, "busy with 2 runs; repeat"),
    ],
)
async def test_newer_client_leaves_a_busy_hub_and_names_its_runs(
    home: Home, starts: list[Home], runs: list[str], queued: int, named: str
) -> None:
    hub = OtherHub(home, "1.1", runs, queued)
    async with running(hub):
        with pytest.raises(HubUnreachable, match=named):
            async with connect(Where(home), name="me", version="1.2"):
                pass
        assert not hub.stopped.is_set()
    assert starts == []


async def test_hub_of_another_version_tells_its_status(home: Home) -> None:
    async with (
        running(OtherHub(home, "9.0")),
        connect(Where(home), name="me", version="1.2", start=False, any_version=True) as client,
    ):
        assert (await client.call(STATUS)).version == "9.0"


async def test_client_that_starts_none_replaces_none(home: Home, starts: list[Home]) -> None:
    hub = OtherHub(home, "1.1")
    async with running(hub):
        with pytest.raises(HubUnreachable, match="devicehub stop"):
            async with connect(Where(home), name="me", version="1.2", start=False):
                pass
        assert not hub.stopped.is_set()
    assert starts == []


class Slow(SystemClock):
    """Lets a test act while somebody waits."""

    def __init__(self) -> None:
        self.waits = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.waits.set()
        await super().sleep(seconds)


async def test_hub_that_is_about_to_listen_is_waited_for(home: Home, starts: list[Home]) -> None:
    clock = Slow()
    hub = OtherHub(home, "1.2")
    hub.before_listening = clock.waits  # who connects waits already

    async def connect_once() -> str:
        async with connect(Where(home), name="me", version="1.2", clock=clock) as client:
            return (await client.call(STATUS)).version

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(hub.serve(asyncio.Event()))
        await hub.locked.wait()
        assert await connect_once() == "1.2"
        hub.stopped.set()
    assert starts == []


async def test_end_of_the_log_is_quoted_where_a_hub_does_not_start(home: Home) -> None:
    home.root.mkdir()
    (home.root / "settings.toml").write_text("patience = 3")
    with pytest.raises(
        HubUnreachable, match=r"has ended; .*start\.log ends with: .*did you mean 'patience_s'"
    ):
        async with connect(Where(home), name="me"):
            pass
    assert not hubfile.is_locked(home)
