"""A virtual phone that freezes and goes away, behind a real adb server."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest

from devicehub.adb.server import private_server
from devicehub.clock import SystemClock
from devicehub.device.lifecycle import DeviceState
from devicehub.fleet import health
from devicehub.hub import Hub, open_hub
from devicehub.settings import Home
from devicehub.sim.phone import builtin_specs, virtual_phone

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from devicehub.device.model import Device
    from devicehub.sim.phone import VirtualPhone


@contextlib.asynccontextmanager
async def watched(folder: Path) -> AsyncIterator[tuple[Hub, VirtualPhone, asyncio.Queue[list[DeviceState]]]]:
    """A fleet of one phone that was connected through it; its states as they come."""
    states: asyncio.Queue[list[DeviceState]] = asyncio.Queue()

    def show(devices: Sequence[Device]) -> None:
        states.put_nowait([device.state for device in devices])

    async with private_server(home=folder / "adb") as server, contextlib.AsyncExitStack() as stack:
        hub = await open_hub(home=Home(folder / "home"), address=server.address)
        [spec] = builtin_specs(1)
        phone = await stack.enter_async_context(virtual_phone(spec, keys=[server.key_path]))
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(hub.fleet.run(show, lambda _problem: None))
            await hub.fleet.connect(phone.address)
            await until(states, DeviceState.READY)
            yield hub, phone, states
            running.cancel()


async def until(states: asyncio.Queue[list[DeviceState]], state: DeviceState) -> None:
    async with asyncio.timeout(120):
        while await states.get() != [state]:
            pass


@pytest.mark.slow
async def test_frozen_phone_is_offline_and_comes_back_when_it_thaws(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "_ANSWER_S", 2.0)
    async with watched(tmp_path) as (hub, phone, states):
        phone.faults.freeze()
        hub.fleet.health.silent(phone.address)
        await until(states, DeviceState.OFFLINE)
        phone.faults.thaw()
        await until(states, DeviceState.READY)


@pytest.mark.slow
async def test_phone_that_was_disconnected_elsewhere_is_connected_again(tmp_path: Path) -> None:
    async with watched(tmp_path) as (hub, phone, states):
        await hub.client.disconnect(phone.address)
        await until(states, DeviceState.ABSENT)
        await until(states, DeviceState.READY)


async def test_phone_that_work_waits_for_is_connected_though_nobody_saw_it_go(tmp_path: Path) -> None:
    async with watched(tmp_path) as (hub, phone, states):
        await hub.fleet.disconnect(phone.address)  # as one that was lost while no hub was there
        await until(states, DeviceState.ABSENT)
        hub.fleet.want(phone.address)
        await until(states, DeviceState.READY)


async def test_server_makes_a_new_connection_when_asked(tmp_path: Path) -> None:
    async with watched(tmp_path) as (hub, phone, _):
        said = await hub.client.transport(serial=phone.address).reconnect()
        assert said.startswith(f"reconnecting {phone.address}")
        async with asyncio.timeout(60):
            while True:
                lines = await hub.client.devices()
                if [line.state for line in lines] == ["device"]:
                    break
                await SystemClock().sleep(0.1)
