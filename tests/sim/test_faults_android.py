"""Faults of Android itself and of its log, as commands on the phone tell them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from devicehub.clock import SystemClock
from devicehub.device.probe import read_state
from devicehub.sim.android.logd import ENTRY
from devicehub.sim.phone import PhoneSpec
from tests.sim.desk import desk_with

if TYPE_CHECKING:
    from pathlib import Path

PORTABLE = PhoneSpec(mode="portable")
CAPTURE = "logcat -b main,system,crash,events -v threadtime -T 1 -f /data/local/tmp/log"


@pytest.mark.parametrize("android", [8, 14])
async def test_the_usb_mode_changes_with_the_cable(android: int, tmp_path: Path) -> None:
    spec = PhoneSpec(mode="confined", usb_mode="mtp", android=android)
    async with desk_with(spec, tmp_path) as desk:
        usb = (await read_state(desk.transport)).usb
        assert (usb.functions, usb.connected) == (frozenset({"mtp"}), True)
        await desk.faults.cable_out()
        assert desk.phone.system.props["sys.usb.state"] == "adb"
        await desk.faults.cable_in()
        await desk.connected()
        assert (await read_state(desk.transport)).usb.functions == frozenset({"mtp"})
        assert "connected" in (await desk.sh("dumpsys usb")).lower()


async def test_services_are_away_while_the_system_server_restarts(tmp_path: Path) -> None:
    async with desk_with(PORTABLE, tmp_path) as desk, asyncio.TaskGroup() as tasks:
        tasks.create_task(desk.faults.system_server_restart(down_s=3))
        await SystemClock().sleep(0)
        assert await desk.sh("dumpsys battery 2>&1") == "Can't find service: battery"
        assert await desk.sh("am get-current-user 2>&1; echo $?") == "cmd: Can't find service: activity\n20"
        assert await desk.sh("getprop ro.serialno") == desk.phone.serialno
        async with asyncio.timeout(30):
            while "level" not in await desk.sh("dumpsys battery 2>/dev/null"):
                await SystemClock().sleep(0.1)


async def test_heat_shows_in_the_thermal_service_with_its_status(tmp_path: Path) -> None:
    async with desk_with(PORTABLE, tmp_path) as desk:
        desk.faults.set_temperature(47.5, zone="skin", status=3)
        told = await desk.sh("dumpsys thermalservice")
        assert "Thermal Status: 3" in told
        assert any("mValue=47.5" in line and "skin" in line.lower() for line in told.splitlines())


async def test_the_kernel_tells_whom_it_took_where_the_build_lets_it_be_read(tmp_path: Path) -> None:
    async with desk_with(PhoneSpec(mode="confined", kernel_log=True), tmp_path) as desk:
        offer = "echo 500 > /proc/self/oom_score_adj; echo $$ > /data/local/tmp/pid; exec sleep 1012"
        await desk.sh(f"setsid sh -c '{offer}' </dev/null >/dev/null 2>&1 &")
        await desk.faults.when_process("sleep 1012")
        # The shell that becomes it has the same words on its command line.
        pid = await desk.sh("until [ -s /data/local/tmp/pid ]; do sleep 0.1; done; cat /data/local/tmp/pid")
        desk.faults.out_of_memory()
        told = await desk.sh("dmesg")
        assert f"Out of memory: Killed process {pid} (" in told
        assert "oom_score_adj:500" in told
        assert "Killed" not in await desk.sh("logcat -d -b main,system,crash")
    async with desk_with(PORTABLE, tmp_path) as desk:
        assert "Permission denied" in await desk.sh("dmesg 2>&1")


async def test_a_burst_is_captured_on_the_phone_or_its_loss_is_told(tmp_path: Path) -> None:
    async with desk_with(PhoneSpec(mode="portable", android=11), tmp_path) as desk:
        await desk.sh(f"setsid {CAPTURE} </dev/null >/dev/null 2>&1 &")
        await desk.faults.when_file("log")
        await desk.faults.log_burst(50_000)
        await desk.faults.log_burst(100, text="the same")
        await desk.sh("log -t end done")
        async with asyncio.timeout(120):
            while "done" not in await desk.sh("tail -n 1 /data/local/tmp/log"):
                await SystemClock().sleep(0.1)
        shown = await desk.sh("grep -c 'burst' /data/local/tmp/log; grep chatty /data/local/tmp/log || true")
        count, *said = shown.splitlines()
        expired = sum(int(line.split(" expire ")[1].split()[0]) for line in said if " expire " in line)
        assert int(count) + expired == 50_000 + 2
        assert any("identical 98 lines" in line for line in said)


async def test_entries_that_never_got_through_are_counted(tmp_path: Path) -> None:
    async with desk_with(PORTABLE, tmp_path) as desk:
        desk.faults.log_loss(2)
        for number in range(4):
            desk.phone.system.log.add_datagram(_datagram(number))
        assert "liblog  : 2" in await desk.sh("logcat -d -b events")
        assert "text 2" in await desk.sh("logcat -d")
        assert "text 1" not in await desk.sh("logcat -d")


async def test_a_reader_that_logd_drops_says_so_and_fails(tmp_path: Path) -> None:
    async with desk_with(PORTABLE, tmp_path) as desk, asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(desk.sh("logcat >/dev/null 2>/data/local/tmp/said; echo $?"))
        await desk.faults.when_process("logcat")
        while not desk.phone.system.log.on_entry:
            await SystemClock().sleep(0.02)
        desk.faults.kick_readers()
        assert await reading == "1"
        assert "Unexpected EOF!" in await desk.sh("cat /data/local/tmp/said")


def _datagram(number: int) -> bytes:
    return ENTRY.pack(4, 7, 7, number) + f"t\0text {number}".encode()
