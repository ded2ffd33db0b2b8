"""The list of phones while the adb server dies and phones freeze."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from devicehub.device.lifecycle import DeviceState
from devicehub.device.probe import PhoneText, read_properties
from devicehub.fleet import health, identifier
from devicehub.hub import Hub
from devicehub.settings import Home
from tests.adb.fake_server import FakeServer, Peer, fake_server
from tests.fleet.hurried_clock import HurriedClock

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pytest

    from devicehub.adb.client import Transport
    from devicehub.device.model import Device
    from devicehub.errors import AdbError

ONE = b"P1 device transport_id:4\n"


async def hang(peer: Peer) -> None:
    await peer.reader.read()


async def track(peer: Peer) -> None:
    await peer.okay(ONE)
    await hang(peer)


async def answer(peer: Peer) -> None:
    await peer.say_shell(1, b"[ro.serialno]: [S1]\n")
    await peer.say_shell(3, b"\0")


async def test_phone_that_freezes_while_it_is_ready_is_offline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "_ANSWER_S", 0.3)
    server = FakeServer({"host:devices-l": ONE, "host:track-devices-l": track}, {"shell,v2": answer})
    async with fake_server(server):
        fleet = Hub(server.client, Home(tmp_path), HurriedClock()).fleet
        states: asyncio.Queue[list[DeviceState]] = asyncio.Queue()
        problems: list[AdbError | None] = []

        def show(devices: Sequence[Device]) -> None:
            states.put_nowait([device.state for device in devices])

        async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
            running = tasks.create_task(fleet.run(show, problems.append))
            while await states.get() != [DeviceState.READY]:
                pass
            server.phone["shell,v2"] = hang
            fleet.health.silent("P1")
            while await states.get() != [DeviceState.OFFLINE]:
                pass
            server.phone["shell,v2"] = answer
            while await states.get() != [DeviceState.READY]:
                pass
            running.cancel()
        assert problems == [None]


async def test_mistake_over_one_phone_does_not_end_the_watch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    met = 0

    async def stumble(transport: Transport) -> PhoneText:
        nonlocal met
        met += 1
        if met == 1:
            raise ZeroDivisionError
        return await read_properties(transport)

    monkeypatch.setattr(identifier, "read_properties", stumble)
    server = FakeServer({"host:devices-l": ONE, "host:track-devices-l": track}, {"shell,v2": answer})
    async with fake_server(server):
        fleet = Hub(server.client, Home(tmp_path), HurriedClock()).fleet
        states: asyncio.Queue[list[DeviceState]] = asyncio.Queue()
        async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
            running = tasks.create_task(
                fleet.run(
                    lambda devices: states.put_nowait([device.state for device in devices]),
                    lambda _error: None,
                )
            )
            while await states.get() != [DeviceState.READY]:
                pass
            running.cancel()
    assert met == 2
    assert "P1 could not be identified" in caplog.text


async def test_server_that_goes_away_takes_its_phones_along_and_brings_them_back(tmp_path: Path) -> None:
    dead = asyncio.Event()

    async def track_until_dead(peer: Peer) -> None:
        await peer.okay(ONE)
        await dead.wait()
        dead.clear()

    server = FakeServer({"host:devices-l": ONE, "host:track-devices-l": track_until_dead})
    server.phone = {"shell,v2": answer}
    async with fake_server(server):
        fleet = Hub(server.client, Home(tmp_path), HurriedClock()).fleet
        states: asyncio.Queue[list[DeviceState]] = asyncio.Queue()
        problems: list[AdbError | None] = []

        def show(devices: Sequence[Device]) -> None:
            states.put_nowait([device.state for device in devices])

        async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
            running = tasks.create_task(fleet.run(show, problems.append))
            while await states.get() != [DeviceState.READY]:
                pass
            dead.set()
            while await states.get() != [DeviceState.ABSENT]:
                pass
            while await states.get() != [DeviceState.READY]:
                pass
            running.cancel()
        assert [problem is None for problem in problems] == [True, False, True]
