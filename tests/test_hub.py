from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from devicehub.clock import SystemClock
from devicehub.device.lifecycle import DeviceState
from devicehub.hub import Hub
from devicehub.settings import Home
from tests.adb.fake_server import FakeServer, Peer, Service, fake_server
from tests.manual_clock import ManualClock

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from devicehub.adb.client import Transport
    from devicehub.device.model import Device

TWO_PHONES = b"P0 device transport_id:3\nP1 device transport_id:4\n"
GETPROP = b"[ro.serialno]: [P1]\n[ro.product.model]: [Sample One]\n"


async def hang(peer: Peer) -> None:
    await peer.reader.read()


async def track(peer: Peer) -> None:
    await peer.okay(TWO_PHONES)
    await hang(peer)


async def answer(peer: Peer) -> None:
    await peer.say_shell(1, GETPROP)
    await peer.say_shell(3, b"\0")


async def open_and_read(transport: Transport) -> None:
    async with await transport.open("shell,v2,raw:true") as stream:
        await stream.read()


def server_with_a_phone_that_hangs() -> FakeServer:
    host: dict[str, Service | bytes] = {
        "host:devices-l": TWO_PHONES,
        "host:track-devices-l": track,
        "host-serial:P0:features": hang,
        "host-transport-id:3:features": hang,
    }
    return FakeServer(host, {"shell,v2": answer})


async def test_a_phone_that_hangs_delays_no_other_that_is_watched(tmp_path: Path) -> None:
    async with fake_server(server_with_a_phone_that_hangs()) as server:
        hub = Hub(server.client, Home(tmp_path), SystemClock())
        states: asyncio.Queue[dict[str, DeviceState]] = asyncio.Queue()

        def show(devices: Sequence[Device]) -> None:
            states.put_nowait({device.serial: device.state for device in devices})

        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(hub.watch(show))
            while (seen := await states.get())["P1"] is not DeviceState.READY:
                pass
            watching.cancel()
        assert seen["P0"] is DeviceState.IDENTIFYING


async def test_a_phone_that_hangs_is_listed_beside_one_that_answers(tmp_path: Path) -> None:
    async with fake_server(server_with_a_phone_that_hangs()) as server:
        server.client.reply_timeout_s = 0.2
        hub = Hub(server.client, Home(tmp_path), SystemClock())
        devices = {device.serial: device.state for device in await hub.devices()}
        assert devices == {"P0": DeviceState.IDENTIFYING, "P1": DeviceState.READY}


async def test_a_transport_is_named_by_serial_unless_phones_share_it(tmp_path: Path) -> None:
    server = FakeServer({"host:devices-l": b"P1 device transport_id:4\nP1 offline transport_id:5\n"})
    server.phone = {"shell,v2": answer}
    async with fake_server(server):
        hub = Hub(server.client, Home(tmp_path), SystemClock())
        for device in await hub.devices():
            if device.state is DeviceState.READY:
                await open_and_read(hub.transport(device))
        assert server.requests[-2] == "host:transport-id:4"
        server.host["host:devices-l"] = b"P1 device transport_id:4\n"
        (device,) = await hub.devices()
        await open_and_read(hub.transport(device))
        assert server.requests[-2] == "host:transport:P1"


async def test_run_ids_tell_the_second_and_differ(tmp_path: Path) -> None:
    async with fake_server(FakeServer()) as server:
        hub = Hub(server.client, Home(tmp_path), ManualClock(1_700_000_000.0))
        first, second = hub.new_run_id(), hub.new_run_id()
        assert first.startswith("20231114-221320-")
        assert first != second
