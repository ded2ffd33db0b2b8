"""`devicehub push` as a process, on a virtual phone."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

import pytest

from devicehub import procs
from devicehub.engines.catalog import EngineCatalog
from devicehub.models.catalog import ModelCatalog
from devicehub.settings import Home
from tests.deploy.conftest import OnePhone, phone
from tests.e2e.command import stop_hub
from tests.models.make_folder import make_model

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from devicehub.procs import Completed

__all__ = ["phone"]


class Command:
    """Runs `devicehub push` against one phone."""

    def __init__(self, home: Path, one: OnePhone) -> None:
        address = one.client.address
        self.env = {
            **os.environ,
            "DEVICEHUB_HOME": str(home),
            "ANDROID_ADB_SERVER_ADDRESS": address.host,
            "ANDROID_ADB_SERVER_PORT": str(address.port),
        }

    async def __call__(self, *argv: str | Path) -> Completed:
        start = [sys.executable, "-c", "from devicehub.cli.main import main; main()", "push"]
        return await procs.run([*start, *argv], timeout_s=60, env=self.env)


@pytest.fixture
async def push(tmp_path: Path, phone: OnePhone) -> AsyncIterator[Command]:
    command = Command(tmp_path / "home", phone)
    yield command
    await stop_hub(command.env)


async def test_model_dry_run_then_push_then_nothing_to_do(
    push: Command, phone: OnePhone, tmp_path: Path
) -> None:
    ModelCatalog(Home(tmp_path / "home")).add(make_model(tmp_path / "tiny"))
    dry = await push("model", "tiny", "--dry-run")
    assert dry.status == 0, dry.stderr
    assert b"send    llm.mnn.weight  1.0 kB" in dry.stdout
    assert await phone.run("ls /data/local/tmp/mnn_models 2>/dev/null") == ""
    done = await push("model", "tiny", "--json")
    assert done.status == 0, done.stderr
    (result,) = json.loads(done.stdout)
    assert result["outcome"]["files_sent"] == 5
    assert "config.json" in await phone.run("ls /data/local/tmp/mnn_models/tiny")
    again = await push("model", "tiny")
    assert b"0 files sent, 5 there already" in again.stderr


async def test_engine_can_be_executed_by_the_shell_user_alone(
    push: Command, phone: OnePhone, tmp_path: Path
) -> None:
    folder = tmp_path / "virtual"
    folder.mkdir()
    (folder / "llm_demo").write_text("#!/system/bin/sh\necho started\n")
    (folder / "engine.toml").write_text('abi = "virtual"\n')
    engine = EngineCatalog(Home(tmp_path / "home")).add(folder)
    done = await push("engine", "virtual")
    assert done.status == 0, done.stderr
    target = f"/data/local/tmp/devicehub/engines/{engine.id}"
    assert await phone.run(f"{target}/llm_demo") == "started\n"
    assert await phone.run(f"stat -c %a {target}/llm_demo") == "700\n"


async def test_file_to_a_folder_and_to_a_name(push: Command, phone: OnePhone, tmp_path: Path) -> None:
    source = tmp_path / "note 'x'.txt"
    source.write_text("hello")
    for destination in ("/data/local/tmp", "/data/local/tmp/new folder/other name"):
        done = await push("file", source, destination)
        assert done.status == 0, done.stderr
    listed = await phone.run(
        "cd /data/local/tmp && cat \"note 'x'.txt\" 'new folder/other name'; ls -A . new*"
    )
    assert listed.startswith("hellohello")
    assert ".devicehub" not in listed


async def test_wrong_arguments_say_so(push: Command, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for argv in (
        ("model", "nothing"),
        ("engine", "nothing"),
        ("file", tmp_path, "/data/local/tmp"),
        ("file", tmp_path / "file", "relative/path"),
        ("file", tmp_path / "absent", "/data/local/tmp"),
    ):
        done = await push(*argv)
        assert (done.status, done.stdout) == (4, b""), argv
        assert done.stderr.count(b"devicehub: ") == 1
    assert (await push("model", "x", "--on", "no-such-phone")).status == 2
