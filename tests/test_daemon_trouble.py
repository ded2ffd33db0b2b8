"""The hub whose database takes nothing for a while: it goes on, says so, and catches up."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from devicehub.adb.server import private_server
from devicehub.api import contract
from devicehub.api.auth import Access, make_token
from devicehub.api.client import Where, connect
from devicehub.api.metrics import Metrics
from devicehub.api.model import Noted
from devicehub.clock import SystemClock
from devicehub.daemon import Daemon
from devicehub.dispatch.follower import Follower
from devicehub.errors import ApiError
from devicehub.hub import open_hub
from devicehub.runs.ask import RunAsk
from devicehub.settings import Home
from tests.test_daemon import ENDS, desk, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from devicehub.adb.server import PrivateServer
    from devicehub.api.client import Client

_LARGE = "Say it again. " * 3000


@contextlib.asynccontextmanager
async def serving(folder: Path, server: PrivateServer) -> AsyncIterator[tuple[Client, sqlite3.Connection]]:
    """A hub of its own, a client of it, and the hub's connection to its database."""
    home = Home(folder / "home")
    connections: list[sqlite3.Connection] = []
    open_database = sqlite3.connect

    def remember(*args: Any, **options: Any) -> sqlite3.Connection:
        connections.append(open_database(*args, **options))
        return connections[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlite3, "connect", remember)
        daemon = Daemon(await open_hub(home=home, address=server.address), SystemClock())
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(daemon.run(Access(make_token(home.token))))
        await daemon.listening.wait()
        try:
            where = Where(home, url=daemon.url, token_file=home.token)
            async with connect(where, name="test", start=False) as client:
                yield client, connections[-1]
        finally:
            daemon.stopping.set()


@contextlib.contextmanager
def full_disk(connection: sqlite3.Connection) -> Iterator[None]:
    """While the block lasts the database cannot grow."""
    [pages] = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    try:
        yield
    finally:
        connection.execute("PRAGMA max_page_count = 1073741823")


async def test_full_disk_refuses_runs_and_shows_phones(tmp_path: Path) -> None:
    async with desk(tmp_path) as server, serving(tmp_path, server) as (client, database):
        await client.subscribe("runs")
        with full_disk(database):
            with pytest.raises(ApiError) as refused:
                await client.call(contract.RUN_START, RunAsk(model="tiny", prompt=_LARGE))
            assert refused.value.kind == "StoreError"
            assert "full" in str(refused.value)
            assert [device.state for device in await client.call(contract.DEVICES)] == ["ready"]
            assert await client.call(contract.QUEUE) == []
        [run] = await client.call(contract.RUN_START, RunAsk(model="tiny", prompt="What is DeviceHub?"))
        found = await until(client, [run.id], ENDS)
        assert found[run.id].run.verdict == "succeeded"


@contextlib.contextmanager
def read_only_disk(connection: sqlite3.Connection) -> Iterator[None]:
    """While the block lasts nothing at all can be written, not even over what is there."""
    connection.execute("PRAGMA query_only = 1")
    try:
        yield
    finally:
        connection.execute("PRAGMA query_only = 0")


@pytest.mark.parametrize(("trouble", "said"), [(full_disk, "full"), (read_only_disk, "cannot be written")])
async def test_run_that_cannot_be_written_down_is_caught_up_with(
    tmp_path: Path, trouble: Callable[[sqlite3.Connection], AbstractContextManager[None]], said: str
) -> None:
    async with desk(tmp_path) as server, serving(tmp_path, server) as (client, database):
        await client.subscribe("runs", "notes")
        ask = RunAsk(model="tiny", prompt="What is DeviceHub?", launches=4)
        [run] = await client.call(contract.RUN_START, ask)
        await until(client, [run.id], ("running",))
        with trouble(database):
            async with asyncio.timeout(120):
                async for event in client.events():
                    if isinstance(event.data, Noted) and said in event.data.text:
                        break
            assert [device.serial for device in await client.call(contract.DEVICES)]
        await client.subscribe("runs")
        found = await until(client, [run.id], ENDS)
        assert found[run.id].run.verdict == "succeeded"
        document = (await client.call(contract.RUN, contract.RunNamed(run=run.id))).document
        assert [end["state"] for end in document["ends"]] == ["succeeded"]
        assert len(document["launches"]) == 4


async def test_part_of_the_hub_that_fails_begins_anew_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    lags = 0

    async def stumble(_metrics: Metrics) -> None:
        nonlocal lags
        lags += 1
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(Metrics, "watch_lag", stumble)
    async with private_server(home=tmp_path / "adb") as server, serving(tmp_path, server) as (client, _):
        await client.subscribe("notes")
        async with asyncio.timeout(60):
            while lags < 2:
                await client.call(contract.PING)
                await SystemClock().sleep(0.05)
        assert (await client.call(contract.STATUS)).runs == 0
    assert caplog.text.count("a part of the hub failed, and begins anew") >= 2
    assert caplog.text.count("the hub failed; see its log: ZeroDivisionError: division by zero") == 1


async def test_run_that_the_hub_stumbles_over_ends_and_leaves_the_phone_to_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stumble(*_: object, **__: object) -> None:
        raise ZeroDivisionError("division by zero")

    async with desk(tmp_path) as server, serving(tmp_path, server) as (client, _):
        await client.subscribe("runs")
        ask = RunAsk(model="tiny", prompt="What is DeviceHub?")
        with monkeypatch.context() as patch:
            patch.setattr(Follower, "follow", stumble)
            [run] = await client.call(contract.RUN_START, ask)
            found = await until(client, [run.id], ENDS)
        view = found[run.id].run
        assert (view.state, view.cause) == ("failed", "agent_failed")
        document = (await client.call(contract.RUN, contract.RunNamed(run=run.id))).document
        assert "the hub failed; see its log: ZeroDivisionError" in str(document["attempts"])
        async with asyncio.timeout(60):
            while [device.state for device in await client.call(contract.DEVICES)] != ["ready"]:
                await SystemClock().sleep(0.05)
