"""A hub that commands start: one for all of them, ended by `devicehub stop`, replaced by a newer client."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from typing import TYPE_CHECKING

import pytest

from devicehub import __version__, procs
from devicehub.adb.server import private_server
from devicehub.api.client import Where, connect
from devicehub.api.contract import DEVICES, RUN, RUN_START, STATUS, After, RunNamed
from devicehub.api.hubfile import find_running, is_locked
from devicehub.clock import SystemClock
from devicehub.runs.ask import RunAsk
from devicehub.settings import Home
from tests.e2e.command import DEVICEHUB, devicehub

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Home]:
    """A home whose hubs use an adb server of the test's; the one that is left is ended."""
    home = Home(tmp_path / "home")
    async with private_server(home=tmp_path / "adb") as server:
        monkeypatch.setenv("DEVICEHUB_HOME", str(home.root))
        monkeypatch.delenv("ADB_SERVER_SOCKET", raising=False)
        monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", str(server.address.port))
        try:
            yield home
        finally:
            if (left := find_running(home)) is not None:
                os.kill(left.pid, signal.SIGTERM)
            await until_unlocked(home)


async def until_unlocked(home: Home) -> None:
    async with asyncio.timeout(60):
        while is_locked(home):
            await SystemClock().sleep(0.02)


async def start(home: Home, said: list[str], *, version: str = __version__) -> int:
    """Connect as a command does, of this version or another; the hub's process."""
    async with connect(Where(home), name="test", tell=said.append, version=version) as client:
        return (await client.call(STATUS)).pid


async def test_life_of_a_hub_that_commands_start(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = await devicehub("status")
    assert answer.status == 3
    answer.assert_one_sentence("no hub runs", "devicehub serve")

    said: list[str] = []
    pids = await asyncio.gather(start(home, said), start(home, said), start(home, said))
    assert len(set(pids)) == 1
    assert said == [f"started the hub, process {pids[0]}"]

    answer = await devicehub("status", "--json")
    assert answer.json["pid"] == pids[0]
    assert answer.json["auto"] is True
    assert answer.json["home"] == str(home.root)

    said.clear()
    newer = await start(home, said, version="99.0")
    assert newer != pids[0]
    assert [line.split(",")[0] for line in said] == [
        f"ended the hub of version {__version__}",
        "started the hub",
    ]

    os.kill(newer, signal.SIGKILL)
    await until_unlocked(home)
    assert home.hub_file.exists()
    said.clear()
    again = await start(home, said)
    assert said == [f"started the hub, process {again}"]

    answer = await devicehub("stop")
    assert answer.status == 0
    assert f"process {again}" in answer.stderr
    assert not is_locked(home)
    assert not home.hub_file.exists()
    assert (await devicehub("stop")).status == 3

    monkeypatch.setenv("DEVICEHUB_IDLE_END_S", "0.1")
    await start(home, said)
    await until_unlocked(home)
    log = (home.logs / "hub.log").read_text()
    assert "nothing is to be done" in log
    assert "Traceback" not in log


async def test_settings_and_schema_are_shown_without_a_hub(home: Home) -> None:
    home.root.mkdir()
    (home.root / "settings.toml").write_text("keep_days = 9\n")
    shown, schema = await asyncio.gather(devicehub("settings", "--json"), devicehub("api", "schema"))
    [days] = [setting for setting in shown.json if setting["name"] == "keep_days"]
    assert (days["value"], days["origin"]) == (9.0, "file")
    assert schema.json["methods"]["shell.open"]["capability"] == "shell"
    assert not is_locked(home)
    (home.root / "settings.toml").write_text("keep_day = 9\n")
    wrong = await devicehub("settings")
    assert wrong.status == 4
    wrong.assert_one_sentence("settings.toml [keep_day]", "did you mean 'keep_days'?")


async def test_hub_with_a_virtual_phone_runs_and_logs_with_phone_and_run(home: Home) -> None:
    argv = [str(DEVICEHUB), "serve", "--virtual", "1", "--log-format", "json"]
    async with procs.child(argv, env={**os.environ}, grace_s=60) as process:
        assert process.stderr is not None
        lines: list[str] = []
        async with asyncio.timeout(120):
            while not lines or '"hub_started"' not in lines[-1]:
                lines.append((await process.stderr.readline()).decode())
                assert lines[-1], lines
        async with connect(Where(home), name="test", start=False) as client:
            [device] = await client.call(DEVICES)
            [run] = await client.call(RUN_START, RunAsk(model="demo-model", prompt="hello"))
            await client.subscribe("runs", after={"runs": After(epoch="", seq=0)})
            async with asyncio.timeout(200):
                state = (await client.call(RUN, RunNamed(run=run.id))).run.state
                events = client.events()
                while state not in ("succeeded", "failed"):
                    state = (await anext(events)).data.run.state
        assert state == "succeeded"
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(60):
            lines += (await process.stderr.read()).decode().splitlines()
            assert await process.wait() == 0
    records = [json.loads(line) for line in lines if line.startswith("{")]
    ended = [record for record in records if record.get("state") == "succeeded"]
    assert [(record["run"], record["serial"], record["action"]) for record in ended] == [
        (run.id, device.serial, "run_moved")
    ]
    assert records[-1]["action"] == "hub_ended"
    assert not is_locked(home)


async def test_serve_takes_over_from_an_idle_hub_that_a_command_started(home: Home) -> None:
    pid = await start(home, [])
    async with procs.child([DEVICEHUB, "serve"], env=dict(os.environ)) as serving:
        assert serving.stderr is not None
        async with asyncio.timeout(60):
            assert (
                await serving.stderr.readline()
                == f"ended the idle hub, process {pid}, that a command had started\n".encode()
            )
            while (found := find_running(home)) is None:
                await SystemClock().sleep(0.02)
        assert (found.pid, found.auto) == (serving.pid, False)
        second = await devicehub("serve")
        assert second.status == 3
        second.assert_one_sentence("a hub runs", str(serving.pid), "devicehub stop")
        serving.send_signal(signal.SIGTERM)
        await serving.wait()
