"""A prompt reaches the phone byte for byte, and the engine word for word."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from devicehub.adb.address import ServerAddress
from devicehub.adb.client import AdbClient
from devicehub.adb.shell import run_script
from devicehub.demo_model import demo_model_dir
from devicehub.settings import PHONE_ROOT
from devicehub.sim.bundles import engine_bundle
from tests.e2e.command import devicehub
from tests.e2e.fleet import fleet

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NASTY = 'say "it\'s" $(reboot) `id` ${HOME} \\n \\\\ %s * ? ~ ; & | < > ! {a,b} 🤖é中 \u00a0'
PIECES = st.sampled_from(
    ["'", '"', "\\", "$(id)", "`", "${PATH}", "\\n", "%d", " ", "\t", "🤖", "é", "中", "a", "#", ";", "&"]
)
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufeff"), max_size=40)
PROMPTS = st.lists(PIECES | WORDS, max_size=30).map(lambda parts: "Q " + "".join(parts) + " end")


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def env(loop: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    phones = fleet(tmp_path_factory.mktemp("fleet"), phones=1)
    environment = loop.run(phones.__aenter__())
    try:
        for argv in (
            ("models", "add", demo_model_dir(), "--name", "tiny"),
            ("engines", "add", engine_bundle("virtual"), "--name", "plain"),
        ):
            assert loop.run(devicehub(*argv, env=environment)).status == 0
        yield environment
    finally:
        loop.run(phones.__aexit__(None, None, None))


async def prompt_tokens(env: dict[str, str], *argv: str | Path) -> tuple[int, bytes]:
    """How many tokens the engine counted, and the prompt file on the phone."""
    answer = await devicehub("run", "tiny", "--set", "max_new_tokens=2", "--json", *argv, env=env)
    record = answer.json
    transport = AdbClient(ServerAddress(port=int(env["ANDROID_ADB_SERVER_PORT"]))).transport(
        serial=record["device"]["serial"]
    )
    found = await run_script(transport, f"cat {PHONE_ROOT}/runs/{record['id']}/prompt.txt", timeout_s=30)
    return int(record["launches"][0]["records"][0]["prompt_tokens"]), found.stdout


@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(prompt=NASTY)
@example(prompt=(NASTY * 60)[:4096])
@given(prompt=PROMPTS)
def test_any_prompt_arrives_unchanged(loop: asyncio.Runner, env: dict[str, str], prompt: str) -> None:
    tokens, on_phone = loop.run(prompt_tokens(env, "--prompt", prompt))
    assert on_phone == prompt.encode() + b"\n"
    assert tokens > 0


def test_joined_lines_arrive_as_one_prompt(loop: asyncio.Runner, env: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "it's a prompt.txt"
    file.write_text("What is\r\n\n# MNN 'n' co?\n")
    tokens, on_phone = loop.run(prompt_tokens(env, "--prompt-file", file, "--join-lines"))
    assert on_phone == b"What is # MNN 'n' co?\n"
    again, _ = loop.run(prompt_tokens(env, "--prompt", "What is # MNN 'n' co?"))
    assert tokens == again
