"""`run --workload bench` on two virtual phones, as a user calls it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from devicehub.adb.server import private_server
from devicehub.demo_model import demo_model_dir
from devicehub.dispatch.request import RunRequest
from devicehub.hub import open_hub
from devicehub.profiles.load import run_profile
from devicehub.settings import Home
from devicehub.sim.bundles import engine_bundle
from devicehub.sim.phone import PhoneSpec, virtual_phone
from devicehub.workloads.llm_bench import BenchOptions
from tests.e2e.command import Answer, devicehub
from tests.e2e.fleet import stocked_fleet

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.asyncio(loop_scope="module")

SMALL = ("--protocol", "none", "--prompt-tokens", "16", "--decode-tokens", "8", "--repeats", "2")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def env(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, str]]:
    async with stocked_fleet(tmp_path_factory.mktemp("fleet")) as environment:
        yield environment


async def bench(env: dict[str, str], phone: int, engine: str, *more: str) -> Answer:
    devices = await devicehub("devices", "--json", env=env)
    serial = devices.json[phone]["serial"]
    argv = ("run", "tiny", "--on", serial, "--engine", engine, "--workload", "bench", *SMALL, *more, "--json")
    return await devicehub(*argv, env=env)


async def test_both_builds_side_by_side_tell_prefill_and_decoding(env: dict[str, str]) -> None:
    async with asyncio.TaskGroup() as tasks:
        plain = tasks.create_task(bench(env, 0, "plain", "--launches", "2"))
        logging = tasks.create_task(bench(env, 1, "logging"))
    for answer, launches in ((plain.result(), 2), (logging.result(), 1)):
        assert answer.status == 0, answer.stderr
        record = answer.json
        assert (record["verdict"], record["cause"], len(record["launches"])) == ("succeeded", None, launches)
        for launch in record["launches"]:
            [row] = launch["records"]
            assert (row["model"], row["backend"], row["prompt_tokens"]) == ("tiny", "CPU", 16)
            assert row["prefill_tok_s"] > 0
            assert row["decode_tok_s"] > 0
            size = (demo_model_dir() / "llm.mnn.weight").stat().st_size
            assert row["model_size_bytes"] == pytest.approx(size, abs=6000)
        assert record["summary"]["launches"] == launches


async def test_after_a_demo_with_the_same_settings(env: dict[str, str]) -> None:
    serial = (await devicehub("devices", "--json", env=env)).json[0]["serial"]
    demo = await devicehub("run", "tiny", "--on", serial, "--engine", "plain", "--prompt", "Hi", env=env)
    assert demo.status == 0, demo.stderr
    assert (await bench(env, 0, "plain")).status == 0


async def test_a_backend_that_the_engine_lacks_fails_with_its_figures(env: dict[str, str]) -> None:
    answer = await bench(env, 0, "logging", "--set", "backend_type=opencl")
    assert answer.status == 1
    assert answer.json["cause"] == "backend_fallback"
    # A GPU always warms up first.
    warmup, launch = answer.json["launches"]
    assert [warmup["kind"], launch["kind"]] == ["warmup", "measured"]
    assert "Can't Find type=3 backend, use 0 instead" in launch["evidence"]
    assert [row["backend"] for row in launch["records"]] == ["OPENCL"]


async def test_decoding_alone(env: dict[str, str]) -> None:
    answer = await bench(env, 1, "plain", "--prompt-tokens", "0")
    assert answer.status == 0, answer.stderr
    [row] = answer.json["launches"][0]["records"]
    assert (row["test"], row["prefill_tok_s"]) == ("tg8", None)
    assert row["decode_tok_s"] > 0


async def test_a_backend_that_llm_bench_takes_for_the_cpu_is_refused(env: dict[str, str]) -> None:
    answer = await bench(env, 0, "plain", "--set", "backend_type=vulkan")
    assert answer.status != 0
    answer.assert_one_sentence("backend_type: vulkan", "would measure the CPU")


async def test_on_a_phone_whose_processes_see_the_host(tmp_path: Path) -> None:
    async with (
        private_server(home=tmp_path / "adb") as server,
        virtual_phone(PhoneSpec(mode="portable"), keys=[server.key_path]) as phone,
    ):
        hub = await open_hub(home=Home(tmp_path / "home"), address=server.address)
        await hub.client.connect(phone.address)
        (device,) = await hub.devices()
        request = RunRequest(
            run_id=hub.new_run_id(),
            engine=hub.engines.add(engine_bundle("virtual-logcat"), "logging"),
            model=hub.models.add(demo_model_dir()),
            profile=run_profile("greedy-repeatable", hub.home),
            workload="bench",
            bench=BenchOptions(prompt_tokens=16, decode_tokens=8, repeats=2),
        )
        record = (await hub.run(request, device)).record
    assert (record.state, record.cause) == ("succeeded", None), record
    [row] = record.launches[0].records
    assert row.prefill_tok_s
    assert row.decode_tok_s
    assert row.model_size_bytes
    assert row.model_size_bytes < 10**7
