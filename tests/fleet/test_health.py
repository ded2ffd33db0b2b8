"""Ways on which nobody answers, and phones on the network that went away."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest

from devicehub.adb.wire import DeviceLine
from devicehub.errors import AdbServerUnavailable
from devicehub.fleet import health
from devicehub.fleet.door import ServerDoor
from devicehub.fleet.health import Health
from devicehub.fleet.network import Network
from tests.adb.fake_server import FakeServer, Peer, Service, failing, fake_server
from tests.fleet.hurried_clock import HurriedClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine
    from pathlib import Path

USB = DeviceLine("P1", "device", transport_id=4)
TCP = DeviceLine("10.0.0.7:5555", "device", transport_id=4)


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_ANSWER_S", 0.3)


async def hang(peer: Peer) -> None:
    await peer.reader.read()


async def answer(peer: Peer) -> None:
    await peer.say_shell(3, b"\0")


async def nothing_to_start() -> None:
    raise AdbServerUnavailable("nothing to start")


class Desk:
    """A fleet's health over a scripted adb server."""

    def __init__(self, server: FakeServer, file: Path | None = None) -> None:
        self.clock = HurriedClock()
        self.told: list[str] = []
        self.changed = asyncio.Event()
        self.server = server
        self.door = ServerDoor(server.client, self.clock, nothing_to_start)
        self.network = Network(self.door, file, self.clock, self.told.append)
        self.health = Health(server.client, self.door, self.network, self.clock, self.told.append)

    async def change(self) -> None:
        async with asyncio.timeout(60):
            await self.changed.wait()
        self.changed.clear()

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(60):
            while not holds():
                await self.clock.sleep(1)


@contextlib.asynccontextmanager
async def going(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(work)
        yield
        task.cancel()


async def test_way_on_which_nobody_answers_is_offline_until_somebody_does() -> None:
    host: dict[str, Service | bytes] = {"host-transport-id:4:reconnect": b"reconnecting P1 [device]\n"}
    async with fake_server(FakeServer(host, {"shell,v2": hang})) as server:
        desk = Desk(server)
        assert desk.health.see([USB]) == [USB]
        async with going(desk.health.run(desk.changed.set)):
            await desk.change()
            [line] = desk.health.see([USB])
            assert line.state == "offline"
            await desk.until(lambda: "host-transport-id:4:reconnect" in server.requests)
            # The new connection has another number, and is not yet an answer.
            assert desk.health.see([]) == []
            assert desk.health.see([USB])[0].state == "offline"
            server.phone["shell,v2"] = answer
            await desk.change()
            assert desk.health.see([USB]) == [USB]
        assert desk.told[0].startswith("P1: adb lists it, and it does not answer")


async def test_person_is_told_once_of_a_phone_that_stays_frozen() -> None:
    host: dict[str, Service | bytes] = {"host-transport-id:4:reconnect": b"reconnecting P1 [device]\n"}
    async with fake_server(FakeServer(host, {"shell,v2": hang})) as server:
        desk = Desk(server)
        desk.health.see([USB])
        async with going(desk.health.run(desk.changed.set)):
            await desk.until(lambda: server.requests.count("host-transport-id:4:reconnect") >= 4)
        assert [text for text in desk.told if "restart it" in text] == [
            "P1: it does not answer after 3 new connections; unplug it and plug it in again, or restart it"
        ]


async def test_frozen_phone_on_the_network_is_disconnected_and_connected() -> None:
    host: dict[str, Service | bytes] = {
        "host:disconnect:10.0.0.7:5555": b"disconnected 10.0.0.7:5555",
        "host:connect:10.0.0.7:5555": b"connected to 10.0.0.7:5555",
    }
    async with fake_server(FakeServer(host, {"shell,v2": hang}, serial="10.0.0.7:5555")) as server:
        desk = Desk(server)
        desk.health.see([TCP])
        async with going(desk.health.run(desk.changed.set)):
            await desk.until(lambda: "host:connect:10.0.0.7:5555" in server.requests)
        asked = [request for request in server.requests if "connect:" in request]
        assert asked[:2] == ["host:disconnect:10.0.0.7:5555", "host:connect:10.0.0.7:5555"]


async def test_phone_that_is_heard_is_not_asked() -> None:
    async with fake_server(FakeServer({}, {"shell,v2": answer})) as server:
        desk = Desk(server)
        desk.health.see([USB])
        async with going(desk.health.run(desk.changed.set)):
            for _ in range(100):
                desk.health.heard("P1")
                await desk.clock.sleep(1)
        assert not server.requests


async def test_phone_whose_stream_fell_silent_is_asked_at_once() -> None:
    async with fake_server(FakeServer({}, {"shell,v2": answer})) as server:
        desk = Desk(server)
        desk.health.see([USB])
        desk.health.silent("P1")
        async with going(desk.health.run(desk.changed.set)):
            await desk.until(lambda: "shell,v2,raw::" in server.requests)
        assert desk.health.see([USB]) == [USB]


async def test_phones_that_share_a_serial_are_told_apart() -> None:
    other = DeviceLine("P1", "device", transport_id=5)
    async with fake_server(FakeServer({}, {"shell,v2": answer})) as server:
        server.host["host-transport-id:5:features"] = b"shell_v2"
        server.host["host:transport-id:5"] = hang
        desk = Desk(server)
        desk.health.see([USB, other])
        async with going(desk.health.run(desk.changed.set)):
            await desk.change()
        assert [line.state for line in desk.health.see([USB, other])] == ["device", "offline"]


async def test_phone_that_was_connected_here_comes_back_also_with_the_next_hub(tmp_path: Path) -> None:
    host: dict[str, Service | bytes] = {
        "host:devices-l": b"",
        "host:connect:10.0.0.7:5555": failing("Connection refused"),
    }
    async with fake_server(FakeServer(host)) as server:
        Desk(server, tmp_path / "network.json").network.keep("10.0.0.7:5555")
        desk = Desk(server, tmp_path / "network.json")
        desk.network.see([])
        async with going(desk.network.run()):
            await desk.until(lambda: server.requests.count("host:connect:10.0.0.7:5555") >= 3)
            desk.network.see([TCP])
            tries = server.requests.count("host:connect:10.0.0.7:5555")
            await desk.clock.sleep(100)
        assert server.requests.count("host:connect:10.0.0.7:5555") <= tries + 1  # one was under way


async def test_phone_that_was_let_go_stays_away(tmp_path: Path) -> None:
    async with fake_server(FakeServer({"host:devices-l": b""})) as server:
        desk = Desk(server, tmp_path / "network.json")
        desk.network.keep("10.0.0.7:5555")
        desk.network.forget("10.0.0.7:5555")
        desk.network.see([])
        async with going(desk.network.run()):
            await desk.clock.sleep(100)
        assert not server.requests
        assert (tmp_path / "network.json").read_bytes() == b"[]"


async def test_phone_that_a_person_disconnected_stays_away_and_one_that_adb_lost_comes_back() -> None:
    lost, gone = DeviceLine("10.0.0.8:5555", "device"), DeviceLine("10.0.0.9:5555", "device")
    offline = DeviceLine("10.0.0.8:5555", "offline")
    host: dict[str, Service | bytes] = {
        "host:devices-l": b"10.0.0.8:5555 offline\n",
        "host:disconnect:10.0.0.8:5555": b"disconnected 10.0.0.8:5555",
        "host:connect:10.0.0.8:5555": b"connected to 10.0.0.8:5555",
    }
    async with fake_server(FakeServer(host)) as server:
        desk = Desk(server)
        desk.network.see([lost, gone])
        desk.network.see([offline])
        async with going(desk.network.run()):
            await desk.until(lambda: "host:connect:10.0.0.8:5555" in server.requests)
        assert not [request for request in server.requests if "10.0.0.9" in request]
