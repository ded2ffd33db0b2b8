"""A phone that warms by a clock of the test's: its files, its services and its engine follow."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING

import pytest

from devicehub.adb.sync import open_sync
from devicehub.clock import SystemClock
from devicehub.demo_model import demo_model_dir
from devicehub.errors import SimError
from devicehub.sim.android.electrics import BatterySpec
from devicehub.sim.android.live import CpuTimes, parse_stat
from devicehub.sim.android.thermal import ThermalSpec
from devicehub.sim.phone import PhoneSpec
from tests.manual_clock import ManualClock
from tests.sim.desk import desk_with
from tests.sim.engine.runs import needs_demo_model

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from devicehub.sim.process.shell import Mode
    from tests.sim.desk import Desk

CPU = "/sys/devices/system/cpu"
POWER = "/sys/class/power_supply/battery"
SKIN = "/sys/class/thermal/thermal_zone13/temp"
MODEL = "/data/local/tmp/model"
WARM = PhoneSpec(mode="portable", thermal=ThermalSpec())


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not holds():
            await SystemClock().sleep(0.02)


def _number(desk: Desk, path: str) -> int:
    return int((desk.phone.root / path.lstrip("/")).read_text())


def _stat(desk: Desk) -> list[CpuTimes]:
    return parse_stat((desk.phone.root / "proc/stat").read_text())


async def test_a_warm_phone_shows_it_everywhere_and_cools_by_the_clock(mode: Mode, tmp_path: Path) -> None:
    clock = ManualClock()
    spec = PhoneSpec(mode=mode, thermal=ThermalSpec())
    async with desk_with(spec, tmp_path, clock=clock) as desk:
        highest = int(await desk.sh(f"cat {CPU}/cpu7/cpufreq/cpuinfo_max_freq"))
        assert await desk.sh(f"cat {SKIN}") == "31800"
        desk.faults.warm_to(42.0)
        await _until(lambda: _number(desk, SKIN) == 42_000)
        told = await desk.sh("dumpsys thermalservice")
        assert "Thermal Status: 2" in told
        assert "mValue=42.0, mType=3, mName=skin" in told
        cap = int(await desk.sh(f"cat {CPU}/cpufreq/policy7/scaling_max_freq"))
        assert cap == pytest.approx(highest * 0.8, rel=0.01)
        assert int(await desk.sh(f"cat {CPU}/cpu0/cpufreq/scaling_max_freq")) < 2_265_600
        # The battery follows more slowly: 60 percent of the way.
        assert "  temperature: 357" in await desk.sh("dumpsys battery")
        clock.advance(100)
        await _until(lambda: _number(desk, SKIN) < 37_000)
        assert "Thermal Status: 0" in await desk.sh("dumpsys thermalservice")
        assert await desk.sh(f"cat {CPU}/cpufreq/policy7/scaling_max_freq") == str(highest)
        clock.advance(10_000)
        await _until(lambda: _number(desk, SKIN) == 31_800)


async def test_android_8_tells_its_warmth_by_the_older_service(tmp_path: Path) -> None:
    spec = PhoneSpec(mode="portable", android=8, thermal=ThermalSpec())
    async with desk_with(spec, tmp_path, clock=ManualClock()) as desk:
        desk.faults.warm_to(41.8)
        assert "Can't find service" in await desk.sh("dumpsys thermalservice 2>&1")
        told = await desk.sh("dumpsys hardware_properties")
        assert "Skin temperatures: [41.8]" in told
        assert "Battery temperatures: [35.6]" in told


@needs_demo_model
async def test_an_engine_at_work_warms_the_phone_and_is_slowed_down_by_it(tmp_path: Path) -> None:
    clock = ManualClock()
    # So low a clock that the host's own noise cannot hide it.
    caps = (1, 1, 0.1, 0.1, 0.1, 0.1, 0.1)
    spec = PhoneSpec(mode="portable", thermal=ThermalSpec(caps=caps, hysteresis_c=8))
    async with desk_with(spec, tmp_path, clock=clock) as desk:
        async with open_sync(desk.transport) as sync:
            for file in demo_model_dir().iterdir():
                await sync.push(file, f"{MODEL}/{file.name}")
            config = json.loads((demo_model_dir() / "config.json").read_bytes())
            config |= {"sampler_type": "greedy", "thread_num": 1}
            await sync.push(json.dumps(config).encode(), f"{MODEL}/config.json")
            await sync.push(b"What is DeviceHub?\n", f"{MODEL}/p.txt")
        demo = f"cd {MODEL} && mnn_engine llm_demo config.json p.txt"
        assert _number(desk, f"{CPU}/cpu7/cpufreq/scaling_cur_freq") == 480_000
        cool = await desk.sh(f"{demo} 12", timeout_s=120)
        # It waits for its user to say something.
        chat = f"cd {MODEL}; sleep 1205 | mnn_engine llm_demo config.json"
        await desk.sh(f"setsid sh -c '{chat}' </dev/null >/dev/null 2>&1 &")
        physics = desk.phone.system.physics
        assert physics is not None
        await _until(lambda: physics.load == 1)
        idle = [cpu.idle for cpu in _stat(desk)]
        await _until(lambda: _stat(desk)[0].idle > idle[0] + 20)
        assert _stat(desk)[7].idle == idle[7]  # the engine has one core to itself, whatever the host does
        await _until(lambda: _number(desk, f"{CPU}/cpu7/cpufreq/scaling_cur_freq") > 3_000_000)
        clock.advance(200)
        assert desk.phone.thermal.status >= 2
        desk.faults.kill("1205")
        await desk.faults.when_gone("llm_demo")
        await _until(lambda: (desk.phone.system.sockets / "pace").read_text() == "0.1\n")
        warm = await desk.sh(f"{demo} 12", timeout_s=120)
        texts = [re.split("prompt file is|####", said)[1] for said in (cool, warm)]
        assert texts[0] == texts[1]
        for name in ("prefill", "decode"):
            speeds = [float(said.partition(f"{name} speed = ")[2].split()[0]) for said in (cool, warm)]
            assert speeds[1] < speeds[0] / 2


async def test_a_battery_empties_in_time_and_tells_it_in_its_files(mode: Mode, tmp_path: Path) -> None:
    clock = ManualClock()
    spec = PhoneSpec(mode=mode, plugged=False, battery=BatterySpec(idle_ma=500, capacity_mah=4000))
    async with desk_with(spec, tmp_path, clock=clock) as desk:
        assert await desk.sh(f"cat {POWER}/current_now {POWER}/status") == "-500000\nDischarging"
        assert "USB powered: false" in await desk.sh("dumpsys battery")
        clock.advance(3600)
        await _until(lambda: _number(desk, f"{POWER}/capacity") == 68)
        assert "  level: 68" in await desk.sh("dumpsys battery")
        assert desk.phone.battery.drawn_j == pytest.approx(
            0.5 * 3600 * desk.phone.battery.voltage_v, rel=0.05
        )
        desk.faults.set_battery(level=30, plugged=True)
        assert desk.phone.battery.status == "Not charging"
        assert "  level: 30" in await desk.sh("dumpsys battery")


async def test_a_phone_without_these_hides_its_battery_and_refuses_to_be_warmed(tmp_path: Path) -> None:
    async with desk_with(PhoneSpec(mode="portable"), tmp_path) as desk:
        assert "No such file" in await desk.sh(f"cat {POWER}/current_now 2>&1")
        with pytest.raises(SimError, match="make it with thermal"):
            desk.faults.warm_to(40)
        with pytest.raises(SimError, match="make it with battery"):
            assert desk.phone.battery.percent


async def test_the_usb_port_tells_its_speed_while_the_cable_is_in(tmp_path: Path) -> None:
    async with desk_with(PhoneSpec(mode="portable"), tmp_path) as desk:
        assert await desk.sh("cat /sys/class/udc/*/current_speed") == "high-speed"
        await desk.background("1204")
        await desk.faults.cable_out()
        file = desk.phone.root / "sys/class/udc/a600000.dwc3/current_speed"
        await _until(lambda: file.read_text() == "UNKNOWN\n")
    async with desk_with(PhoneSpec(mode="portable", usb_speed=None), tmp_path) as desk:
        assert await desk.sh("cat /sys/class/udc/*/current_speed 2>/dev/null") == ""


async def test_the_build_is_named_with_its_security_patch(tmp_path: Path) -> None:
    async with desk_with(PhoneSpec(mode="portable"), tmp_path) as desk:
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", await desk.sh("getprop ro.build.version.security_patch"))
        assert await desk.sh("getprop ro.build.fingerprint")
        assert await desk.sh(f"cat {CPU}/cpufreq/policy0/scaling_governor") == "walt"
