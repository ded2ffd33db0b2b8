"""`devicehub app install` and `devicehub run --workload app`, as a user does it, on a virtual phone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from devicehub.adb.client import AdbClient
from devicehub.adb.server import private_server
from devicehub.demo_model import demo_model_dir
from devicehub.sim.app.spec import AppSpec
from devicehub.sim.phone import PhoneSpec
from tests.e2e.command import Answer, devicehub, stop_hub
from tests.sim.app.make_apk import make_apk
from tests.sim.conftest import phone_or_skip

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.asyncio(loop_scope="module")

KEY = "aBcDeFgH12345678"
DEBUG, RELEASE = 0, 1


class Lab:
    """Two phones, one without the app yet, one with a release build."""

    def __init__(self, env: dict[str, str], serials: list[str]) -> None:
        self.env = env
        self.serials = serials

    async def run(self, phone: int, *more: str | Path, **env: str) -> Answer:
        return await devicehub(
            *("run", "tiny", "--workload", "app", "--on", self.serials[phone], *more, "--json"),
            env={**self.env, **env},
        )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Lab]:
    folder: Path = tmp_path_factory.mktemp("app")
    specs = (
        PhoneSpec(serialno="APP0000001", app=AppSpec(installed=False)),
        PhoneSpec(serialno="APP0000002", app=AppSpec(debuggable=False, api_key=KEY)),
    )
    async with (
        private_server(home=folder / "adb") as server,
        phone_or_skip(specs[0], [server.key_path]) as first,
        phone_or_skip(specs[1], [server.key_path]) as second,
    ):
        client = AdbClient(server.address)
        for phone in (first, second):
            await client.connect(phone.address)
        env = {
            **os.environ,
            "HOME": str(folder / "adb"),
            "ANDROID_ADB_SERVER_PORT": str(server.address.port),
            "DEVICEHUB_HOME": str(folder / "hub"),
        }
        env.pop("DEVICEHUB_APP_KEY", None)
        lab = Lab(env, [first.address, second.address])
        added = await devicehub("models", "add", demo_model_dir(), "--name", "tiny", env=env)
        assert added.status == 0, added.stderr
        refused = await lab.run(DEBUG, "--prompt", "hi")
        assert refused.status != 0
        assert "devicehub app install" in refused.stderr
        installed = await devicehub(
            "app", "install", make_apk(folder / "a.apk"), "--on", first.address, env=env
        )
        assert installed.status == 0, installed.stderr
        yield lab
        await stop_hub(env)


async def test_prompts_through_a_debug_build(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "prompts.txt").write_text('What is DeviceHub?\nSay "hi" to it\'s 😀 $(x)\n')
    answer = await lab.run(DEBUG, "--prompt-file", tmp_path / "prompts.txt")
    assert answer.status == 0, answer.stderr
    record = answer.json
    assert (record["state"], record["verdict"], record["workload"]) == ("succeeded", "succeeded", "app")
    [launch] = record["launches"]
    assert len(launch["records"]) == 2
    assert all(row["tool"] == "mnn_chat" and row["source"] == "logcat" for row in launch["records"])
    assert all(row["load_ms"] > 0 and row["decode_tok_s"] > 0 for row in launch["records"])
    assert launch["text"]
    assert record["engine"]["name"] == "MnnLlmChat"
    assert record["engine"]["version"] == "0.8.3"
    # The app reads the model's own.
    assert record["config"]["llm_model"] == "llm.mnn"
    assert record["profile"] in (None, "")
    assert record["conditions"]["samples"] > 0


async def test_the_apps_own_benchmark(lab: Lab) -> None:
    answer = await lab.run(DEBUG, "--set", "prompt=16", "--set", "gen=8", "--set", "repeat=2")
    assert answer.status == 0, answer.stderr
    [row] = answer.json["launches"][0]["records"]
    assert (row["test"], row["source"], row["backend"]) == ("pp16+tg8", "dumpapp", "cpu")
    assert row["prefill_tok_s"] > 0
    assert row["decode_tok_s"] > 0
    assert row["threads"] is None


async def test_a_release_build_takes_prompts_over_its_api_with_its_key(lab: Lab) -> None:
    settings = Path(lab.env["DEVICEHUB_HOME"]) / "settings.toml"
    settings.write_text(f'app_key = "{KEY}"\n')
    try:
        answer = await lab.run(RELEASE, "--prompt", "What is DeviceHub?")
    finally:
        settings.unlink()
    assert answer.status == 0, answer.stderr
    record = answer.json
    [row] = record["launches"][0]["records"]
    assert row["source"] == "api"
    assert row["prompt_tokens"] > 0
    assert row["decode_tokens"] > 0
    assert record["trusted"] is False
    assert any("timed by this host" in reason for reason in record["trust_reasons"])
    assert KEY not in answer.stdout


async def test_without_the_key_there_is_no_channel(lab: Lab) -> None:
    answer = await lab.run(RELEASE, "--prompt", "hi")
    assert answer.status == 1, answer.stderr
    record = answer.json
    assert (record["state"], record["cause"]) == ("failed", "app_no_channel")
    [launch] = record["launches"]
    assert "app_key" in launch["evidence"][0]
    assert launch["remedy"]


async def test_the_benchmark_needs_a_debug_build(lab: Lab) -> None:
    answer = await lab.run(RELEASE)
    assert answer.json["cause"] == "app_no_channel"


@pytest.mark.parametrize(
    "words",
    [
        ("--prompt", "hi", "--set", "thread_num=2"),
        ("--prompt", "hi", "--profile", "default"),
        ("--set", "precision=low"),
        ("--set", "backend=vulkan"),
    ],
)
async def test_what_the_app_would_not_heed_is_refused(lab: Lab, words: tuple[str, ...]) -> None:
    answer = await lab.run(DEBUG, *words)
    assert answer.status in (2, 4), answer.stderr
    assert answer.stdout == ""
    assert "Traceback" not in answer.stderr
