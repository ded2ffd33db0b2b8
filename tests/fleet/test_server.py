"""A dead adb server is started, a hung one ended only where it is ours."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from typing import TYPE_CHECKING

import pytest

from devicehub import procs
from devicehub.adb import server as adb_server
from devicehub.adb.address import ServerAddress
from devicehub.adb.client import AdbClient
from devicehub.adb.server import find_adb
from devicehub.clock import SystemClock
from devicehub.errors import AdbServerHung, AdbServerUnavailable
from devicehub.fleet.door import ServerDoor
from devicehub.fleet.kept import read_kept, write_kept
from devicehub.fleet.server import ServerKeeper, Started
from tests.adb.fake_server import listening
from tests.manual_clock import ManualClock

if TYPE_CHECKING:
    from pathlib import Path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def never(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.read()


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that has not answered after a moment hangs."""

    def client(address: ServerAddress) -> AdbClient:
        return AdbClient(address, reply_timeout_s=0.2)

    monkeypatch.setattr(adb_server, "AdbClient", client)


@pytest.mark.usefixtures("hasty")
async def test_hung_server_of_somebody_else_is_left_alone_and_the_remedy_told(tmp_path: Path) -> None:
    async with listening(never) as address:
        keeper = ServerKeeper(address, tmp_path / "server.json", SystemClock(), print)
        with pytest.raises(AdbServerHung, match="has not started it; end its process"):
            await keeper.have()


@pytest.mark.usefixtures("hasty")
async def test_process_that_took_the_number_of_our_server_is_left_alone(tmp_path: Path) -> None:
    async with listening(never) as address:
        file = tmp_path / "server.json"
        write_kept(file, Started(str(address), os.getpid(), 1.0))
        with pytest.raises(AdbServerHung):
            await ServerKeeper(address, file, SystemClock(), print).have()


async def test_hung_server_of_ours_is_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = {"HOME": str(tmp_path), "TMPDIR": str(tmp_path), "ADB_USB": "0", "ADB_MDNS": "0"}
    for name, value in own.items():
        monkeypatch.setenv(name, value)
    address = ServerAddress("127.0.0.1", free_port())
    told: list[str] = []
    file = tmp_path / "server.json"
    try:
        await ServerKeeper(address, file, SystemClock(), told.append).have()
        first = read_kept(file, Started)
        assert first is not None
        os.kill(first.pid, signal.SIGSTOP)

        def client(address: ServerAddress) -> AdbClient:
            return AdbClient(address, reply_timeout_s=2.0)

        monkeypatch.setattr(adb_server, "AdbClient", client)
        # Another hub of the same home knows whose it is.
        await ServerKeeper(address, file, SystemClock(), told.append).have()
        assert await AdbClient(address).version() > 0
        assert told == [f"the adb server at {address} hung and is started again"]
        second = read_kept(file, Started)
        assert second is not None
        assert second.pid != first.pid
    finally:
        await procs.run([find_adb(), "-P", str(address.port), "kill-server"], timeout_s=20)


async def test_those_who_wait_while_one_has_a_dead_server_back_share_the_outcome() -> None:
    started, go_on = 0, asyncio.Event()

    async def start() -> None:
        nonlocal started
        started += 1
        await go_on.wait()
        raise AdbServerUnavailable("still dead")

    door = ServerDoor(AdbClient(ServerAddress("127.0.0.1", 1)), ManualClock(), start)
    asking = [asyncio.ensure_future(door.devices()) for _ in range(20)]
    while not started:
        await asyncio.wait(asking, timeout=0.01)
    await asyncio.wait(asking, timeout=0.1)
    go_on.set()
    found = await asyncio.gather(*asking, return_exceptions=True)
    assert all(isinstance(error, AdbServerUnavailable) for error in found)
    assert "still dead" in str(found[-1])
    assert started == 1


def test_damaged_file_counts_as_none(tmp_path: Path) -> None:
    (tmp_path / "kept.json").write_text('{"pid": "x"')
    assert read_kept(tmp_path / "kept.json", Started) is None
    assert read_kept(tmp_path / "none.json", Started) is None
