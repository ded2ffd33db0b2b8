"""Each fault, as a client of a real adb server and the phone's own processes meet it."""

from __future__ import annotations

import asyncio
import signal
import socket
from pathlib import Path

import pytest

from devicehub.adb.shell import open_shell
from devicehub.adb.wire import Stdout
from devicehub.clock import SystemClock
from devicehub.device.probe import read_properties, read_state
from devicehub.errors import AdbError, AdbTimeout, SimError
from devicehub.sim.phone import PhoneSpec
from tests.sim.desk import desk_with

CONFINED = PhoneSpec(mode="confined")


async def test_a_cable_pulled_while_charging_leaves_what_runs_in_a_session_of_its_own(tmp_path: Path) -> None:
    async with desk_with(CONFINED, tmp_path) as desk:
        adbd = await desk.sh("pidof adbd")
        await desk.background("1001")
        async with open_shell(desk.transport, "echo on; sleep 1002") as shell:
            async for event in shell:
                if isinstance(event, Stdout):
                    break
            await desk.faults.cable_out()
            with pytest.raises(AdbError):
                await desk.sh("echo hi", timeout_s=3)
        await desk.faults.cable_in()
        await desk.connected()
        assert desk.faults.processes("sleep 1001")
        assert await desk.sh("pidof adbd") == adbd


@pytest.mark.parametrize("spec", [PhoneSpec(mode="confined", usb_mode="mtp"), CONFINED], ids=["mtp", "adbd"])
async def test_a_stop_of_adbd_takes_everything_along(spec: PhoneSpec, tmp_path: Path) -> None:
    async with desk_with(spec, tmp_path) as desk:
        adbd = await desk.sh("pidof adbd")
        await desk.background("1003")
        if spec.usb_mode == "mtp":
            assert "mtp" in str((await read_state(desk.transport)).usb)
            await desk.faults.cable_out()
            await desk.faults.cable_in()
        else:
            await desk.faults.restart_adbd()
        await desk.connected()
        assert not desk.faults.processes("sleep 1003")
        assert await desk.sh("pidof adbd") not in ("", adbd)


async def test_a_frozen_connection_says_nothing_and_then_goes_on(tmp_path: Path) -> None:
    async with desk_with(CONFINED, tmp_path) as desk:
        desk.faults.freeze()
        with pytest.raises(AdbTimeout):
            await desk.sh("echo hi", timeout_s=0.5)
        desk.faults.thaw()
        assert await desk.sh("echo hi") == "hi"


async def test_a_reboot_keeps_data_and_gives_a_new_boot_id(tmp_path: Path) -> None:
    async with desk_with(CONFINED, tmp_path) as desk:
        before = (await read_properties(desk.transport)).boot_id
        await desk.sh("echo kept > /data/local/tmp/kept; echo gone > /data/local/tmp/lost")
        await desk.background("1004")
        await desk.faults.reboot(lose="lost")
        await desk.connected()
        after = (await read_properties(desk.transport)).boot_id
        assert after not in (None, before)
        assert not desk.faults.processes("sleep 1004")
        assert await desk.sh("cat /data/local/tmp/kept /data/local/tmp/lost") == "kept"


def host_ticks() -> int:
    return ticks(Path("/proc/stat").read_text())


def ticks(stat: str) -> int:
    """All ticks of the first processor."""
    line = next(line for line in stat.splitlines() if line.startswith("cpu0 "))
    return sum(map(int, line.split()[1:]))


async def test_the_counters_of_a_phone_are_right_from_the_first_look(tmp_path: Path) -> None:
    async with desk_with(CONFINED, tmp_path) as desk:
        assert abs(host_ticks() - ticks(await desk.sh("cat /proc/stat"))) < 1000


async def test_a_phone_that_sleeps_counts_time_and_no_ticks(tmp_path: Path) -> None:
    async with desk_with(CONFINED, tmp_path) as desk:
        await desk.background("1005")
        async with asyncio.timeout(20):  # the file follows the host's once a second
            while True:
                phone, host = ticks(await desk.sh("cat /proc/stat")), host_ticks()
                if abs(host - phone) < 300:
                    break
                await SystemClock().sleep(0.1)
        up = float((await desk.sh("cat /proc/uptime")).split()[0])
        await desk.faults.suspend(3)
        assert desk.faults.processes("sleep 1005")
        assert float((await desk.sh("cat /proc/uptime")).split()[0]) - up >= 3
        async with asyncio.timeout(20):  # the file is written each second
            while (counted := ticks(await desk.sh("cat /proc/stat")) - phone) <= 0:
                await SystemClock().sleep(0.1)
        passed = host_ticks() - host
        assert counted <= passed - 150


async def test_a_process_is_killed_by_name(tmp_path: Path) -> None:
    async with desk_with(CONFINED, tmp_path) as desk:
        await desk.background("1006")
        await desk.background("1007")
        assert desk.faults.kill("sleep 1006", signal.SIGTERM) == 1
        assert desk.faults.kill("sleep 1006x") == 0
        assert desk.faults.processes("sleep 1007")


async def test_the_kernel_takes_who_offers_itself_most(tmp_path: Path) -> None:
    async with desk_with(CONFINED, tmp_path) as desk:
        offer = "sh -c 'echo {} > /proc/self/oom_score_adj; exec sleep {}' </dev/null >/dev/null 2>&1 &"
        for score, name in ((500, "1008"), (200, "1009")):
            await desk.sh(offer.format(score, name))
            await desk.faults.when_process(f"sleep {name}")
        assert desk.faults.out_of_memory() == "sleep 1008"
        await desk.faults.when_gone("sleep 1008")
        assert desk.faults.processes("sleep 1009")


async def test_a_full_disk_is_full_for_processes_and_pushes(tmp_path: Path) -> None:
    try:
        async with desk_with(PhoneSpec(mode="confined", data_mib=8), tmp_path) as desk:
            fill = "cd /data/local/tmp; for n in 1 2 3 4; do echo x > f$n || echo refused; done; ls"
            await desk.faults.set_free(0)
            assert "refused" in await desk.sh(f"({fill}) 2>&1")
            await desk.faults.set_free(1024)
            assert "refused" not in await desk.sh(f"({fill}) 2>&1")
    except SimError as error:
        pytest.skip(f"no confinement here: {error}")


async def test_the_wall_clock_is_set_and_the_boot_clock_goes_on(tmp_path: Path) -> None:
    try:
        async with desk_with(PhoneSpec(mode="confined", settable_clock=True), tmp_path) as desk:
            look = "echo ${EPOCHREALTIME%.*}; read -r up _ < /proc/uptime; echo ${up%.*}"
            wall, up = map(int, (await desk.sh(look)).split())
            desk.faults.step_clock(3600)
            later_wall, later_up = map(int, (await desk.sh(look)).split())
            assert 3600 <= later_wall - wall < 3700
            assert later_up - up < 100
    except SimError as error:
        pytest.skip(f"no libfaketime here: {error}")


async def test_memory_battery_heat_and_screen_show_where_a_phone_shows_them(tmp_path: Path) -> None:
    async with desk_with(CONFINED, tmp_path) as desk:
        desk.faults.set_memory(123)
        desk.faults.set_battery(level=7, temp_c=44.5, plugged=False)
        desk.faults.set_screen(on=False, locked=True)
        state = await read_state(desk.transport)
        assert state.memory.available_kib == 123 * 1024
        assert state.screen.on is False
        assert state.screen.locked is True
        assert "level: 7" in await desk.sh("dumpsys battery")
        assert "temperature: 445" in await desk.sh("dumpsys battery")
        desk.faults.set_temperature(66.0)
        async with asyncio.timeout(20):
            while await desk.sh("cat /sys/class/thermal/thermal_zone0/temp") != "66000":
                await SystemClock().sleep(0.1)


async def test_a_port_stays_the_phones_while_its_cable_is_out(tmp_path: Path) -> None:
    async with desk_with(PhoneSpec(), tmp_path) as desk:
        port = int(desk.phone.address.rpartition(":")[2])
        await desk.faults.cable_out()
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", port))
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        await desk.faults.cable_in()
        await desk.connected()
