"""`run --workload custom` on two virtual phones, as a user calls it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.e2e.command import Answer, devicehub
from tests.e2e.fleet import stocked_fleet

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def env(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, str]]:
    async with stocked_fleet(tmp_path_factory.mktemp("fleet")) as environment:
        yield environment


def add_profile(env: dict[str, str], name: str, text: str) -> None:
    folder = Path(env["DEVICEHUB_HOME"]) / "profiles" / "runs"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.toml").write_text(f'summary = "Test."\nworkload = "custom"\n{text}', encoding="utf-8")


async def run(env: dict[str, str], phone: int, engine: str, profile: str, *more: str) -> Answer:
    serial = (await devicehub("devices", "--json", env=env)).json[phone]["serial"]
    argv = ("run", "tiny", "--on", serial, "--engine", engine, "--workload", "custom", "--profile", profile)
    return await devicehub(*argv, *more, "--json", env=env)


async def test_the_packaged_example_reads_both_builds(env: dict[str, str]) -> None:
    asked = ("custom-llm-demo", "--prompt", "What is DeviceHub?")
    async with asyncio.TaskGroup() as tasks:
        plain = tasks.create_task(run(env, 0, "plain", *asked, "--launches", "2"))
        logging = tasks.create_task(run(env, 1, "logging", *asked))
    for answer, source, launches in ((plain.result(), "stdout", 2), (logging.result(), "logcat", 1)):
        assert answer.status == 0, answer.stderr
        record = answer.json
        assert (record["workload"], record["verdict"], record["profile"]) == (
            "custom", "succeeded", "custom-llm-demo",
        )  # fmt: skip
        assert record["trusted"], record["trust_reasons"]
        assert len(record["launches"]) == launches
        for launch in record["launches"]:
            [row] = launch["records"]
            assert (row["tool"], row["source"]) == ("llm_demo", source)
            assert 0 < row["decode_tokens"] <= 32
            assert row["prompt_tokens"] > 0
            assert row["decode_tok_s"] > 0
            assert "prompt file is " in launch["text"]
        assert record["summary"]["launches"] == launches
