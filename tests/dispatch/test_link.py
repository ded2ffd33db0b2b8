from __future__ import annotations

import pytest

from devicehub.adb.address import ServerAddress
from devicehub.adb.client import AdbClient
from devicehub.dispatch.link import Link
from devicehub.errors import AdbServerUnavailable, DeviceGone
from devicehub.fleet.door import ServerDoor
from tests.adb.fake_server import FakeServer, Peer, fake_server
from tests.manual_clock import ManualClock


def says(serialno: str) -> bytes:
    return f"[ro.serialno]: [{serialno}]\n".encode()


async def answer(peer: Peer) -> None:
    await peer.say_shell(1, says("SN1"))
    await peer.say_shell(3, b"\0")


async def start_nothing() -> None:
    raise AdbServerUnavailable("nothing to start")


def link(client: AdbClient, clock: ManualClock, serial: str = "S1") -> Link:
    door = ServerDoor(client, clock, start_nothing)
    return Link(
        client,
        door,
        serialno="SN1",
        boot_id="b1",
        transport=client.transport(serial=serial),
        serial=serial,
        clock=clock,
    )


async def test_a_phone_that_comes_back_under_another_label_is_recognised() -> None:
    server = FakeServer({"host:devices-l": b"new:1 device transport_id:4\n"}, {"shell,v2": answer})
    async with fake_server(server) as running:
        found = await link(running.client, ManualClock()).back(deadline_s=5)
        assert found.label == "new:1"


async def test_another_phone_is_not_taken_for_it() -> None:
    async def stranger(peer: Peer) -> None:
        await peer.say_shell(1, says("SN2"))
        await peer.say_shell(3, b"\0")

    clock = ManualClock()
    server = FakeServer(
        {"host:devices-l": b"S1 device transport_id:4\n"}, {"shell,v2": stranger}, serial="S1"
    )
    async with fake_server(server) as running:
        with pytest.raises(DeviceGone, match="S1 did not come back"):
            await link(running.client, clock).back(deadline_s=0)


async def test_a_dead_server_is_tried_by_one_at_a_time() -> None:
    clock = ManualClock()
    started = 0

    async def start() -> None:
        nonlocal started
        started += 1
        raise AdbServerUnavailable("still dead")

    door = ServerDoor(AdbClient(ServerAddress("127.0.0.1", 1)), clock, start)
    for _ in range(10):
        with pytest.raises(AdbServerUnavailable):
            await door.devices()
    assert started == 3
