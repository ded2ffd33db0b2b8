"""What a phone's kernel changes: uptime, adbd's process, the disk, who is killed first."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from devicehub import procs
from devicehub.adb.sync import open_sync
from devicehub.clock import SystemClock
from devicehub.errors import HubError, SimError
from devicehub.sim.phone import PhoneSpec, virtual_phone
from tests.sim.desk import Desk, desk_with

if TYPE_CHECKING:
    from devicehub.sim.process.shell import Mode

_DAY_S = 86400


async def _uptime_s(desk: Desk) -> float:
    return float((await desk.sh("cat /proc/uptime")).split()[0])


async def _start_of(desk: Desk, pid: str) -> str:
    return (await desk.sh(f"cat /proc/{pid}/stat")).split()[21]


async def test_uptime_is_what_was_asked_for_and_begins_anew_with_a_boot(tmp_path: Path) -> None:
    async with desk_with(PhoneSpec(mode="confined", uptime_days=400), tmp_path) as desk:
        assert 400 * _DAY_S <= await _uptime_s(desk) < 400 * _DAY_S + 300
        adbd = await desk.sh("pidof adbd")
        # In hundredths of a second: more than 31 bits hold.
        assert int(await _start_of(desk, adbd)) >= 400 * _DAY_S * 100
        await desk.faults.reboot()
        await desk.connected()
        assert 15 <= await _uptime_s(desk) < 300
        await desk.faults.reboot()
        await desk.connected()
        assert 15 <= await _uptime_s(desk) < 300


async def test_counters_go_on_while_a_run_does_without_a_cable(mode: Mode, tmp_path: Path) -> None:
    async with desk_with(PhoneSpec(mode=mode), tmp_path) as desk:
        await desk.background("1203")
        await desk.faults.cable_out()
        stat = desk.phone.root / "proc/stat"
        await SystemClock().sleep(1.5)  # what was connected is gone by now
        before = stat.read_text()
        async with asyncio.timeout(60):
            while stat.read_text() == before:
                await SystemClock().sleep(0.1)


async def test_services_come_up_after_adbd(tmp_path: Path) -> None:
    async with desk_with(PhoneSpec(mode="portable"), tmp_path) as desk:
        await desk.faults.reboot(services_s=0.01)
        assert desk.phone.system.server_up
        await desk.connected()
        assert "level" in await desk.sh("dumpsys battery")


async def test_adbd_is_another_process_after_its_restart(mode: Mode, tmp_path: Path) -> None:
    async with desk_with(PhoneSpec(mode=mode), tmp_path) as desk:
        adbd = await desk.sh("pidof adbd")
        assert adbd.isdecimal()
        start = await _start_of(desk, adbd)
        await desk.background("1201")
        await desk.faults.restart_adbd()
        await desk.connected()
        assert not desk.faults.processes("sleep 1201")
        after = await desk.sh("pidof adbd")
        assert after.isdecimal()
        assert (after, await _start_of(desk, after)) != (adbd, start)


@pytest.mark.parametrize("service", ["tcpip:5555", "usb:"])
async def test_a_change_of_its_mode_restarts_adbd_and_takes_everything_along(
    service: str, mode: Mode, tmp_path: Path
) -> None:
    async with desk_with(PhoneSpec(mode=mode), tmp_path) as desk:
        await desk.background("1202")
        stream = await desk.transport.open(service)
        assert (await stream.read(100)).startswith(b"restarting in ")
        await desk.faults.when_gone("sleep 1202")
        stream.close()
        await desk.connected()
        assert (await desk.sh("pidof adbd")).isdecimal()


async def test_two_portable_phones_know_their_own_adbd(tmp_path: Path) -> None:
    spec = PhoneSpec(mode="portable")
    async with desk_with(spec, tmp_path / "a") as one, desk_with(spec, tmp_path / "b") as other:
        assert await one.sh("pidof adbd") != await other.sh("pidof adbd")


async def test_a_full_disk_refuses_processes_and_pushes_and_df_tells_it(tmp_path: Path) -> None:
    block = b"x" * 65536
    async with desk_with(PhoneSpec(mode="confined", data_mib=8), tmp_path) as desk:
        source = tmp_path / "source"
        source.write_bytes(block * 32)
        await desk.faults.set_free(1024)
        free = (await desk.sh("df -k /data/local/tmp | tail -n 1")).split()[3]
        assert int(free) == 1024
        async with open_sync(desk.transport) as sync:
            with pytest.raises(HubError, match=r"(?i)space"):
                await sync.push(source, "/data/local/tmp/big")
        assert "No space" in await desk.sh("dd if=/dev/zero of=/data/local/tmp/f bs=65536 count=32 2>&1")
        await desk.sh("rm /data/local/tmp/f")
        await desk.faults.set_free(4096)
        async with open_sync(desk.transport) as sync:
            await sync.push(source, "/data/local/tmp/big")
        assert (desk.phone.root / "data/local/tmp/big").stat().st_size == len(block) * 32
        await desk.faults.reboot()
        await desk.connected()
        assert await desk.sh("stat -c %s /data/local/tmp/big") == str(len(block) * 32)


@pytest.mark.parametrize(
    "spec", [PhoneSpec(mode="portable", data_mib=8), PhoneSpec(mode="portable", uptime_days=3)]
)
async def test_what_a_portable_phone_cannot_have_is_refused(spec: PhoneSpec) -> None:
    with pytest.raises(SimError, match="the host's uptime and the host's disk"):
        async with virtual_phone(spec, keys=[]):
            pass


@pytest.mark.parametrize(("android", "score"), [(8, "-1000"), (14, "-950")])
async def test_the_kernel_spares_the_children_of_adbd_where_it_lets_us(
    android: int, score: str, tmp_path: Path
) -> None:
    async with desk_with(PhoneSpec(mode="confined", android=android), tmp_path) as desk:
        own = _lowest_score()
        expected = score if own is None else own
        assert await desk.sh("cat /proc/self/oom_score_adj") == expected
        await desk.faults.restart_adbd()
        await desk.connected()
        assert await desk.sh("cat /proc/self/oom_score_adj") == expected
        assert await desk.sh("echo 500 > /proc/$$/oom_score_adj; cat /proc/$$/oom_score_adj") == "500"


def _lowest_score() -> str | None:
    """This process's own score where it may not go below it; None where it may."""
    file = Path("/proc/self/oom_score_adj")
    before = file.read_text().strip()
    try:
        file.write_text("-1000")
    except PermissionError:
        return before
    file.write_text(before)
    return None


async def test_a_phone_that_reboots_and_fills_up_takes_no_privileges() -> None:
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("only root can become another user, by setpriv (util-linux)")
    with tempfile.TemporaryDirectory() as folder:
        os.chown(folder, 65534, 65534)
        path = f"{_TREE}:{sysconfig.get_path('purelib')}"
        environment = {"PATH": os.environ["PATH"], "TMPDIR": folder, "HOME": folder, "PYTHONPATH": path}
        done = await _run_as_nobody(_ALONE, environment)
        said = done.stderr.decode(errors="replace")
        if "could not be started" in said:
            pytest.skip(f"no namespaces for another user on this host: {said[-200:]}")
        assert done.status == 0, said
        told = {"space": "refused", "user": "2000", "rebooted": True}
        assert json.loads(done.stdout) == told
        assert b"devicehub-phone" not in (await procs.run(["ls", folder], timeout_s=60)).stdout


async def _run_as_nobody(program: str, environment: dict[str, str]) -> procs.Completed:
    """Run it with the first Python that another user may start and that finds the packages."""
    user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    trial = "import msgspec, os, sys; sys.exit(not os.access(os.path.realpath(sys.executable), os.X_OK))"
    for python in (sys.executable, "/usr/bin/python3"):
        tried = await procs.run([*user, python, "-c", trial], timeout_s=60, env=environment)
        if tried.status == 0:
            return await procs.run([*user, python, "-c", program], timeout_s=120, env=environment)
    pytest.skip("no Python with the packages that another user may start")


_TREE = str(Path(__file__).parents[2])
_ALONE = """
import asyncio, json, os
from pathlib import Path
from devicehub.sim.phone import PhoneSpec, virtual_phone
from tests.sim.adbd.raw_client import connect_raw, make_key, public_half

key = make_key(Path(os.environ["HOME"]))

async def say(phone, command):
    async with connect_raw(phone.address) as client:
        await client.log_in(key)
        remote = await client.open_stream(b"shell:" + command.encode())
        return (await client.read_all(remote)).decode().strip()

async def main():
    spec = PhoneSpec(mode="confined", data_mib=4, uptime_days=9)
    async with virtual_phone(spec, keys=[public_half(key)]) as phone:
        user = await say(phone, "id -u")
        await phone.faults.set_free(0)
        space = await say(phone, "head -c 65536 /dev/zero 2>/dev/null >/data/local/tmp/f || echo refused")
        await phone.faults.reboot()
        up = float((await say(phone, "cat /proc/uptime")).split()[0])
        print(json.dumps({"space": space, "user": user, "rebooted": 15 <= up < 900}))

asyncio.run(main())
"""


async def test_what_is_written_while_the_disk_is_measured_is_counted_at_the_next_measurement(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk_with(PhoneSpec(mode="confined", data_mib=8), tmp_path) as desk:
        measure = os.statvfs
        measured: list[os.PathLike[str] | str] = []

        def and_write(path: os.PathLike[str] | str) -> os.statvfs_result:
            found = measure(path)
            if not measured:
                (desk.phone.root / "data/local/tmp/late").write_bytes(bytes(65536))
            measured.append(path)
            return found

        monkeypatch.setattr(os, "statvfs", and_write)
        await desk.faults.set_free(0)
        assert len(measured) == 2
