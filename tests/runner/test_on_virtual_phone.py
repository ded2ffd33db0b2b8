"""The runner over a real adb server, against a virtual phone with mksh and toybox."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from devicehub.adb.client import AdbClient, Transport
from devicehub.adb.server import private_server
from devicehub.adb.shell import run_script
from devicehub.clock import SystemClock
from devicehub.errors import AdbError, AgentVersionMismatch, PhoneLocked, RunLost, RunnerError
from devicehub.runner import launch
from devicehub.runner.contract import LaunchSpec, RunHandle
from devicehub.runner.launch import Runner
from devicehub.settings import PHONE_ROOT
from devicehub.sim.phone import PhoneSpec, virtual_phone
from devicehub.telemetry.sample import SampleReader

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from devicehub.adb.shell import ShellResult
    from devicehub.runner.contract import Exit, Piece

AGENT_DIR = Path(__file__).parents[2] / "agent"
pytestmark = pytest.mark.skipif(
    shutil.which("mksh") is None or shutil.which("toybox") is None, reason="mksh or toybox is not installed"
)


class Desk:
    """One phone on its own adb server."""

    def __init__(self, client: AdbClient, address: str) -> None:
        self.client = client
        self.address = address
        self.transport: Transport = client.transport(serial=address)
        self.runner = Runner(self.transport, agent_dir=AGENT_DIR, clock=SystemClock())

    async def sh(self, script: str) -> str:
        return (await run_script(self.transport, script, timeout_s=30)).stdout.decode()

    async def start(self, script: str, run_id: str = "r1") -> RunHandle:
        return await self.runner.start(spec(script, run_id))

    async def finish(self, handle: RunHandle) -> tuple[dict[str, bytes], Exit]:
        data: dict[str, bytes] = {}
        async for piece in self.runner.follow(handle):
            take(data, piece)
        return data, await self.runner.result(handle)


def take(data: dict[str, bytes], piece: Piece) -> None:
    """Add a piece, which has to begin where the last one ended."""
    assert piece.offset == len(data.get(piece.stream, b""))
    data[piece.stream] = data.get(piece.stream, b"") + piece.data


def spec(script: str, run_id: str = "r1") -> LaunchSpec:
    return LaunchSpec(
        run_id,
        ["sh", "-c", script],
        cwd=f"{PHONE_ROOT}/work/w1",
        env={"LD_LIBRARY_PATH": f"{PHONE_ROOT}/engines/e1"},
        files={"config.json": b"{}", "prompt.txt": "ä 'q' $(x)\n".encode()},
    )


@contextlib.asynccontextmanager
async def desk_with(phone_spec: PhoneSpec) -> AsyncIterator[Desk]:
    async with private_server() as server, virtual_phone(phone_spec, keys=[server.key_path]) as phone:
        client = AdbClient(server.address)
        await client.connect(phone.address)
        desk = Desk(client, phone.address)
        await desk.runner.install()
        yield desk


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with desk_with(PhoneSpec()) as desk:
        yield desk


@pytest.mark.parametrize(
    "phone_spec",
    [PhoneSpec(android=8), PhoneSpec(android=11, profile="dimensity"), PhoneSpec(mode="portable")],
    ids=["android8", "dimensity11", "portable"],
)
async def test_a_run_on_phones_of_other_kinds(phone_spec: PhoneSpec) -> None:
    async with desk_with(phone_spec) as desk:
        data, end = await desk.finish(await desk.start("cat ../../runs/r1/prompt.txt; sleep 1; echo x >&2"))
        assert data["stdout"] == "ä 'q' $(x)\n".encode()
        assert data["stderr"] == b"x\n"
        assert (end.status, end.cause, end.log_captured) == (0, None, True)
        samples = list(SampleReader().feed(data["samples"]))
        assert any(sample.temps_mc() for sample in samples)
        assert any(sample.group("khz") for sample in samples)


async def test_a_run_from_start_to_result(desk: Desk) -> None:
    script = (
        'cat ../../runs/r1/prompt.txt; echo "$LD_LIBRARY_PATH"; log -t MNNJNI figures; echo err >&2; exit 3'
    )
    data, end = await desk.finish(await desk.start(script))
    assert data["stdout"] == f"ä 'q' $(x)\n{PHONE_ROOT}/engines/e1\n".encode()
    assert data["stderr"] == b"err\n"
    assert b"figures" in data["log"]
    assert data["samples"].startswith(b"fast\t")
    assert (end.status, end.cause, end.log_captured) == (3, None, True)
    assert {name: len(content) for name, content in data.items()} == end.byte_counts


async def test_the_agent_is_sent_once_and_again_when_it_was_changed(desk: Desk) -> None:
    folder = await desk.runner.install()
    before = await desk.sh(f"ls -i {folder}/run.sh")
    await desk.runner.install()
    assert await desk.sh(f"ls -i {folder}/run.sh") == before
    await desk.sh(f"echo >>{folder}/run.sh; rm {folder}/ctl.sh")
    assert await desk.runner.install() == folder
    assert "run.sh" in await desk.sh(f"cd {folder} && ls")
    assert (await desk.sh(f"ls -A {folder}")).split() == [
        "ctl.sh", "lib.sh", "run.sh", "sample.sh", "supervise.sh", "workload.sh",
    ]  # fmt: skip


async def test_a_broken_link_loses_and_repeats_nothing(desk: Desk) -> None:
    handle = await desk.start("for i in 1 2 3 4 5 6; do echo line $i; sleep 0.4; done")
    data: dict[str, bytes] = {}
    broken = False
    async with asyncio.TaskGroup() as tasks:
        async for piece in desk.runner.follow(handle):
            take(data, piece)
            if not broken and piece.stream == "stdout":
                broken = True
                await desk.client.disconnect(desk.address)
                tasks.create_task(desk.client.connect(desk.address))
    assert broken
    assert data["stdout"] == b"".join(b"line %d\n" % number for number in range(1, 7))
    assert (await desk.runner.result(handle)).status == 0


async def test_a_link_that_stays_broken_is_given_up_and_the_run_found_again(desk: Desk) -> None:
    handle = await desk.start("echo before; sleep 1; echo after")
    places: dict[str, int] = {}

    async def follow_and_cut() -> None:
        async for piece in desk.runner.follow(handle, patience_s=0):
            places[piece.stream] = piece.offset + len(piece.data)
            await desk.client.disconnect(desk.address)

    with pytest.raises(AdbError):
        await follow_and_cut()
    await desk.client.connect(desk.address)
    found = await desk.runner.find("r1")
    assert found.supervisor["boot_id"] == handle.supervisor["boot_id"]
    later = [piece async for piece in desk.runner.follow(found, positions=places)]
    assert all(piece.offset >= places.get(piece.stream, 0) for piece in later)
    assert (await desk.runner.result(found)).byte_counts["stdout"] == len("before\nafter\n")


async def test_the_result_is_waited_for_across_a_broken_link(desk: Desk) -> None:
    class WatchedClock(SystemClock):
        slept = asyncio.Event()

        async def sleep(self, seconds: float) -> None:
            self.slept.set()
            await super().sleep(seconds)

    clock = WatchedClock()
    handle = await desk.start("exit 5")
    await desk.client.disconnect(desk.address)
    async with asyncio.TaskGroup() as tasks:
        ended = tasks.create_task(Runner(desk.transport, agent_dir=AGENT_DIR, clock=clock).result(handle))
        await clock.slept.wait()
        await desk.client.connect(desk.address)
    assert ended.result().status == 5


async def test_a_second_run_is_refused_and_may_come_later_under_its_id(desk: Desk) -> None:
    first = await desk.start("sleep 30")
    with pytest.raises(PhoneLocked, match="r1"):
        await desk.start("echo", "r2")
    await desk.runner.stop(first, "limit_time")
    end = await desk.runner.result(first)
    assert (end.status, end.cause) == (143, "limit_time")
    _, end = await desk.finish(await desk.start("exit 0", "r2"))
    assert end.status == 0


async def test_a_start_that_is_cancelled_leaves_no_run(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = asyncio.Event()

    async def run_script_and_hang(*args: Any, **options: Any) -> ShellResult:
        answer = await run_script(*args, **options)
        if "run.sh" in args[1]:
            begun.set()
            await asyncio.Event().wait()
        return answer

    monkeypatch.setattr(launch, "run_script", run_script_and_hang)
    async with asyncio.TaskGroup() as tasks:
        starting = tasks.create_task(desk.start("sleep 300"))
        await begun.wait()
        starting.cancel()
    monkeypatch.undo()
    end = await desk.runner.result(RunHandle("r1", PHONE_ROOT, await desk.runner.install()))
    assert end.cause == "stopped"


async def test_the_exit_file_names_the_process_that_the_log_knows(desk: Desk) -> None:
    data, end = await desk.finish(await desk.start("exec log -t MNNJNI mine"))
    lines = [line.split() for line in data["log"].decode().splitlines() if "mine" in line]
    assert [line[2] for line in lines] == [str(end.workload_pid)]


async def test_a_run_id_is_used_once(desk: Desk) -> None:
    await desk.finish(await desk.start("exit 0"))
    with pytest.raises(RunnerError, match="exists already"):
        await desk.start("exit 0")
    with pytest.raises(RunnerError, match="never started"):
        await desk.runner.find("r9")


async def test_a_killed_agent_is_a_lost_run(desk: Desk) -> None:
    handle = await desk.start("echo said; sleep 60")
    written = f"until [ -s {handle.run_dir}/stdout ]; do sleep 0.1; done"
    await desk.sh(f"{written}; kill -9 -{handle.supervisor['pid']}")
    data: dict[str, bytes] = {}

    async def follow() -> None:
        async for piece in desk.runner.follow(handle):
            take(data, piece)

    with pytest.raises(RunLost) as caught:
        await follow()
    assert caught.value.cause == "agent_killed"
    with pytest.raises(RunLost):
        await desk.runner.result(handle)
    assert data["stdout"] == b"said\n"


async def test_an_agent_of_another_version_is_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "CONTRACT", "2")
    with pytest.raises(AgentVersionMismatch, match="speaks version 1, this hub 2"):
        await desk.start("exit 0")


async def test_a_program_that_is_missing(desk: Desk) -> None:
    missing = replace(spec(""), argv=[f"{PHONE_ROOT}/engines/none/llm_demo"])
    data, end = await desk.finish(await desk.runner.start(missing))
    assert end.status == 127
    assert b"llm_demo" in data["stderr"]
