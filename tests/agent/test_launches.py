"""Several launches in one run, and what ends a run before its time, under each shell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from devicehub.runner.contract import AgentExit, Command, Limits, RunSpec
from devicehub.runner.exits import parse_fields
from tests.agent.local_phone import put, sh, spec_of

if TYPE_CHECKING:
    from tests.agent.local_phone import LocalPhone

PLENTY = "MemTotal:  7812345 kB\nMemFree:  1 kB\nMemAvailable:  4123456 kB\n"


async def test_launches_are_made_one_after_the_other_in_their_own_folders(phone: LocalPhone) -> None:
    commands = [
        Command(sh(phone, f"pwd; echo {number}; exit {number}"), cwd=f"{phone.root}/work/w{number}")
        for number in (1, 2, 3)
    ]
    run = phone.prepare(RunSpec("r1", commands, files={"config.json": b"{}"}))
    assert (await phone.start("r1")).status == AgentExit.OK
    await phone.finished("r1")
    end = phone.end()
    assert [launch.status for launch in end.launches] == [1, 2, 3]
    assert len({launch.workload_pid for launch in end.launches}) == 3
    for number in (1, 2, 3):
        assert (run / f"{number}/stdout").read_text() == f"{phone.root}/work/w{number}\n{number}\n"
        assert (phone.root / f"work/w{number}/config.json").read_bytes() == b"{}"
    logs = [launch.byte_counts["log"] for launch in end.launches]
    assert logs == sorted(logs)
    assert (phone.folder / "logcat.tags").read_text().count("sh:V") == 1


async def test_a_stop_ends_the_launch_under_way_and_begins_no_other(phone: LocalPhone) -> None:
    run = phone.prepare(spec_of(phone, *sh(phone, "[ -e first ] && sleep 300; : >first"), launches=3))
    await phone.start("r1")
    await phone.wait_for(run / "2/pid")
    await phone.ctl("stop", "r1")
    await phone.finished("r1")
    end = phone.end()
    assert end.cause == "stopped"
    assert [(launch.status, launch.cause) for launch in end.launches] == [(0, None), (143, "stopped")]
    assert not (run / "3/stdout").exists()


async def test_a_stop_after_the_last_launch_has_ended_changes_nothing(phone: LocalPhone) -> None:
    run = phone.prepare(spec_of(phone, *sh(phone, "echo x >0.static"), launches=1))
    script = (phone.agent / "supervise.sh").read_text()
    # While the log settles.
    late = script.replace("  settle_log\n", f"  : >{run}/settling\n  settle_log\n")
    assert late != script
    (phone.agent / "supervise.sh").write_text(late)
    await phone.start("r1")
    await phone.wait_for(run / "settling")
    await phone.ctl("stop", "r1")
    await phone.finished("r1")
    end = phone.end()
    assert (end.cause, end.launches[0].cause, end.launches[0].status) == (None, None, 0)
    assert (phone.root / "work/w1/0.static").exists()


async def test_a_supervisor_that_is_killed_in_a_later_launch_takes_that_along(phone: LocalPhone) -> None:
    run = phone.prepare(spec_of(phone, *sh(phone, "[ -e first ] && sleep 300; : >first"), launches=2))
    supervisor = parse_fields((await phone.start("r1")).stdout)["pid"]
    await phone.wait_for(run / "2/pid")
    workload = int((run / "2/pid").read_text().split()[0])
    await phone.script(f"kill -9 {supervisor}")
    await phone.dead(workload)
    assert b"cause=agent_killed" in (await phone.ctl("status", "r1")).stdout


@pytest.mark.parametrize(
    ("limits", "available", "cause"),
    [
        (Limits(wall_s=1), "4123456", "limit_time"),
        (Limits(), "390616", "out_of_memory"),
        # 5 % of a small phone's memory is less than what Android itself needs.
        (Limits(), "262143", "out_of_memory"),
    ],
)
async def test_a_limit_ends_the_run_with_its_cause(
    phone: LocalPhone, limits: Limits, available: str, cause: str
) -> None:
    phone.env["DEVICEHUB_PROC"] = str(phone.folder / "proc")
    total = "7812345" if available == "390616" else "2000000"
    run = phone.prepare(spec_of(phone, *sh(phone, "sleep 300"), launches=2, limits=limits))
    await phone.start("r1")
    await phone.wait_for(run / "1/pid")
    proc = phone.folder / "proc"
    (proc / "meminfo").write_text(f"MemTotal:  {total} kB\nMemAvailable:  {available} kB\n")
    (proc / "uptime").write_text("34560001.25 1.00\n")
    await phone.finished("r1")
    assert phone.end().cause == cause
    assert [launch.cause for launch in phone.end().launches] == [cause]


async def test_free_space_is_counted_in_what_the_phones_sh_can_hold(phone: LocalPhone) -> None:
    df = phone.bin / "df"
    df.unlink()
    df.write_text(f"#!{phone.bin}/sh\necho 'Filesystem 1K-blocks'; cat {phone.folder}/df\n")
    df.chmod(0o755)
    # 5 TiB, then 300 GiB: in KiB the one is beyond 31 bits, the other within.
    (phone.folder / "df").write_text("/dev/block/dm-9 9999999999 1 5368709120 1% /data/user/0\n")
    run = phone.prepare(spec_of(phone, *sh(phone, "sleep 300"), limits=Limits(free_mib=300 * 1024 + 1)))
    await phone.start("r1")
    await phone.script(
        f"n=0; until grep -q beat=[2-9] {run}/status || [ $n -ge 200 ]; do n=$((n+1)); sleep 0.05; done"
    )
    assert not (run / "stop").exists()
    (phone.folder / "df").write_text("/dev/block/dm-9 9999999999 1 314572800 1% /data/user/0\n")
    await phone.finished("r1")
    assert (phone.end().cause, phone.end().launches[0].free_kib) == ("limit_space", 314572800)


async def test_one_look_at_little_memory_ends_no_run(phone: LocalPhone) -> None:
    # The watcher's sleep changes what it finds next: little at one look, plenty at the next.
    meminfo = phone.folder / "proc/meminfo"
    little, much = phone.folder / "little", phone.folder / "much"
    little.write_text("MemTotal: 7812345 kB\nMemAvailable: 50000 kB\n")
    much.write_text(PLENTY)
    script = (phone.agent / "supervise.sh").read_text()
    turn = f"    case $beats in *[02468]) cp {little} {meminfo} ;; *) cp {much} {meminfo} ;; esac\n"
    assert script.count("    sleep 1\n  done\n") == 1
    (phone.agent / "supervise.sh").write_text(
        script.replace("    sleep 1\n  done\n", turn + "    sleep 1\n  done\n")
    )
    phone.prepare(spec_of(phone, *sh(phone, "sleep 6")))
    await phone.start("r1")
    await phone.finished("r1")
    assert phone.end().cause is None


@pytest.mark.parametrize(
    ("path", "text", "limits", "cause"),
    [
        ("class/thermal/thermal_zone1/temp", "45500", Limits(temp_mc=45_000), "limit_temperature"),
        ("class/thermal/thermal_zone1/temp", "46", Limits(temp_mc=45_000), "limit_temperature"),
        ("class/power_supply/battery/temp", "451", Limits(temp_mc=45_000), "limit_temperature"),
        ("class/power_supply/battery/capacity", "19", Limits(battery_percent=20), "limit_battery"),
    ],
)
async def test_the_sampler_ends_a_run_that_gets_hot_or_runs_down(
    phone: LocalPhone, path: str, text: str, limits: Limits, cause: str
) -> None:
    put(phone, "class/thermal/thermal_zone0/type", "cpu-0-0")
    put(phone, "class/thermal/thermal_zone0/temp", "95000")
    put(phone, "class/thermal/thermal_zone1/type", "skin-therm")
    put(phone, "class/thermal/thermal_zone1/temp", "31000")
    put(phone, "class/power_supply/battery/temp", "310")
    put(phone, "class/power_supply/battery/capacity", "20")
    run = phone.prepare(spec_of(phone, *sh(phone, "sleep 300"), limits=limits, sample_hz=10))
    await phone.start("r1")
    await phone.script(f"n=0; until [ -s {run}/samples ] || [ $n -ge 200 ]; do n=$((n+1)); sleep 0.05; done")
    # Neither the CPU's own heat nor a charge at the limit ends a run.
    assert not (run / "stop").exists()
    put(phone, path, text)
    await phone.finished("r1")
    assert phone.end().cause == cause


async def test_a_limit_that_only_dumpsys_can_show_is_kept_by_the_slow_lane(phone: LocalPhone) -> None:
    skin = "Temperature{mValue=45.3, mType=3, mName=skin, mStatus=0}"
    (phone.folder / "dumpsys/thermalservice").write_text(f"Thermal Status: 3\nCached:\n\t{skin}\n")
    phone.prepare(spec_of(phone, *sh(phone, "sleep 300"), limits=Limits(temp_mc=45_200)))
    await phone.start("r1")
    await phone.finished("r1")
    assert phone.end().cause == "limit_temperature"


async def test_a_repeated_launch_has_the_lock_and_a_folder_of_its_own(phone: LocalPhone) -> None:
    own = f"{phone.root}/runs/r1/1"
    script = 'echo "$1"; cat "$2/lock/owner"; exit 3'
    run = phone.prepare(RunSpec("r1", [Command([*sh(phone, script), "sh", own, str(phone.root)], cwd="/")]))
    await phone.start("r1")
    await phone.finished("r1")
    refused = await phone.ctl("repeat", "r1", "2", "n0nce")
    assert refused.status == AgentExit.NO_RUN
    said = await phone.ctl("repeat", "r1", "1", "n0nce")
    nonce, folder, owner = said.stdout.decode().splitlines()
    assert (nonce, folder, said.status) == ("n0nce", f"{run}/diagnosis", 3)
    assert owner.split()[:2] == ["b00t-0001", "r1"]
    # The lock's holder is gone: nothing has to give it back.
    phone.prepare(spec_of(phone, run_id="r2"))
    assert (await phone.start("r2")).status == AgentExit.OK
    await phone.finished("r2")


@pytest.mark.parametrize("status", [0, 255])
async def test_a_log_that_lags_behind_is_waited_for_while_it_grows(phone: LocalPhone, status: int) -> None:
    source = phone.folder / "logcat"
    stand_ins = {
        "logcat": f"exec tail -n +1 -f {source}",
        "log": f'(for n in 1 2 3 4 5 6 7 8; do sleep 0.3; echo late $n; done; echo "$*") >>{source} 2>&1 &',
    }
    for name, text in stand_ins.items():
        (phone.bin / name).unlink(missing_ok=True)
        (phone.bin / name).write_text(f"#!{phone.bin}/sh\n{text}\n")
        (phone.bin / name).chmod(0o755)
    run = phone.prepare(spec_of(phone, *sh(phone, f"exit {status}"), launches=1))
    await phone.start("r1")
    await phone.finished("r1")
    assert (run / "log").read_text().splitlines()[1:-1] == [f"late {n}" for n in range(1, 9)]
    assert phone.end().launches[0].byte_counts["log"] == (run / "log").stat().st_size
