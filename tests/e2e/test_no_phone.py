"""What a user sees where there is no phone, no adb server, or something else on its port."""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import TYPE_CHECKING

from devicehub.adb.server import private_server
from tests.e2e.command import devicehub, stop_hub

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


async def test_no_phone_says_how_to_get_one(tmp_path: Path) -> None:
    async with private_server(home=tmp_path) as server, ended(tmp_path) as env:
        env["ANDROID_ADB_SERVER_PORT"] = str(server.address.port)
        listed = await devicehub("devices", env=env)
        assert (listed.status, listed.stdout) == (0, "no phone is connected\n")
        assert (await devicehub("devices", "--json", env=env)).json == []
        pushed = await devicehub("push", "file", __file__, "/data/local/tmp/", env=env)
        assert pushed.status == 3
        pushed.assert_one_sentence("no phone is connected", "USB debugging")
        elsewhere = await devicehub("devices", env={**env, "ANDROID_ADB_SERVER_PORT": "1"})
        assert elsewhere.status == 3
        elsewhere.assert_one_sentence(str(server.address), "127.0.0.1:1", "devicehub stop")


async def test_a_server_that_is_elsewhere_and_down(tmp_path: Path) -> None:
    async with ended(tmp_path) as env:
        answer = await devicehub("devices", env={**env, "ADB_SERVER_SOCKET": "tcp:127.0.0.2:1"})
        assert answer.status == 3
        answer.assert_one_sentence("127.0.0.2:1")


async def test_garbage_on_the_servers_port(tmp_path: Path) -> None:
    async def answer_garbage(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer_garbage, "127.0.0.1", 0) as garbage, ended(tmp_path) as env:
        port = str(garbage.sockets[0].getsockname()[1])
        answer = await devicehub("devices", env={**env, "ANDROID_ADB_SERVER_PORT": port})
        assert answer.status == 3
        answer.assert_one_sentence(port)


@contextlib.asynccontextmanager
async def ended(folder: Path) -> AsyncIterator[dict[str, str]]:
    """An environment in which no hub runs at the end."""
    env = {"HOME": str(folder), "DEVICEHUB_HOME": str(folder / "hub")}
    yield env
    await stop_hub(env)


async def test_a_variable_that_is_no_port() -> None:
    answer = await devicehub("devices", env={**os.environ, "ANDROID_ADB_SERVER_PORT": "many"})
    assert answer.status == 4
    answer.assert_one_sentence("ANDROID_ADB_SERVER_PORT", "many")


async def test_version_help_and_usage() -> None:
    assert (await devicehub("--version")).stdout.startswith("devicehub ")
    assert "identify" in (await devicehub("--help")).stdout
    wrong = await devicehub("runn")
    assert wrong.status == 2
    assert "No such command 'runn'" in wrong.stderr
