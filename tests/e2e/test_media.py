"""Pictures in prompts: brought to the phone, or refused where nothing there could look at them."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from devicehub.adb.address import ServerAddress
from devicehub.adb.client import AdbClient
from devicehub.adb.shell import run_script
from devicehub.demo_model import demo_model_dir
from devicehub.sim.bundles import engine_bundle
from tests.e2e.command import Answer, devicehub
from tests.e2e.fleet import fleet

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

PICTURE = b"\x89PNG\r\n\x1a\n"
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def env(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, str]]:
    folder: Path = tmp_path_factory.mktemp("media")
    seeing, blind = folder / "seeing", folder / "blind"
    shutil.copytree(demo_model_dir(), seeing)
    shutil.copytree(engine_bundle("virtual"), blind)
    config = json.loads((seeing / "llm_config.json").read_text())
    (seeing / "llm_config.json").write_text(json.dumps(config | {"is_visual": True}))
    with (blind / "engine.toml").open("a") as file:
        file.write("omni = false\n")
    async with fleet(folder, phones=1) as environment:
        for argv in (
            ("models", "add", demo_model_dir(), "--name", "reading"),
            ("models", "add", seeing),
            ("engines", "add", engine_bundle("virtual"), "--name", "plain"),
            ("engines", "add", blind, "--name", "blind"),
        ):
            answer = await devicehub(*argv, env=environment)
            assert answer.status == 0, answer.stderr
        yield environment


async def ask(env: dict[str, str], file: Path, model: str, engine: str = "plain") -> Answer:
    return await devicehub("run", model, "--engine", engine, "--prompt-file", file, "--json", env=env)


def prompt_file(folder: Path, text: str) -> Path:
    (folder / "a picture.png").write_bytes(PICTURE)
    file = folder / "prompts.txt"
    file.write_text(text + "\n")
    return file


async def test_a_picture_lies_on_the_phone_where_the_prompt_says(env: dict[str, str], tmp_path: Path) -> None:
    answer = await ask(env, prompt_file(tmp_path, "<img>a picture.png</img>What is it?"), "seeing")
    assert answer.status == 1, answer.stderr
    record = answer.json
    # The copied model says that it sees and has nothing to see with.
    assert (record["verdict"], record["cause"]) == ("failed", "load_failed")
    assert record["media"] == {"img": 1}
    client = AdbClient(ServerAddress("127.0.0.1", int(env["ANDROID_ADB_SERVER_PORT"])))
    phone = client.transport(serial=record["device"]["serial"])
    folder = f"/data/local/tmp/devicehub/runs/{record['id']}"
    prompt = (await run_script(phone, f"cat {folder}/prompt.txt", timeout_s=20)).stdout.decode()
    path = prompt.removeprefix("<img>").partition("</img>")[0]
    assert prompt == f"<img>{path}</img>What is it?\n"
    assert path.startswith(f"{folder}/img-")
    assert (await run_script(phone, f"cat {path}", timeout_s=20)).stdout == PICTURE


async def test_a_picture_that_is_not_there(env: dict[str, str], tmp_path: Path) -> None:
    answer = await ask(env, prompt_file(tmp_path, "<img>nowhere.png</img>?"), "seeing")
    assert answer.status == 4
    answer.assert_one_sentence("nowhere.png", "no such file", "<img>")


async def test_a_model_that_reads_no_pictures_is_refused(env: dict[str, str], tmp_path: Path) -> None:
    answer = await ask(env, prompt_file(tmp_path, "<img>a picture.png</img>?"), "reading")
    assert answer.status == 4
    assert "model reading: reads no pictures" in answer.stderr


async def test_an_engine_without_media_is_refused(env: dict[str, str], tmp_path: Path) -> None:
    answer = await ask(env, prompt_file(tmp_path, "<img>a picture.png</img>?"), "seeing", "blind")
    assert answer.status == 4
    assert "engine blind: was built without media" in answer.stderr
