"""Commands that follow their runs at the hub: when it dies, when it is stopped, when they end themselves."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from devicehub import procs
from devicehub.api.hubfile import find_running
from devicehub.settings import Home
from tests.e2e.command import DEVICEHUB, devicehub
from tests.e2e.fleet import stocked_fleet

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.asyncio(loop_scope="module")

RUN = ("run", "tiny", "--engine", "logging", "--profile", "greedy-repeatable", "--prompt", "What is MNN?")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def env(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, str]]:
    async with stocked_fleet(tmp_path_factory.mktemp("fleet"), phones=1) as environment:
        yield environment


@contextlib.asynccontextmanager
async def running(env: dict[str, str], *more: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A `devicehub run` whose run is under way on the phone."""
    async with procs.child([DEVICEHUB, *RUN, *more], env=env) as process:
        assert process.stderr is not None
        async with asyncio.timeout(60):
            async for line in process.stderr:
                if line.endswith(b": running\n"):
                    break
        yield process


async def newest(env: dict[str, str]) -> dict[str, Any]:
    answer = await devicehub("runs", "list", "--limit", "1", "--json", env=env)
    [row] = answer.json
    found: dict[str, Any] = row
    return found


async def test_hub_that_is_killed_is_started_again_and_the_run_comes_to_its_end(env: dict[str, str]) -> None:
    async with running(env, "--launches", "12", "--json") as process:
        hub = find_running(Home(Path(env["DEVICEHUB_HOME"])))
        assert hub is not None
        os.kill(hub.pid, signal.SIGKILL)
        out, said = await process.communicate()
    assert process.returncode == 0, said
    assert b"started the hub" in said
    record = json.loads(out)
    assert [launch["verdict"] for launch in record["launches"]] == ["succeeded"] * 12
    assert record["trusted"]


async def test_ctrl_c_ends_the_run_on_its_phone(env: dict[str, str]) -> None:
    async with running(env, "--launches", "100") as process:
        process.send_signal(signal.SIGINT)
        _, said = await process.communicate()
    assert process.returncode == 130
    *_, told, last = filter(None, said.splitlines())
    assert told.endswith(b"was stopped on the phone")
    assert last == b"devicehub: interrupted"
    row = await newest(env)
    assert (row["state"], row["cause"]) == ("cancelled", "stopped")


async def test_hub_that_is_stopped_leaves_the_run_to_its_phone(env: dict[str, str]) -> None:
    async with running(env, "--launches", "12") as process:
        stopped = await devicehub("stop", env=env)
        assert "1 run goes on on its phone" in stopped.stderr
        _, said = await process.communicate()
    assert process.returncode == 3
    run_id = (await newest(env))["id"]
    assert f"devicehub runs watch {run_id}" in said.decode().splitlines()[-1]
    watched = await devicehub("runs", "watch", run_id, "--json", env=env)
    assert watched.status == 0, watched.stderr
    assert [launch["verdict"] for launch in watched.json["launches"]] == ["succeeded"] * 12


async def test_second_run_waits_for_its_turn_and_is_ended_there(env: dict[str, str]) -> None:
    async with running(env, "--launches", "100") as process:
        first = (await newest(env))["id"]
        left = await devicehub(*RUN, "--detach", "--json", env=env)
        assert left.status == 0, left.stderr
        assert left.json["state"] == "queued"
        assert f"busy with run {first}" in left.stderr
        stopped = await devicehub("runs", "stop", left.json["id"], first, env=env)
        assert stopped.stderr == f"{left.json['id']} cancelled\n{first} cancelled\n"
        await process.communicate()
    assert process.returncode == 1
