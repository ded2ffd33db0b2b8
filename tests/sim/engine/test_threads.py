"""How many threads the engine of a virtual phone is granted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from devicehub.adb import shell
from devicehub.adb.client import AdbClient
from devicehub.adb.server import private_server
from devicehub.adb.sync import open_sync
from devicehub.demo_model import demo_model_dir
from devicehub.sim.phone import PhoneSpec, virtual_phone

if TYPE_CHECKING:
    from pathlib import Path

_MODEL = "/data/local/tmp/model"


@pytest.mark.parametrize(("granted", "used"), [(1, 1), (2, 2)])
async def test_the_log_tells_threads_asked_for_and_used(granted: int, used: int, tmp_path: Path) -> None:
    async with (
        private_server(home=tmp_path) as server,
        virtual_phone(PhoneSpec(threads=granted), keys=[server.key_path]) as phone,
    ):
        client = AdbClient(server.address)
        await client.connect(phone.address)
        transport = client.transport(serial=phone.address)
        async with open_sync(transport) as sync:
            for file in demo_model_dir().iterdir():
                await sync.push(file, f"{_MODEL}/{file.name}")
            await sync.push(b"Hi\n", f"{_MODEL}/prompt.txt")
        script = f"cd {_MODEL} && mnn_engine llm_demo config.json prompt.txt 4"
        await shell.check(transport, ["sh", "-c", script], timeout_s=120)
        logged = await shell.check(transport, ["logcat", "-d", "-s", "devicehub"], timeout_s=60)
        assert f"threads asked 4, used {used}" in logged.stdout.decode()
