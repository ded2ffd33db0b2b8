"""The runner over a real adb server, against a virtual phone with mksh and toybox."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from devicehub.adb.shell import run_script
from devicehub.clock import SystemClock
from devicehub.errors import AdbError, AgentVersionMismatch, PhoneLocked, RunLost, RunnerError
from devicehub.runner import launch
from devicehub.runner.contract import Command, LaunchEnded, Positions, RunHandle, RunSpec
from devicehub.runner.launch import Runner
from devicehub.settings import PHONE_ROOT
from devicehub.sim.phone import PhoneSpec
from devicehub.telemetry.sample import SampleReader
from tests.runner.desk import AGENT_DIR, Desk, desk_with, spec, take

if TYPE_CHECKING:
    from devicehub.adb.shell import ShellResult

pytestmark = pytest.mark.skipif(
    shutil.which("mksh") is None or shutil.which("toybox") is None, reason="mksh or toybox is not installed"
)


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
        assert (end.launches[0].status, end.cause, end.log_captured) == (0, None, True)
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
    assert data["samples"].startswith(b"head\t")
    assert (end.launches[0].status, end.cause, end.log_captured) == (3, None, True)
    counts = {**end.byte_counts, **end.launches[0].byte_counts}
    assert {name: len(content) for name, content in data.items()} == counts


async def test_the_agent_is_sent_once_and_again_when_it_was_changed(desk: Desk) -> None:
    folder = await desk.runner.install()
    before = await desk.sh(f"ls -i {folder}/run.sh")
    await desk.runner.install()
    assert await desk.sh(f"ls -i {folder}/run.sh") == before
    await desk.sh(f"echo >>{folder}/run.sh; rm {folder}/ctl.sh")
    assert await desk.runner.install() == folder
    assert "run.sh" in await desk.sh(f"cd {folder} && ls")
    assert (await desk.sh(f"ls -A {folder}")).split() == [
        "app.sh", "ctl.sh", "gate.sh", "lib.sh", "run.sh", "sample.sh", "steady.sh", "supervise.sh",
        "workload.sh",
    ]  # fmt: skip


async def test_a_broken_link_loses_and_repeats_nothing(desk: Desk) -> None:
    handle = await desk.start("for i in 1 2 3 4 5 6; do echo line $i; sleep 0.4; done")
    data: dict[str, bytes] = {}
    broken = False
    async with asyncio.TaskGroup() as tasks:
        async for item in desk.runner.follow(handle):
            if isinstance(item, LaunchEnded):
                continue
            take(data, item)
            if not broken and item.stream == "stdout":
                broken = True
                await desk.client.disconnect(desk.address)
                tasks.create_task(desk.client.connect(desk.address))
    assert broken
    assert data["stdout"] == b"".join(b"line %d\n" % number for number in range(1, 7))
    assert (await desk.runner.result(handle)).launches[0].status == 0


async def test_a_link_that_stays_broken_is_given_up_and_the_run_found_again(desk: Desk) -> None:
    handle = await desk.start("echo before; sleep 1; echo after")
    place = Positions()

    async def follow_and_cut() -> None:
        nonlocal place
        async for item in desk.runner.follow(handle, patience_s=0):
            place = place.after(item)
            await desk.client.disconnect(desk.address)

    with pytest.raises(AdbError):
        await follow_and_cut()
    await desk.client.connect(desk.address)
    found = await desk.runner.find("r1")
    assert found.supervisor["boot_id"] == handle.supervisor["boot_id"]
    later = [item async for item in desk.runner.follow(found, positions=place)]
    assert all(
        item.offset >= getattr(place, item.stream) for item in later if not isinstance(item, LaunchEnded)
    )
    assert (await desk.runner.result(found)).launches[0].byte_counts["stdout"] == len("before\nafter\n")


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
    assert ended.result().launches[0].status == 5


async def test_a_second_run_is_refused_and_may_come_later_under_its_id(desk: Desk) -> None:
    first = await desk.start("sleep 30")
    with pytest.raises(PhoneLocked, match="r1"):
        await desk.start("echo", "r2")
    await desk.runner.stop(first, "limit_time")
    end = await desk.runner.result(first)
    assert (end.launches[0].status, end.cause) == (143, "limit_time")
    _, end = await desk.finish(await desk.start("exit 0", "r2"))
    assert end.launches[0].status == 0


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
    assert [line[2] for line in lines] == [str(end.launches[0].workload_pid)]


async def test_launches_follow_each_other_each_with_its_own_end(desk: Desk) -> None:
    handle = await desk.runner.start(
        spec("echo out; log -t MNNJNI figures; echo err >&2; exit 3", launches=3)
    )
    ends: list[int] = []
    output: dict[tuple[str, int], bytes] = {}
    logged = 0
    place = Positions()
    async for item in desk.runner.follow(handle):
        place = place.after(item)
        if isinstance(item, LaunchEnded):
            ends.append(item.exit.number)
            assert item.exit.status == 3
            assert logged >= item.exit.byte_counts["log"] > 0
            continue
        key = (item.stream, item.launch)
        output[key] = output.get(key, b"") + item.data
        logged += len(item.data) if item.stream == "log" else 0
    assert ends == [1, 2, 3]
    assert {key: text for key, text in output.items() if key[1]} == {
        (stream, number): text
        for number in ends
        for stream, text in (("stdout", b"out\n"), ("stderr", b"err\n"))
    }
    assert output["log", 0].count(b"figures") == 3
    end = await desk.runner.result(handle)
    assert [launch.number for launch in end.launches] == ends
    assert place == Positions(4, log=end.byte_counts["log"], samples=end.byte_counts["samples"])


async def test_what_a_launch_wrote_is_fetched(desk: Desk) -> None:
    own = f"{PHONE_ROOT}/runs/r1/1"
    command = Command(
        ["sh", "-c", 'printf "a\\0b" >"$1/out.json"', "sh", own], cwd="/", result_files=["out.json"]
    )
    handle = await desk.runner.start(RunSpec("r1", [command]))
    await desk.runner.result(handle)
    assert await desk.runner.fetch(handle, 1, "out.json") == b"a\0b"
    assert await desk.runner.fetch(handle, 1, "none.json") is None
    with pytest.raises(AdbError, match="more than"):
        await desk.runner.fetch(handle, 1, "out.json", limit_bytes=2)


async def test_a_launch_is_repeated_with_a_terminal_and_leaves_the_first_as_it_was(desk: Desk) -> None:
    own = f"{PHONE_ROOT}/runs/r1/1"
    script = '[ -t 1 ] && echo terminal; echo "$1"; echo x >>"$1/out.json"; exit 66'
    handle = await desk.runner.start(RunSpec("r1", [Command(["sh", "-c", script, "sh", own], cwd="/")]))
    with pytest.raises(RunnerError, match="has not ended"):
        await desk.runner.diagnose(handle, 2, timeout_s=60)
    await desk.runner.result(handle)
    before = await desk.sh(f"cat {own}/stdout {own}/exit {own}/out.json")
    said = await desk.runner.diagnose(handle, 1, timeout_s=60)
    assert said == f"terminal\n{PHONE_ROOT}/runs/r1/diagnosis\n".encode()
    assert await desk.sh(f"cat {own}/stdout {own}/exit {own}/out.json") == before


async def test_a_repeated_launch_that_goes_on_is_ended_and_gives_the_phone_back(desk: Desk) -> None:
    handle = await desk.start("[ -t 1 ] || exit 0; trap '' HUP; echo $$; sleep 300; sleep 300")
    await desk.runner.result(handle)
    said = await desk.runner.diagnose(handle, 1, timeout_s=3)
    assert said.strip().isdigit()
    second = await desk.start("exit 0", "r2")
    with pytest.raises(PhoneLocked, match="r2"):
        await desk.runner.diagnose(handle, 1, timeout_s=60)
    assert (await desk.runner.result(second)).cause is None


async def test_a_run_that_never_began_is_told_and_kept_from_beginning(desk: Desk) -> None:
    assert (await desk.runner.status("r9")).state == "none"
    assert await desk.runner.abandon(RunHandle("r9", PHONE_ROOT, await desk.runner.install()))
    assert (await desk.runner.status("r9")).state == "none"
    with pytest.raises(RunnerError, match="exists already"):
        await desk.start("exit 0", "r9")


async def test_a_run_is_found_by_a_hub_whose_agent_is_not_on_the_phone_yet(desk: Desk) -> None:
    await desk.finish(await desk.start("exit 4"))
    await desk.sh(f"rm -rf {desk.runner.agent_dir}")
    found = await desk.new_runner().find("r1")
    assert (await desk.runner.result(found)).launches[0].status == 4


async def test_old_runs_and_unused_work_folders_are_removed_and_a_living_run_is_not(desk: Desk) -> None:
    await desk.finish(await desk.start("exit 0"))
    living = await desk.start("sleep 300", "r2")
    await desk.sh(f"touch -d 2020-01-01T00:00:00 {PHONE_ROOT}/runs/r1 {PHONE_ROOT}/runs/r2")
    assert await desk.runner.gc(7, 30) == ["runs/r1"]
    assert await desk.runner.list_runs() == {"r2": "running"}
    await desk.runner.stop(living)
    assert (await desk.runner.result(living)).cause == "stopped"


async def test_a_run_id_is_used_once(desk: Desk) -> None:
    await desk.finish(await desk.start("exit 0"))
    with pytest.raises(RunnerError, match="exists already"):
        await desk.start("exit 0")
    with pytest.raises(RunnerError, match="never started"):
        await desk.runner.find("r9")


async def test_a_killed_agent_is_a_lost_run(desk: Desk) -> None:
    handle = await desk.start("echo said; sleep 60")
    written = f"until [ -s {handle.run_dir}/1/stdout ]; do sleep 0.1; done"
    await desk.sh(f"{written}; kill -9 -{handle.supervisor['pid']}")
    data: dict[str, bytes] = {}

    async def follow() -> None:
        async for item in desk.runner.follow(handle):
            assert not isinstance(item, LaunchEnded)
            take(data, item)

    with pytest.raises(RunLost) as caught:
        await follow()
    assert caught.value.cause == "agent_killed"
    with pytest.raises(RunLost):
        await desk.runner.result(handle)
    assert data["stdout"] == b"said\n"


async def test_an_agent_of_another_version_is_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "CONTRACT", "4")
    with pytest.raises(AgentVersionMismatch, match="speaks version 3, this hub 4"):
        await desk.start("exit 0")


async def test_a_program_that_is_missing(desk: Desk) -> None:
    missing = replace(spec(""), launches=[Command([f"{PHONE_ROOT}/engines/none/llm_demo"], cwd="/")])
    data, end = await desk.finish(await desk.runner.start(missing))
    assert end.launches[0].status == 127
    assert b"llm_demo" in data["stderr"]
