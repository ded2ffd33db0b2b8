"""Runs on this computer by the commands of a user: the same record as a phone's, real figures, no phone."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from devicehub.adb.server import private_server
from devicehub.api.hubfile import find_running
from devicehub.clock import SystemClock
from devicehub.demo_model import demo_model_dir
from devicehub.engines.host import host_abi
from devicehub.settings import Home
from tests.e2e.command import devicehub, stop_hub
from tests.sim.engine.runs import needs_demo_model

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = [
    needs_demo_model,
    pytest.mark.skipif(host_abi() is None, reason="runs can be had on Linux, x86_64 and aarch64, alone"),
    pytest.mark.slow,
    pytest.mark.asyncio(loop_scope="module"),
]
PLAIN = ("--on", "local", "--set", "thread_num=1", "--set", "sampler_type=greedy", "--prompt")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def env(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, str]]:
    folder = tmp_path_factory.mktemp("home's")
    async with private_server(home=folder) as server:
        known = {
            "DEVICEHUB_HOME": str(folder / "home"),
            "DEVICEHUB_LOCAL": "on",
            "ANDROID_ADB_SERVER_PORT": str(server.address.port),
            "ADB_SERVER_SOCKET": "",
        }
        added = await devicehub("models", "add", demo_model_dir(), "--name", "tiny", env=known)
        assert added.status == 0, added.stderr
        yield known
        await stop_hub(known)


async def test_it_stands_in_the_list_as_a_device_of_its_own_kind(env: dict[str, str]) -> None:
    [row] = (await devicehub("devices", "--json", env=env)).json
    assert (row["serial"], row["kind"], row["state"], row["virtual"]) == ("local", "host", "ready", False)
    shown = await devicehub("devices", env=env)
    assert "this computer" in shown.stdout
    assert shown.stdout.endswith("no phone is connected\n")
    unnamed = await devicehub("run", "tiny", "--prompt", "Hi", env=env)
    assert unnamed.status == 3
    unnamed.assert_one_sentence("no phone is connected")


async def test_demo_has_the_record_of_a_run_with_the_engine_of_the_wheel(env: dict[str, str]) -> None:
    answer = await devicehub("run", "tiny", *PLAIN, "What is DeviceHub?", "--json", env=env)
    assert answer.status == 0, answer.stderr
    record = answer.json
    assert (record["state"], record["verdict"], record["virtual"]) == ("succeeded", "succeeded", False)
    assert (record["device"]["serial"], record["engine"]["name"]) == ("local", "wheel")
    [launch] = record["launches"]
    [counters] = launch["records"]
    assert counters["decode_tok_s"] > 0
    assert counters["prefill_tok_s"] > 0
    assert "DeviceHub" in launch["text"]
    assert record["fidelity"] == 1.0
    conditions = record["conditions"]
    assert conditions["cpus_online"]
    assert record["timings"]["pushed_bytes"] == 0
    # The model is used where it lies.
    assert Path(record["config"]["base_dir"]) == demo_model_dir()
    assert not (Path(env["DEVICEHUB_HOME"]) / "local" / "mnn_models").exists()


async def test_bench_gives_figures_of_this_computer(env: dict[str, str]) -> None:
    asked = ("--workload", "bench", "--launches", "1", "--prompt-tokens", "16", "--decode-tokens", "4")
    answer = await devicehub("run", "tiny", "--on", "local", *asked, "--repeats", "1", "--json", env=env)
    assert answer.status == 0, answer.stderr
    assert (answer.json["verdict"], answer.json["virtual"]) == ("succeeded", False)
    assert answer.json["summary"]["decode_tok_s"]["median"] > 0


async def test_run_of_a_hub_that_is_killed_goes_on_and_is_collected(env: dict[str, str]) -> None:
    asked = ("--prompt-tokens", "64", "--decode-tokens", "64", "--repeats", "40", "--protocol", "none")
    detached = await devicehub(
        "run", "tiny", "--on", "local", "--workload", "bench", *asked, "--detach", "--json", env=env
    )
    assert detached.status == 0, detached.stderr
    run_id = (detached.json if isinstance(detached.json, dict) else detached.json[0])["id"]
    await _until(env, run_id, {"running"})
    running = find_running(Home(Path(env["DEVICEHUB_HOME"])))
    assert running is not None
    os.kill(running.pid, signal.SIGKILL)
    row = await _until(env, run_id, {"succeeded", "failed", "lost", "cancelled"})
    assert (row["state"], row["verdict"]) == ("succeeded", "succeeded")
    # A launch of a second may end before its first sample; this one takes several.
    record = (await devicehub("runs", "show", run_id, "--json", env=env)).json
    assert record["conditions"]["rss_kib_highest"] > 0


async def test_a_run_is_stopped(env: dict[str, str]) -> None:
    asked = ("--prompt-tokens", "64", "--decode-tokens", "64", "--repeats", "900", "--protocol", "none")
    detached = await devicehub(
        "run", "tiny", "--on", "local", "--workload", "bench", *asked, "--detach", "--json", env=env
    )
    run_id = (detached.json if isinstance(detached.json, dict) else detached.json[0])["id"]
    await _until(env, run_id, {"running"})
    assert (await devicehub("runs", "stop", run_id, env=env)).status == 0
    assert (await _until(env, run_id, {"succeeded", "failed", "lost", "cancelled"}))["state"] == "cancelled"
    [row] = (await devicehub("devices", "--json", env=env)).json
    assert row["run"] is None


@pytest.mark.parametrize(
    "asked",
    [
        ("push", "model", "tiny", "--on", "local"),
        ("app", "install", "--on", "local"),
        ("shell", "local", "--", "id"),
        ("mirror", "local"),
        ("run", "tiny", "--on", "local", "--workload", "app", "--prompt", "Hi"),
        ("run", "tiny", "--on", "local", "--energy", "--prompt", "Hi"),
    ],
    ids=lambda asked: " ".join(asked[:2]),
)
async def test_what_only_a_phone_can_do_is_refused(asked: tuple[str, ...], env: dict[str, str]) -> None:
    answer = await devicehub(*asked, env=env)
    assert answer.status != 0
    assert "for phones" in answer.stderr


async def _until(env: dict[str, str], run_id: str, states: set[str]) -> dict[str, Any]:
    clock = SystemClock()
    async with asyncio.timeout(120):
        while True:
            rows = (await devicehub("runs", "list", "--json", env=env)).json
            [row] = [row for row in rows if row["id"] == run_id]
            if row["state"] in states:
                return dict(row)
            await clock.sleep(0.2)


async def test_bench_below_a_path_with_a_blank_is_refused(env: dict[str, str], tmp_path: Path) -> None:
    there = {**env, "DEVICEHUB_HOME": str(tmp_path / "a home")}
    try:
        added = await devicehub("models", "add", demo_model_dir(), "--name", "tiny", env=there)
        assert added.status == 0, added.stderr
        answer = await devicehub("run", "tiny", "--on", "local", "--workload", "bench", env=there)
        assert answer.status != 0
        assert "holds a blank" in answer.stderr
        demo = await devicehub("run", "tiny", *PLAIN, "Hi", "--json", env=there)
        assert demo.json["verdict"] == "succeeded"
    finally:
        await stop_hub(there)
