"""On the phone that ANDROID_SERIAL names: `pytest -m device`. Leaves nothing on it."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

import pytest

from devicehub.adb import shell
from devicehub.adb.address import server_address
from devicehub.adb.client import AdbClient
from devicehub.adb.sync import open_sync
from tests.e2e.command import devicehub

if TYPE_CHECKING:
    from pathlib import Path

    from devicehub.adb.client import Transport

pytestmark = pytest.mark.device


@pytest.fixture
def serial() -> str:
    named = os.environ.get("ANDROID_SERIAL")
    if not named:
        pytest.skip("needs a real phone: set ANDROID_SERIAL")
    return named


@pytest.fixture
def transport(serial: str) -> Transport:
    return AdbClient(server_address()).transport(serial=serial)


async def test_the_phone_is_listed_and_identified(serial: str) -> None:
    answer = await devicehub("devices", "--json")
    assert answer.status == 0, answer.stderr
    (row,) = [row for row in answer.json if row["serial"] == serial]
    assert row["state"] == "ready"
    assert row["vendor"] is not None
    assert row["boot_id"]


@pytest.mark.parametrize("status", [0, 7, 127, 137])
async def test_a_command_ends_with_its_own_status(transport: Transport, status: int) -> None:
    answer = await shell.run_script(transport, f"echo out; echo err >&2; exit {status}", timeout_s=30)
    assert (answer.stdout, answer.stderr, answer.status) == (b"out\n", b"err\n", status)


async def test_a_file_comes_back_as_it_went(transport: Transport, tmp_path: Path) -> None:
    content = secrets.token_bytes(3_000_001)
    remote = f"/data/local/tmp/devicehub-test-{secrets.token_hex(4)} it's"
    try:
        async with open_sync(transport) as sync:
            assert await sync.push(content, remote) == len(content)
            await sync.pull(remote, tmp_path / "back")
        assert (tmp_path / "back").read_bytes() == content
    finally:
        await shell.run(transport, ["rm", "-f", remote], timeout_s=30)
