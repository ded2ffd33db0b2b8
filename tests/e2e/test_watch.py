"""`devicehub devices --watch` while phones come and go."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from typing import TYPE_CHECKING, Any

import pytest

from devicehub import procs
from devicehub.adb.client import AdbClient
from devicehub.adb.server import private_server
from devicehub.clock import SystemClock
from devicehub.errors import AdbError
from devicehub.sim.phone import PhoneSpec, virtual_phone
from tests.e2e.command import DEVICEHUB, stop_hub

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from devicehub.adb.server import PrivateServer


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[PrivateServer]:
    async with private_server(home=tmp_path) as server:
        yield server


@contextlib.asynccontextmanager
async def watching(server: PrivateServer, home: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    env = {
        **os.environ,
        "ANDROID_ADB_SERVER_PORT": str(server.address.port),
        "DEVICEHUB_HOME": str(home),
        "HOME": str(home),  # where the server's keys lie, also those of the next one
    }
    env.pop("PYTHONUNBUFFERED", None)  # a user's pipe is buffered
    try:
        async with procs.child([DEVICEHUB, "devices", "--watch", "--json"], env=env) as watch:
            yield watch
    finally:
        await stop_hub(env)


async def next_list(watch: asyncio.subprocess.Process) -> list[dict[str, Any]]:
    assert watch.stdout is not None
    async with asyncio.timeout(90):
        line = await watch.stdout.readline()
    assert line, "devices --watch ended"
    rows = json.loads(line)
    assert isinstance(rows, list)
    return rows


async def until(watch: asyncio.subprocess.Process, *states: str) -> list[dict[str, Any]]:
    """The next list in which the devices have these states."""
    rows = await next_list(watch)
    while sorted(row["state"] for row in rows) != sorted(states):
        rows = await next_list(watch)
    return rows


async def test_a_phone_comes_goes_and_returns_under_another_boot(
    server: PrivateServer, tmp_path: Path
) -> None:
    client, keys = AdbClient(server.address), [server.key_path]
    async with watching(server, tmp_path) as watch:
        assert await next_list(watch) == []
        async with virtual_phone(PhoneSpec(serialno="W1"), keys=keys) as phone:
            await client.connect(phone.address)
            (row,) = await until(watch, "ready")
            assert (row["serialno"], row["serial"], row["virtual"]) == ("W1", phone.address, True)
            first_boot = row["boot_id"]
        await until(watch, "offline")  # adb tries for a minute to reach it again
        await client.disconnect(phone.address)
        await until(watch, "absent")
        async with virtual_phone(PhoneSpec(serialno="W1"), keys=keys) as phone:
            await client.connect(phone.address)
            (row,) = await until(watch, "ready")
            assert row["serialno"] == "W1"
            assert row["boot_id"] != first_boot
        watch.send_signal(signal.SIGINT)
        _, said = await watch.communicate()
        assert watch.returncode == 130
        assert said.decode().splitlines()[-1] == "devicehub: interrupted"


async def test_phones_are_told_by_who_they_are_not_by_transport_or_serial(
    server: PrivateServer, tmp_path: Path
) -> None:
    client, keys = AdbClient(server.address), [server.key_path]
    async with (
        virtual_phone(PhoneSpec(serialno="SAME", more_ports=(0,)), keys=keys) as twice,
        virtual_phone(PhoneSpec(serialno="SAME"), keys=keys) as other,
        watching(server, tmp_path) as watch,
    ):
        for address in (*twice.addresses, *other.addresses):
            await client.connect(address)
        rows = await until(watch, "ready", "ready")
        while sum(len(row["transports"]) for row in rows) < 3:
            rows = await until(watch, "ready", "ready")
        assert {row["serialno"] for row in rows} == {"SAME"}
        assert sorted(len(row["transports"]) for row in rows) == [1, 2]


async def test_a_server_that_dies_under_the_watch_is_started_again(
    server: PrivateServer, tmp_path: Path
) -> None:
    client = AdbClient(server.address)
    async with virtual_phone(PhoneSpec(), keys=[server.key_path]) as phone:
        await client.connect(phone.address)
        async with watching(server, tmp_path) as watch:
            await until(watch, "ready")
            await kill_server(server)
            await until(watch, "absent")
            async with asyncio.timeout(60):
                await until_connected(client, phone.address)
            await until(watch, "ready")


async def until_connected(client: AdbClient, address: str) -> None:
    """Connect a phone that a new server knows nothing of."""
    while True:
        with contextlib.suppress(AdbError):
            await client.connect(address)
            return
        await SystemClock().sleep(0.2)


async def kill_server(server: PrivateServer) -> None:
    done = await procs.run([DEVICEHUB.parent / "python", "-c", _KILL, str(server.address.port)], timeout_s=30)
    assert done.status == 0, done.stderr.decode()


_KILL = """
import socket, sys
with socket.create_connection(("localhost", int(sys.argv[1]))) as server:
    server.sendall(b"0009host:kill")
    server.recv(4)
"""
