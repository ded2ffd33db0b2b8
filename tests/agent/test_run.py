"""One run from claim to exit file, under each shell."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from typing import TYPE_CHECKING

import pytest

from devicehub.runner.contract import CONTRACT, AgentExit
from devicehub.runner.exits import parse_fields
from tests.agent.local_phone import LocalPhone, boot_file, local_phone, sh, spec_of

if TYPE_CHECKING:
    from pathlib import Path


async def test_a_run_leaves_every_file_of_the_protocol(phone: LocalPhone) -> None:
    script = 'pwd; echo "$LD_LIBRARY_PATH"; cat /proc/self/oom_score_adj; echo err >&2; exit 7'
    run = phone.prepare(spec_of(phone, *sh(phone, script)))
    started = await phone.start("r1")
    assert started.status == AgentExit.OK, started.stderr
    answer = parse_fields(started.stdout)
    assert answer["run"] == str(run)
    assert answer["boot_id"] == "b00t-0001"
    assert answer["usb_state"] == "mtp,adb"
    assert "cgroup" in answer
    await phone.finished("r1")
    end = phone.end()
    assert (end.cause, end.log_captured, end.log_wrapped) == (None, True, False)
    [launch] = end.launches
    assert (launch.number, launch.status, launch.cause, launch.oom_score_adj) == (1, 7, None, 500)
    assert launch.cpus_allowed
    assert launch.free_kib
    expected = f"{phone.root}/work/w1\n{phone.root}/engines/e1\n500\n"
    assert (run / "1/stdout").read_text() == expected
    assert (run / "1/stderr").read_text() == "err\n"
    assert (run / "log").read_bytes() == (phone.folder / "logcat").read_bytes()
    assert launch.byte_counts == {"stdout": len(expected), "stderr": 4, "log": end.byte_counts["log"]}
    assert end.byte_counts["log"] == (run / "log").stat().st_size
    assert (phone.root / "work/w1/config.json").read_bytes() == b'{"a": 1}\n'
    assert not (phone.root / "lock").exists()
    assert b"state=ended" in (run / "status").read_bytes()
    tags = (phone.folder / "logcat.tags").read_text().split()
    assert tags[:2] == ["devicehub:V", "sh:V"]
    assert tags[-1] == "*:S"


async def test_nothing_of_a_run_is_readable_by_others(phone: LocalPhone) -> None:
    run = phone.prepare(spec_of(phone))
    old = os.umask(0)
    try:
        await phone.start("r1")
    finally:
        os.umask(old)
    await phone.finished("r1")
    written = {
        "1/stdout",
        "1/stderr",
        "1/exit",
        "log",
        "samples",
        "exit",
        "status",
        "supervisor",
        "claim",
        "1/pid",
    }
    assert {name: (run / name).stat().st_mode & 0o077 for name in written} == dict.fromkeys(written, 0)


async def test_a_run_that_was_given_up_before_it_began_does_not_begin(phone: LocalPhone) -> None:
    run = phone.prepare(spec_of(phone, *sh(phone, "sleep 300")))
    assert b"state=prepared" in (await phone.ctl("stop", "r1", "limit_time")).stdout
    refused = await phone.start("r1")
    assert refused.status == AgentExit.STOPPED
    assert parse_fields(refused.stdout)["cause"] == "limit_time"
    assert not (run / "claim").exists()
    assert b"state=none" in (await phone.ctl("status", "r2")).stdout
    assert b"state=prepared" in (await phone.ctl("stop", "r2")).stdout
    (phone.run_dir("r2") / "launch").write_text("launch_contract=2\n")
    assert (await phone.start("r2")).status == AgentExit.STOPPED


async def test_a_stop_that_came_before_the_supervisor_ends_the_run(phone: LocalPhone) -> None:
    run = phone.prepare(spec_of(phone, *sh(phone, "sleep 300")))
    # Between the claim and the supervisor: the scripts look again.
    script = (phone.agent / "supervise.sh").read_text()
    (phone.agent / "supervise.sh").write_text(
        script.replace("trap stop TERM INT\n", "trap stop TERM INT\nask_stop limit_time\n")
    )
    await phone.start("r1")
    await phone.finished("r1")
    assert (phone.end().cause, phone.end().launches) == ("limit_time", ())
    assert not (run / "1/pid").exists()


async def test_another_contract_is_refused(phone: LocalPhone) -> None:
    phone.prepare(spec_of(phone))
    refused = await phone.start("r1", contract="0")
    assert refused.status == AgentExit.CONTRACT
    assert parse_fields(refused.stdout) == {"contract": CONTRACT}
    assert not (phone.run_dir("r1") / "claim").exists()


async def test_a_run_that_was_not_prepared_is_refused(phone: LocalPhone) -> None:
    assert (await phone.start("r1")).status == AgentExit.NO_RUN
    assert (await phone.start("../r1")).status == AgentExit.USAGE


async def test_of_two_starters_exactly_one_wins(phone: LocalPhone) -> None:
    phone.prepare(spec_of(phone, *sh(phone, "echo once; sleep 1")))
    results = await asyncio.gather(*(phone.start("r1") for _ in range(4)))
    statuses = sorted(result.status for result in results)
    assert statuses == [AgentExit.OK, *[AgentExit.ALREADY] * 3]
    await phone.finished("r1")
    assert (phone.run_dir("r1") / "1/stdout").read_text() == "once\n"
    assert (await phone.start("r1")).status == AgentExit.ALREADY


async def test_a_second_run_on_the_phone_is_refused_with_the_holder(phone: LocalPhone) -> None:
    phone.prepare(spec_of(phone, *sh(phone, "sleep 30")))
    phone.prepare(spec_of(phone, run_id="r2"))
    await phone.start("r1")
    refused = await phone.start("r2")
    assert refused.status == AgentExit.LOCKED
    assert parse_fields(refused.stdout)["holder"] == "r1"
    await phone.ctl("stop", "r1")
    await phone.finished("r1")
    assert (await phone.start("r2")).status == AgentExit.OK
    await phone.finished("r2")


async def test_a_lock_of_another_boot_is_taken_over(phone: LocalPhone) -> None:
    (phone.root / "lock").mkdir()
    (phone.root / "lock/owner").write_text(f"b00t-0000 r0 {os.getpid()} 1\n")
    phone.prepare(spec_of(phone))
    assert (await phone.start("r1")).status == AgentExit.OK
    await phone.finished("r1")


async def test_a_lock_whose_starter_died_before_it_signed_is_taken_over(phone: LocalPhone) -> None:
    (phone.root / "lock").mkdir()
    phone.prepare(spec_of(phone))
    assert (await phone.start("r1")).status == AgentExit.OK
    await phone.finished("r1")


async def test_stop_ends_grandchildren_that_ignore_sigterm(phone: LocalPhone) -> None:
    inner = 'trap "" TERM; echo $$; while :; do sleep 1; done'
    script = f"{phone.bin}/sh -c '{inner}' & echo $! ; wait; wait"
    run = phone.prepare(spec_of(phone, *sh(phone, script)))
    await phone.start("r1")
    await phone.script(f"n=0; until [ -s {run}/1/stdout ] || [ $n -ge 100 ]; do n=$((n+1)); sleep 0.05; done")
    (run / "tmp.static").touch()
    static = phone.root / "work/w1/tmp_1"
    static.mkdir()
    (static / "0.static").touch()
    assert (await phone.ctl("stop", "r1", "limit_time")).status == 0
    await phone.finished("r1")
    [launch] = phone.end().launches
    assert (phone.end().cause, launch.cause) == ("limit_time", "limit_time")
    assert launch.status in (128 + signal.SIGTERM, 128 + signal.SIGKILL)
    grandchildren = [int(line) for line in (run / "1/stdout").read_text().split()]
    assert grandchildren
    for pid in grandchildren:
        await phone.dead(pid)
    assert not (static / "0.static").exists()


async def test_a_good_end_keeps_the_caches(phone: LocalPhone) -> None:
    phone.prepare(spec_of(phone, *sh(phone, "echo x >0.static")))
    await phone.start("r1")
    await phone.finished("r1")
    assert (phone.root / "work/w1/0.static").exists()


async def test_a_killed_supervisor_takes_its_workload_along(phone: LocalPhone) -> None:
    run = phone.prepare(spec_of(phone, *sh(phone, "echo $$; sleep 60")))
    started = parse_fields((await phone.start("r1")).stdout)
    await phone.wait_for(run / "1/pid")
    workload = int((run / "1/pid").read_text().split()[0])
    os.kill(int(started["pid"]), signal.SIGKILL)
    await phone.dead(workload)
    status = parse_fields((await phone.ctl("status", "r1")).stdout)
    assert (status["state"], status["cause"]) == ("lost", "agent_killed")
    assert not (run / "exit").exists()


async def test_a_killed_session_leaves_nothing_to_the_next_run(phone: LocalPhone) -> None:
    run = phone.prepare(spec_of(phone, *sh(phone, "sleep 60")))
    started = parse_fields((await phone.start("r1")).stdout)
    await phone.wait_for(run / "1/pid")
    leftovers = [int((run / name).read_text().split()[0]) for name in ("1/pid", "capture")]
    os.killpg(int(started["pid"]), signal.SIGKILL)
    await phone.dead(int(started["pid"]))
    phone.prepare(spec_of(phone, run_id="r2"))
    assert (await phone.start("r2")).status == AgentExit.OK
    for pid in leftovers:
        await phone.dead(pid)
    await phone.finished("r2")


async def test_a_lost_run_says_why(phone: LocalPhone) -> None:
    (phone.folder / "adbd").write_text(f"{os.getpid()}\n")
    run = phone.prepare(spec_of(phone, *sh(phone, "sleep 60")))
    started = parse_fields((await phone.start("r1")).stdout)
    await phone.wait_for(run / "1/pid")
    os.killpg(int(started["pid"]), signal.SIGKILL)
    await phone.dead(int(started["pid"]))
    assert b"cause=agent_killed" in (await phone.ctl("status", "r1")).stdout
    (phone.folder / "adbd").write_text("1\n")
    assert b"cause=adbd_restarted" in (await phone.ctl("status", "r1")).stdout
    await phone.ctl("stop", "r1")
    await phone.dead(int((run / "capture").read_text().split()[0]))
    boot_file(phone).write_text("b00t-0002\n")
    assert b"cause=rebooted" in (await phone.ctl("status", "r1")).stdout


async def test_a_missing_program_has_its_status_and_its_word(phone: LocalPhone) -> None:
    run = phone.prepare(spec_of(phone, str(phone.root / "no such program")))
    await phone.start("r1")
    await phone.finished("r1")
    assert phone.end().launches[0].status == 127
    assert "no such program" in (run / "1/stderr").read_text()


async def test_a_missing_logcat_is_told(phone: LocalPhone) -> None:
    (phone.bin / "logcat").unlink()
    phone.prepare(spec_of(phone))
    await phone.start("r1")
    await phone.finished("r1")
    end = phone.end()
    assert not end.log_captured
    assert end.byte_counts["log"] == 0


async def test_a_work_folder_of_another_configuration_is_not_touched(phone: LocalPhone) -> None:
    work = phone.root / "work/w1"
    work.mkdir(parents=True)
    (work / "config.json").write_text("{}")
    phone.prepare(spec_of(phone))
    assert (await phone.start("r1")).status == AgentExit.CONFIG
    assert (work / "config.json").read_text() == "{}"
    assert not (phone.root / "lock").exists()


async def test_list_and_gc(phone: LocalPhone) -> None:
    phone.prepare(spec_of(phone))
    phone.prepare(spec_of(phone, run_id="r2"))
    await phone.start("r1")
    await phone.finished("r1")
    assert (await phone.ctl("list")).stdout.split() == [b"r1", b"ended", b"r2", b"prepared"]
    old = 1_600_000_000
    os.utime(phone.run_dir("r1"), (old, old))
    os.utime(phone.root / "work/w1/.last_used", (old, old))
    removed = (await phone.ctl("gc", "7", "30")).stdout.split()
    assert removed == [b"runs/r1", b"work/w1"]
    assert phone.run_dir("r2").is_dir()


async def test_the_agent_needs_its_absolute_path(phone: LocalPhone) -> None:
    refused = await phone.script(f"cd {phone.agent}/.. && sh {phone.agent.name}/run.sh 2 r1")
    assert refused.status == AgentExit.USAGE
    assert b"absolute" in refused.stderr


@pytest.mark.parametrize("shell", ["mksh"])
async def test_a_root_with_spaces_and_quotes(tmp_path: Path, shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    async with local_phone(tmp_path / "a b'c", shell) as phone:
        phone.prepare(spec_of(phone))
        assert (await phone.start("r1")).status == AgentExit.OK
        await phone.script(f'until [ -e "{phone.run_dir("r1")}/exit" ]; do sleep 0.05; done')
        assert (phone.run_dir("r1") / "1/stdout").read_text() == "out\n"
