"""A list with the launches of two runs, and launches that leave nothing behind, under each shell."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from devicehub.runner.contract import AgentExit, Command, Limits, RunSpec
from devicehub.runner.exits import parse_exit, parse_fields, parse_launch_exit
from tests.agent.local_phone import put, sh

if TYPE_CHECKING:
    from pathlib import Path

    from tests.agent.local_phone import LocalPhone


def two_runs(phone: LocalPhone, script: str = "cat config.json") -> RunSpec:
    """A and B alternate: A B B A."""
    a = Command(sh(phone, f"{script}; echo A"), cwd=f"{phone.root}/work/wa")
    b = Command(sh(phone, f"{script}; echo B"), cwd=f"{phone.root}/work/wb", run_id="rb")
    return RunSpec(
        "ra",
        [a, b, b, a],
        files={"config.json": b"a\n"},
        others={"rb": {"config.json": b"b\n"}},
    )


def launch_exits(run: Path) -> list[int | None]:
    """The numbers in the list of the launches in a run's folder."""
    ends = [parse_launch_exit(file.read_bytes()) for file in sorted(run.glob("[0-9]*/exit"))]
    return [end.number if end else None for end in ends]


async def test_each_launch_lies_in_the_folder_of_its_own_run(phone: LocalPhone) -> None:
    first = phone.prepare(two_runs(phone))
    second = phone.run_dir("rb")
    assert (await phone.start("ra")).status == AgentExit.OK
    await phone.finished("ra")
    assert [launch_exits(run) for run in (first, second)] == [[1, 4], [2, 3]]
    assert [(first / f"{n}/stdout").read_text() for n in (1, 2)] == ["a\nA\n"] * 2
    assert [(second / f"{n}/stdout").read_text() for n in (1, 2)] == ["b\nB\n"] * 2
    assert not (second / "exit").exists()


async def test_either_name_tells_of_the_whole_list(phone: LocalPhone) -> None:
    phone.prepare(two_runs(phone))
    await phone.start("ra")
    await phone.finished("ra")
    first, second = [(await phone.ctl("status", name)).stdout for name in ("ra", "rb")]
    assert first == second
    end = parse_exit(first)
    assert end is not None
    assert [launch.number for launch in end.launches] == [1, 2, 3, 4]
    listed = (await phone.ctl("list")).stdout.decode().splitlines()
    assert sorted(listed) == ["ra ended", "rb ended"]
    followed = [
        (await phone.ctl("follow", name, "NONCE", "1", "1", "1", "1", "1")).stdout for name in ("ra", "rb")
    ]
    assert followed[0] == followed[1]
    assert followed[0].count(b"NONCE launch_exit\n") == 4


async def test_a_stop_by_the_second_name_ends_the_list(phone: LocalPhone) -> None:
    phone.prepare(two_runs(phone, "[ -e first ] && sleep 300; : >first"))
    await phone.start("ra")
    await phone.wait_for(phone.run_dir("rb") / "2/pid")
    assert (await phone.ctl("stop", "rb")).status == AgentExit.OK
    end = await phone.finished("ra")
    assert (end["cause"], end["launches"]) == ("stopped", "3")


async def test_the_second_run_alone_cannot_be_started(phone: LocalPhone) -> None:
    phone.prepare(two_runs(phone))
    assert (await phone.start("rb")).status == AgentExit.NO_RUN
    assert not (phone.root / "lock/owner").exists()


async def test_a_killed_supervisor_leaves_no_launch_of_the_second_run(phone: LocalPhone) -> None:
    phone.prepare(two_runs(phone, "case $PWD in */wb) sleep 300 ;; esac"))
    await phone.start("ra")
    await phone.wait_for(phone.run_dir("rb") / "1/pid")
    workload = int((phone.run_dir("rb") / "1/pid").read_text().split()[0])
    pid = next(
        line.partition("=")[2]
        for line in (phone.run_dir("ra") / "supervisor").read_text().splitlines()
        if line.startswith("pid=")
    )
    await phone.script(f"kill -9 {pid}")
    await phone.dead(workload)
    assert b"state=lost" in (await phone.ctl("status", "rb")).stdout


async def test_a_work_folder_of_one_list_goes_with_its_last_launch(phone: LocalPhone) -> None:
    short = Command(
        sh(phone, "cat config.json; cd ..; echo *"),
        cwd=f"{phone.root}/work/short",
        config="fixture.json",
        discards_cwd=True,
    )
    long = Command(sh(phone, "cat config.json; cd ..; echo *"), cwd=f"{phone.root}/work/long")
    run = phone.prepare(
        RunSpec("r1", [short, short, long], files={"config.json": b"own\n", "fixture.json": b"other\n"})
    )
    await phone.start("r1")
    await phone.finished("r1")
    said = [(run / f"{number}/stdout").read_text() for number in (1, 2, 3)]
    assert said == ["other\nlong short\n"] * 2 + ["own\nlong\n"]
    assert not (phone.root / "work/short").exists()


async def test_a_stopped_list_keeps_no_such_folder_either(phone: LocalPhone) -> None:
    commands = [
        Command(sh(phone, "sleep 300"), cwd=f"{phone.root}/work/long"),
        Command(sh(phone, ":"), cwd=f"{phone.root}/work/short", discards_cwd=True),
    ]
    run = phone.prepare(RunSpec("r1", commands))
    await phone.start("r1")
    await phone.wait_for(run / "1/pid")
    await phone.ctl("stop", "r1")
    await phone.finished("r1")
    assert not (phone.root / "work/short").exists()
    assert (phone.root / "work/long").exists()


async def test_a_folder_that_a_later_launch_needs_stays_until_then(phone: LocalPhone) -> None:
    short = Command(sh(phone, "cat config.json"), cwd=f"{phone.root}/work/short", discards_cwd=True)
    long = Command(sh(phone, "echo long"), cwd=f"{phone.root}/work/long")
    run = phone.prepare(RunSpec("r1", [short, long, short], files={"config.json": b"own\n"}))
    await phone.start("r1")
    await phone.finished("r1")
    assert (run / "3/stdout").read_text() == "own\n"
    assert not (phone.root / "work/short").exists()


async def test_what_a_killed_list_left_goes_with_its_lock_and_not_under_another_list(
    phone: LocalPhone,
) -> None:
    async def kill(run_id: str) -> None:
        run = phone.prepare(
            RunSpec(
                run_id,
                [Command(sh(phone, "sleep 300"), cwd=f"{phone.root}/work/short", discards_cwd=True)],
                files={"config.json": b"own\n"},
            )
        )
        started = parse_fields((await phone.start(run_id)).stdout)
        await phone.wait_for(run / "1/pid")
        await phone.script(f"kill -9 -{started['pid']}")
        await phone.dead(int(started["pid"]))

    short = phone.root / "work/short"
    await kill("r1")
    assert short.exists()
    assert b"state=lost" in (await phone.ctl("stop", "r1")).stdout
    assert not short.exists()
    await kill("r2")
    look = Command(sh(phone, "cat config.json; sleep 2; cat config.json"), cwd=str(short), discards_cwd=True)
    run = phone.prepare(RunSpec("r3", [look], files={"config.json": b"own\n"}))
    assert (await phone.start("r3")).status == AgentExit.OK
    # The lock is another's by now.
    await phone.ctl("stop", "r2")
    await phone.finished("r3")
    assert (run / "1/stdout").read_text() == "own\n" * 2
    assert not short.exists()


async def test_of_two_runs_of_a_list_neither_goes_before_the_list_is_old(phone: LocalPhone) -> None:
    phone.prepare(two_runs(phone))
    await phone.start("ra")
    await phone.finished("ra")
    old = 1_600_000_000
    os.utime(phone.run_dir("rb"), (old, old))
    assert (await phone.ctl("gc", "7", "30")).stdout == b""
    os.utime(phone.run_dir("ra"), (old, old))
    assert sorted((await phone.ctl("gc", "7", "30")).stdout.split()) == [b"runs/ra", b"runs/rb"]


async def test_a_launch_that_makes_caches_tells_so(phone: LocalPhone) -> None:
    make = Command(sh(phone, "mkdir -p tmp; : >tmp/0.static"), cwd=f"{phone.root}/work/w1")
    phone.prepare(RunSpec("r1", [make, make]))
    await phone.start("r1")
    await phone.finished("r1")
    assert [(end.caches_before, end.caches_after) for end in phone.end().launches] == [(0, 1), (1, 1)]


async def test_a_launch_in_its_own_folder_leaves_its_answers_and_no_caches(phone: LocalPhone) -> None:
    folder = phone.run_dir("r1") / "1"
    make = "mkdir -p tmp_1; : >tmp_1/0.static; : >mnn_cachefile.bin; echo said >eval_0.csv"
    phone.prepare(RunSpec("r1", [Command(sh(phone, make), cwd=str(folder))]))
    await phone.start("r1")
    await phone.finished("r1")
    (end,) = phone.end().launches
    assert (end.status, end.caches_before, end.caches_after) == (0, None, None)
    left = {file.name for file in folder.iterdir() if not file.name.startswith(".")}
    assert left == {"stdout", "stderr", "pid", "exit", "eval_0.csv"}
    assert (folder / "eval_0.csv").read_text() == "said\n"


async def test_the_sampler_leaves_an_unsampled_launch_alone(phone: LocalPhone) -> None:
    count = f"grep -c ^fast {phone.run_dir('r1')}/samples"
    counting = sh(phone, f"sleep 1; {count}; sleep 2; {count}")
    quiet = Command(counting, cwd=f"{phone.root}/work/w1", sampled=False)
    loud = Command(counting, cwd=f"{phone.root}/work/w1")
    run = phone.prepare(RunSpec("r1", [loud, quiet], sample_hz=5.0))
    await phone.start("r1")
    await phone.finished("r1")
    counts = [[int(word) for word in (run / f"{n}/stdout").read_text().split()] for n in (1, 2)]
    assert counts[0][1] > counts[0][0]
    assert counts[1][1] == counts[1][0]
    # It was the last, and readings on both sides tell whether the phone slept: uptime stands still here.
    ends = phone.end().launches
    first, last = ends[1].started_s, ends[1].ended_s
    fast = [line for line in (run / "samples").read_text().splitlines() if line.startswith("fast")]
    assert (first, last) == (34560000.25, 34560000.25)
    assert len(fast) > counts[1][1]
    assert {field.partition("=")[0] for field in fast[-1].split("\t")[1:]} == {"up", "wall", "cpu", "up2"}


async def test_a_limit_ends_an_unsampled_launch_as_well(phone: LocalPhone) -> None:
    put(phone, "class/power_supply/battery/capacity", "50")
    put(phone, "class/power_supply/battery/temp", "300")
    quiet = Command(sh(phone, "sleep 300"), cwd=f"{phone.root}/work/w1", sampled=False)
    run = phone.prepare(RunSpec("r1", [quiet], limits=Limits(battery_percent=20), sample_hz=5.0))
    await phone.start("r1")
    await phone.wait_for(run / "1/pid")
    put(phone, "class/power_supply/battery/capacity", "19")
    end = await phone.finished("r1")
    assert end["cause"] == "limit_battery"


async def test_rubbish_is_not_collected_from_a_list_that_is_about_to_begin(phone: LocalPhone) -> None:
    second = phone.run_dir("rb")
    second.mkdir(parents=True)
    (second / "part_of").write_text("ra")
    assert (await phone.ctl("gc", "1", "1")).stdout == b""
    assert second.exists()
    os.utime(second, (0, 0))
    assert (await phone.ctl("gc", "1", "1")).stdout == b"runs/rb\n"
