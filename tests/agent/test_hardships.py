"""A full disk, a stepped clock, sizes and times beyond 31 bits, and the commands of one release alone."""

from __future__ import annotations

import asyncio
import os
import shutil
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from devicehub import procs
from devicehub.runner.contract import AgentExit, Limits
from devicehub.runner.exits import parse_fields
from devicehub.telemetry.sample import SampleReader
from tests.agent.local_phone import local_phone, sh, spec_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

BIG = 5 * 2**30
FAKETIME = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))


@asynccontextmanager
async def small_disk(folder: Path, size: str) -> AsyncIterator[None]:
    """A file system of its own that is soon full; needs root."""
    await asyncio.to_thread(folder.mkdir, parents=True)
    mount = shutil.which("mount")
    options = ["-t", "tmpfs", "-o", f"size={size},mode=755", "tmpfs", str(folder)]
    made = mount is not None and (await procs.run([mount, *options], timeout_s=30)).status == 0
    if not made:
        pytest.skip("a file system cannot be mounted here: that needs root")
    try:
        yield
    finally:
        await procs.run(["umount", "-l", str(folder)], timeout_s=30)


@pytest.mark.parametrize("shell", ["mksh", "dash", "bash"])
async def test_a_full_disk_cuts_the_output_and_not_the_end(tmp_path: Path, shell: str) -> None:
    async with small_disk(tmp_path / "p", "1m"), local_phone(tmp_path / "p", shell) as phone:
        run = phone.prepare(spec_of(phone, *sh(phone, "cat /dev/zero; echo full >&2; exit 7"), launches=2))
        started = await phone.start("r1")
        assert started.status == AgentExit.OK, started.stderr
        await phone.finished("r1")
        end = phone.end()
        assert (end.cause, [launch.status for launch in end.launches]) == (None, [7, 7])
        sizes = [launch.byte_counts["stdout"] for launch in end.launches]
        assert sizes == [(run / f"{number}/stdout").stat().st_size for number in (1, 2)]
        assert sizes[0] > sizes[1]
        assert end.launches[1].free_kib == 0
        assert not (phone.root / "lock").exists()
        assert b"state=ended" in (await phone.ctl("status", "r1")).stdout


@pytest.mark.parametrize("shell", ["mksh", "dash", "bash"])
async def test_a_stop_on_a_full_disk_keeps_its_cause(tmp_path: Path, shell: str) -> None:
    async with small_disk(tmp_path / "p", "1m"), local_phone(tmp_path / "p", shell) as phone:
        run = phone.prepare(spec_of(phone, *sh(phone, "cat /dev/zero; : >/dev/null; sleep 300")))
        await phone.start("r1")
        full = f"[ $(df -k {run} | grep -c ' 0 100%') = 1 ]"
        await phone.script(f"n=0; until {full} || [ $n -ge 200 ]; do n=$((n+1)); sleep 0.05; done")
        assert (await phone.ctl("stop", "r1", "limit_time")).status == 0
        await phone.finished("r1")
        assert (phone.end().cause, phone.end().launches[0].cause) == ("limit_time", "limit_time")


@pytest.mark.parametrize("shell", ["mksh", "dash", "bash"])
async def test_a_disk_that_was_full_before_is_an_error_and_no_run(tmp_path: Path, shell: str) -> None:
    async with small_disk(tmp_path / "p", "1m"), local_phone(tmp_path / "p", shell) as phone:
        run = phone.prepare(spec_of(phone))
        await phone.script(f"cat /dev/zero >{phone.folder}/fill")
        refused = await phone.start("r1")
        assert refused.status in (AgentExit.SUPERVISOR, AgentExit.ALREADY, AgentExit.CONFIG)
        assert not (run / "1/pid").exists()
        (phone.folder / "fill").unlink()
        phone.prepare(spec_of(phone, run_id="r2"))
        assert (await phone.start("r2")).status == AgentExit.OK
        await phone.finished("r2")


@pytest.mark.parametrize("android", [8, 11, 15])
async def test_a_run_with_the_commands_of_one_release_alone(tmp_path: Path, android: int) -> None:
    async with local_phone(tmp_path, android=android) as phone:
        assert (phone.bin / "fsync").exists() is (android >= 11)
        assert not (phone.bin / "ln").exists()
        run = phone.prepare(spec_of(phone, *sh(phone, "echo x >0.static; kill -9 $$"), launches=2))
        started = await phone.start("r1")
        assert started.status == AgentExit.OK, started.stderr
        await phone.finished("r1")
        assert [launch.status for launch in phone.end().launches] == [137, 137]
        assert not list((phone.root / "work/w1").glob("*.static"))
        diary = (run / "agent").read_text()
        assert "not found" not in diary
        assert "nknown option" not in diary
        followed = await phone.ctl("follow", "r1", "n0nce", "1", "1", "1", "1", "1")
        assert (followed.status, followed.stderr) == (0, b"")
        assert followed.stdout.endswith(b"n0nce end\n")
        for command in (
            ["status", "r1"],
            ["stop", "r1"],
            ["list"],
            ["repeat", "r1", "1", "n"],
            ["gc", "0", "0"],
        ):
            done = await phone.ctl(*command)
            assert done.stderr == b"", (command, done)


@pytest.mark.slow
async def test_no_figure_of_a_phone_needs_more_than_31_bits(tmp_path: Path) -> None:
    async with local_phone(tmp_path) as phone:
        (phone.bin / "truncate").symlink_to((phone.bin / "tail").readlink())
        # 400 days of uptime, jiffies beyond 31 bits: see local_phone.
        meminfo = "MemTotal:  1048576000 kB\nMemAvailable:  1000000000 kB\n"
        (phone.folder / "proc/meminfo").write_text(meminfo)
        run = phone.run_dir("r1")
        script = f"out='{run}/'$(cat number)/stdout; truncate -s {BIG} $out; echo tail >>$out; sleep 3"
        limits = Limits(wall_s=10**8, temp_mc=10**5, battery_percent=1, free_mib=1)
        spec = spec_of(phone, *sh(phone, script), launches=2, limits=limits)
        (phone.root / "work/w1").mkdir(parents=True)
        (phone.root / "work/w1/number").write_text("1")
        phone.prepare(spec)
        assert (await phone.start("r1")).status == AgentExit.OK
        await phone.wait_for(run / "1/exit")
        (phone.root / "work/w1/number").write_text("2")
        await phone.finished("r1")
        end = phone.end()
        assert end.cause is None
        assert end.launches[0].byte_counts["stdout"] == BIG + 5
        assert end.started_s == 34560000.25
        [fast, *_] = [s for s in SampleReader().feed((run / "samples").read_bytes()) if s.lane == "fast"]
        assert fast.values["cpu"].split()[0] == "3456000000"
        assert fast.number("mem_kb") == 1000000000
        # toybox' tail reads from the beginning, at a few hundred MB/s.
        place = ["1", str(BIG + 1), "1", "1", "1"]
        followed = await phone.sh(phone.agent / "ctl.sh", "follow", "r1", "n0nce", *place, timeout_s=300)
        assert b"n0nce stdout 1\ntail\nn0nce stderr 1\n" in followed.stdout
        for command in (["status", "r1"], ["list"], ["gc", "1000", "1000"]):
            done = await phone.ctl(*command)
            assert (done.status, done.stderr) == (0, b""), command


@pytest.mark.skipif(not FAKETIME, reason="libfaketime is not installed")
@pytest.mark.parametrize("shell", ["mksh", "dash", "bash"])
async def test_a_clock_that_is_set_disturbs_no_run_and_shows_in_its_samples(
    tmp_path: Path, shell: str
) -> None:
    async with local_phone(tmp_path, shell) as phone:
        clock = tmp_path / "clock"
        clock.write_text("+0\n")
        for name in ("uptime", "stat"):
            (phone.folder / f"proc/{name}").unlink()
            (phone.folder / f"proc/{name}").symlink_to(f"/proc/{name}")
        phone.env |= {
            "LD_PRELOAD": str(FAKETIME[0]),
            "FAKETIME_TIMESTAMP_FILE": str(clock),
            "FAKETIME_NO_CACHE": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }
        run = phone.prepare(
            spec_of(phone, *sh(phone, f"sleep 2; echo -3600 >{clock}; sleep 3"), limits=Limits(wall_s=60))
        )
        assert (await phone.start("r1")).status == AgentExit.OK
        await phone.finished("r1")
        end = phone.end()
        assert (end.cause, end.launches[0].status) == (None, 0)
        assert end.launches[0].duration_s is not None
        assert 4 < end.launches[0].duration_s < 60
        fast = [s for s in SampleReader().feed((run / "samples").read_bytes()) if s.lane == "fast"]
        offsets = [s.wall_s - s.uptime_s for s in fast if s.wall_s and s.uptime_s]
        assert max(offsets) - min(offsets) == pytest.approx(3600, abs=10)


async def test_a_killed_session_is_a_lost_run_that_a_stop_clears_away(tmp_path: Path) -> None:
    async with local_phone(tmp_path) as phone:
        run = phone.prepare(spec_of(phone, *sh(phone, "sleep 300"), launches=2))
        started = parse_fields((await phone.start("r1")).stdout)
        await phone.wait_for(run / "1/pid")
        leftovers = [int((run / name).read_text().split()[0]) for name in ("1/pid", "capture")]
        os.killpg(int(started["pid"]), 9)
        await phone.dead(int(started["pid"]))
        assert b"state=lost" in (await phone.ctl("stop", "r1")).stdout
        for pid in leftovers:
            await phone.dead(pid)
        assert not (phone.root / "lock").exists()
        assert (await phone.ctl("gc", "0", "0")).status == 0
