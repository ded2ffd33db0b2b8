"""A whole run on a phone whose processes see the host: where no user namespaces are allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from devicehub.adb.server import private_server
from devicehub.demo_model import DEFAULT_PROMPT, demo_model_dir
from devicehub.dispatch.request import RunRequest
from devicehub.hub import open_hub
from devicehub.profiles.load import run_profile
from devicehub.settings import Home
from devicehub.sim.bundles import engine_bundle
from devicehub.sim.phone import PhoneSpec, virtual_phone
from devicehub.workloads.prompts import encode_prompts

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("engine", "source"), [("virtual", "stdout"), ("virtual-logcat", "logcat")])
async def test_an_unconfined_phone_carries_a_run_to_its_counters(
    engine: str, source: str, tmp_path: Path
) -> None:
    async with (
        private_server(home=tmp_path / "adb") as server,
        virtual_phone(PhoneSpec(mode="portable"), keys=[server.key_path]) as phone,
    ):
        hub = await open_hub(home=Home(tmp_path / "home"), address=server.address)
        await hub.client.connect(phone.address)
        (device,) = await hub.devices()
        request = RunRequest(
            run_id=hub.new_run_id(),
            engine=hub.engines.add(engine_bundle(engine), engine),
            model=hub.models.add(demo_model_dir()),
            profile=run_profile("greedy-repeatable", hub.home),
            prompts=encode_prompts(DEFAULT_PROMPT),
        )
        record = (await hub.run(request, device)).record
    assert (record.state, record.verdict, record.cause) == ("succeeded", "succeeded", None), record
    (launch,) = record.launches
    (counters,) = launch.records
    assert counters.source == source
    assert counters.prompt_tokens
    assert counters.decode_tok_s
    assert counters.load_ms
    assert launch.text
