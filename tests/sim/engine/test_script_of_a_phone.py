"""A phone hands its script to every engine that is started on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import pytest

from devicehub.adb import shell
from devicehub.adb.client import AdbClient
from devicehub.adb.server import private_server
from devicehub.adb.sync import open_sync
from devicehub.demo_model import demo_model_dir
from devicehub.sim.engine.scenario import EngineScript
from devicehub.sim.phone import PhoneSpec, virtual_phone
from devicehub.sim.process.shell import Mode
from tests.sim.engine.runs import needs_demo_model

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = needs_demo_model

_MODEL = "/data/local/tmp/model"


@pytest.mark.parametrize("mode", get_args(Mode))
async def test_script_counts_until_it_is_taken_away(mode: Mode, tmp_path: Path) -> None:
    async with (
        private_server(home=tmp_path) as server,
        virtual_phone(PhoneSpec(mode=mode), keys=[server.key_path]) as phone,
    ):
        client = AdbClient(server.address)
        await client.connect(phone.address)
        transport = client.transport(serial=phone.address)
        async with open_sync(transport) as sync:
            for file in demo_model_dir().iterdir():
                await sync.push(file, f"{_MODEL}/{file.name}")
            await sync.push(b"Hi\n", f"{_MODEL}/prompt.txt")

        async def answer() -> str:
            script = f"cd {_MODEL} && mnn_engine llm_demo config.json prompt.txt 4"
            done = await shell.check(transport, ["sh", "-c", script], timeout_s=120)
            return done.stdout.decode()

        phone.set_engine_script(EngineScript(rows={"load": ["CL ERROR CODE : -30, info:getPlatform "]}))
        assert "CL ERROR CODE : -30, info:getPlatform \n" in await answer()
        phone.set_engine_script(None)
        assert "CL ERROR CODE" not in await answer()
