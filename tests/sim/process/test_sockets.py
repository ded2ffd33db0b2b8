"""Sockets of a phone whose folder has a long path, and starts that end before they are told of."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest

from devicehub.adb import shell
from devicehub.adb.client import AdbClient
from devicehub.adb.server import private_server
from devicehub.sim.phone import PhoneSpec, virtual_phone
from devicehub.sim.process.sockets import address_in

if TYPE_CHECKING:
    from pathlib import Path

    from devicehub.sim.process.shell import Mode


@pytest.mark.parametrize("length", [1, 200])
def test_a_socket_in_a_folder_with_a_path_of_any_length(length: int, tmp_path: Path) -> None:
    folder = tmp_path / ("long" * (length // 4))
    folder.mkdir(exist_ok=True)
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as client:
        with address_in(folder, "s") as address:
            listener.bind(address)
        listener.listen()
        with address_in(folder, "s") as address:
            client.connect(address)
    assert (folder / "s").is_socket()


@pytest.mark.parametrize("mode", ["confined", "portable"])
async def test_a_phone_under_a_long_temporary_folder(
    mode: Mode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / ("long" * 40)
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    async with (
        private_server(home=tmp_path) as server,
        virtual_phone(PhoneSpec(mode=mode), keys=[server.key_path]) as phone,
    ):
        client = AdbClient(server.address)
        await client.connect(phone.address)
        transport = client.transport(serial=phone.address)
        told = await shell.check(transport, ["dumpsys", "battery"], timeout_s=60)
        assert b"level: " in told.stdout
        await shell.check(transport, ["log", "-t", "long", "hello"], timeout_s=60)
        logged = await shell.check(transport, ["logcat", "-d", "-s", "long"], timeout_s=60)
        assert b"hello" in logged.stdout


async def test_commands_that_end_at_once_keep_output_and_status(tmp_path: Path) -> None:
    async with (
        private_server(home=tmp_path) as server,
        virtual_phone(PhoneSpec(), keys=[server.key_path]) as phone,
    ):
        client = AdbClient(server.address)
        await client.connect(phone.address)
        transport = client.transport(serial=phone.address)
        script = "echo out; echo err >&2; exit 3"
        for _ in range(5):
            answers = await asyncio.gather(
                *(shell.run_script(transport, script, timeout_s=60) for _ in range(20))
            )
            assert {(each.stdout, each.stderr, each.status) for each in answers} == {(b"out\n", b"err\n", 3)}
