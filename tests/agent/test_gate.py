"""A launch that waits for a cool phone, under each shell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from devicehub.runner.contract import Command, Gate, RunSpec
from devicehub.runner.exits import parse_fields
from tests.agent.local_phone import put, sh

if TYPE_CHECKING:
    from tests.agent.local_phone import LocalPhone

ZONE = "class/thermal/thermal_zone0"
CAP = "devices/system/cpu/cpufreq/policy0/scaling_max_freq"
THERMAL = """Thermal Status: {status}
Cached temperatures:
	Temperature{{mValue=99.0, mType=3, mName=skin, mStatus=0}}
Current temperatures from HAL:
	Temperature{{mValue=61.0, mType=0, mName=CPU0, mStatus=0}}
	Temperature{{mValue={skin}, mType=3, mName=skin-1, mStatus=0}}
Current cooling devices from HAL:
"""


def gated(phone: LocalPhone, *, zone: str = "skin", cap_s: int = 600, launches: int = 1) -> RunSpec:
    command = Command(sh(phone, "echo said"), cwd=f"{phone.root}/work/w1", gated=True)
    return RunSpec("r1", [command] * launches, gate=Gate(35_000, zone, cap_s))


def dumpsys(phone: LocalPhone, service: str, text: str) -> None:
    folder = phone.folder / "dumpsys"
    folder.mkdir(exist_ok=True)
    (folder / service).write_text(text)


async def later(phone: LocalPhone) -> None:
    """Let the gate look once, then time passes on the phone."""
    await phone.script("sleep 1")
    (phone.folder / "proc/uptime").write_text("34560300.25 99999999.50\n")


async def test_waits_until_the_zone_has_cooled(phone: LocalPhone) -> None:
    put(phone, f"{ZONE}/type", "skin-therm")
    put(phone, f"{ZONE}/temp", "41200")
    run = phone.prepare(gated(phone))
    await phone.start("r1")
    await later(phone)
    assert not (run / "1/pid").exists()
    await phone.wait_for(run / "gate")
    status = parse_fields((await phone.ctl("status", "r1")).stdout)
    assert [status[key] for key in ("state", "waiting", "gate_zone", "gate_temp_mc", "gate_limit_mc")] == [
        "running",
        "gate",
        "skin-therm",
        "41200",
        "35000",
    ]
    put(phone, f"{ZONE}/temp", "34900")
    await phone.finished("r1")
    [end] = phone.end().launches
    assert (end.gate_timed_out, end.gate_temp_mc, end.gate_zone) == (False, 34_900, "skin-therm")
    assert end.gate_waited_s is not None
    assert end.gate_waited_s > 1
    assert not (run / "gate").exists()


async def test_goes_on_when_its_time_is_up_and_says_so(phone: LocalPhone) -> None:
    put(phone, f"{ZONE}/type", "battery")
    put(phone, f"{ZONE}/temp", "41")
    run = phone.prepare(gated(phone, zone="battery", cap_s=60))
    await phone.start("r1")
    await later(phone)
    await phone.finished("r1")
    [end] = phone.end().launches
    assert (end.gate_timed_out, end.gate_temp_mc, end.gate_zone) == (True, 41_000, "battery")
    assert (run / "1/stdout").read_text() == "said\n"


async def test_a_stop_ends_the_wait_and_begins_nothing(phone: LocalPhone) -> None:
    put(phone, f"{ZONE}/type", "skin-therm")
    put(phone, f"{ZONE}/temp", "41200")
    run = phone.prepare(gated(phone))
    await phone.start("r1")
    await phone.script("sleep 1")
    await phone.ctl("stop", "r1")
    end = await phone.finished("r1")
    assert (end["cause"], (run / "1/pid").exists()) == ("stopped", False)


async def test_a_fallen_cap_is_waited_for(phone: LocalPhone) -> None:
    put(phone, CAP.replace("max", "cur"), "1000000")
    put(phone, CAP, "1800000")
    phone.prepare(
        RunSpec(
            "r1",
            [
                Command(
                    sh(phone, f"echo 1000000 >{phone.folder}/sys/{CAP}"),
                    cwd=f"{phone.root}/work/w1",
                    gated=True,
                )
            ]
            * 2,
            gate=Gate(35_000, "skin", 60),
        )
    )
    await phone.start("r1")
    await phone.wait_for(phone.run_dir("r1") / "1/exit")
    await later(phone)
    await phone.finished("r1")
    ends = phone.end().launches
    assert [(end.gate_throttled, end.gate_timed_out) for end in ends] == [(False, False), (True, True)]


async def test_a_cap_that_the_warm_up_lowered_is_waited_for(phone: LocalPhone) -> None:
    put(phone, CAP.replace("max", "cur"), "1000000")
    put(phone, CAP, "1800000")
    work = f"{phone.root}/work/w1"
    warm_up = Command(sh(phone, f"echo 1000000 >{phone.folder}/sys/{CAP}"), cwd=work)
    measured = Command(sh(phone, "echo said"), cwd=work, gated=True)
    phone.prepare(RunSpec("r1", [warm_up, measured], gate=Gate(35_000, "skin", 0)))
    await phone.start("r1")
    await phone.finished("r1")
    end = phone.end().launches[1]
    assert (end.gate_throttled, end.gate_timed_out) == (True, True)


@pytest.mark.parametrize(
    ("status", "skin", "timed_out", "temp_mc"),
    [
        (0, "34.8", False, 34_800),
        (0, "35.1", True, 35_100),
        (2, "30.0", True, 30_000),
        (1, "0.5", False, 500),
    ],
)
async def test_a_phone_whose_zones_are_closed_is_asked_by_dumpsys(
    phone: LocalPhone, status: int, skin: str, timed_out: bool, temp_mc: int
) -> None:
    dumpsys(phone, "thermalservice", THERMAL.format(status=status, skin=skin))
    phone.prepare(gated(phone, cap_s=60))
    await phone.start("r1")
    await later(phone)
    await phone.finished("r1")
    [end] = phone.end().launches
    assert (end.gate_timed_out, end.gate_temp_mc, end.gate_zone) == (timed_out, temp_mc, "skin-1")
    assert end.gate_throttled is (status >= 2)


async def test_what_android_8_says_counts(phone: LocalPhone) -> None:
    dumpsys(phone, "hardware_properties", "CPU temperatures: [48.0]\nSkin temperatures: [33.5, 36.5]\n")
    phone.prepare(gated(phone, cap_s=60))
    await phone.start("r1")
    await later(phone)
    await phone.finished("r1")
    [end] = phone.end().launches
    assert (end.gate_timed_out, end.gate_temp_mc) == (True, 36_500)


async def test_a_phone_without_such_a_zone_is_not_held_up(phone: LocalPhone) -> None:
    phone.prepare(gated(phone))
    await phone.start("r1")
    await phone.finished("r1")
    [end] = phone.end().launches
    assert (end.gate_timed_out, end.gate_temp_mc, end.gate_throttled) == (False, None, None)


async def test_services_that_do_not_answer_are_asked_again(phone: LocalPhone) -> None:
    dumpsys(phone, "thermalservice", "")
    dumpsys(phone, "hardware_properties", "")
    run = phone.prepare(gated(phone))
    await phone.start("r1")
    await phone.script("sleep 1")
    assert not (run / "1/pid").exists()
    dumpsys(phone, "thermalservice", THERMAL.format(status=0, skin="30.0"))
    await phone.finished("r1")
    [end] = phone.end().launches
    assert (end.gate_timed_out, end.gate_temp_mc) == (False, 30_000)


async def test_a_cluster_that_comes_online_later_is_no_throttling(phone: LocalPhone) -> None:
    put(phone, "devices/system/cpu/cpufreq/policy4/scaling_cur_freq", "1000000")
    put(phone, "devices/system/cpu/cpufreq/policy4/scaling_max_freq", "2800000")
    cpu = phone.folder / "sys/devices/system/cpu/cpufreq/policy0"
    online = f"mkdir {cpu}; echo 1000000 >{cpu}/scaling_cur_freq; echo 1800000 >{cpu}/scaling_max_freq"
    command = Command(sh(phone, online), cwd=f"{phone.root}/work/w1", gated=True)
    phone.prepare(RunSpec("r1", [command] * 2, gate=Gate(35_000, "skin", 60)))
    await phone.start("r1")
    await phone.finished("r1")
    assert [end.gate_throttled for end in phone.end().launches] == [False, False]


async def test_kernels_without_policies_tell_their_caps_by_processor(phone: LocalPhone) -> None:
    put(phone, "devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", "1000000")
    put(phone, "devices/system/cpu/cpu0/cpufreq/scaling_max_freq", "1800000")
    cap = f"{phone.folder}/sys/devices/system/cpu/cpu0/cpufreq/scaling_max_freq"
    command = Command(sh(phone, f"echo 900000 >{cap}"), cwd=f"{phone.root}/work/w1", gated=True)
    phone.prepare(RunSpec("r1", [command] * 2, gate=Gate(35_000, "skin", 60)))
    await phone.start("r1")
    await phone.wait_for(phone.run_dir("r1") / "1/exit")
    await later(phone)
    await phone.finished("r1")
    assert [end.gate_throttled for end in phone.end().launches] == [False, True]


async def test_a_phone_that_tells_no_skin_is_judged_by_its_battery(phone: LocalPhone) -> None:
    dumpsys(phone, "thermalservice", "Thermal Status: 0\nCurrent temperatures from HAL:\n")
    dumpsys(phone, "battery", "Current Battery Service state:\n  level: 80\n  temperature: 361\n")
    phone.prepare(gated(phone, cap_s=60))
    await phone.start("r1")
    await later(phone)
    await phone.finished("r1")
    [end] = phone.end().launches
    assert (end.gate_timed_out, end.gate_temp_mc, end.gate_zone) == (True, 36_100, "battery")
