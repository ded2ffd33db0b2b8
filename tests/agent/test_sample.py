"""What sample.sh reads, and what it leaves out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devicehub.telemetry.sample import Sample, SampleReader
from tests.agent.local_phone import put, sh, spec_of

if TYPE_CHECKING:
    from tests.agent.local_phone import LocalPhone

BATTERY = """Current Battery Service state:
  AC powered: false
  status: 3
  level: 97
  scale: 100
  pad level: -1
  voltage: 4183
  temperature: 310
"""
THERMAL = """IsStatusOverride: false
Thermal Status: 2
Cached temperatures:
\tTemperature{mValue=99.0, mType=3, mName=skin, mStatus=0}
HAL Ready: true
Current temperatures from HAL:
\tTemperature{mValue=38.2, mType=3, mName=skin, mStatus=0}
\tTemperature{mValue=41.0, mType=0, mName=CPU0, mStatus=0}
\tTemperature{mValue=1.0, mType=0, mName=odd name, mStatus=0}
Current cooling devices from HAL:
\tCoolingDevice{mValue=0, mType=2, mName=Temperature{mValue=7, mName=fan}
"""


async def sampled(phone: LocalPhone, seconds: str = "1.5") -> list[Sample]:
    run = phone.prepare(spec_of(phone, *sh(phone, f"sleep {seconds}")))
    started = await phone.start("r1")
    assert started.status == 0, started.stderr
    await phone.finished("r1")
    assert (run / "agent").read_text("utf-8", "replace").replace("Terminated", "").strip() == ""
    return list(SampleReader().feed((run / "samples").read_bytes()))


def lane(samples: list[Sample], name: str) -> Sample:
    return next(sample for sample in samples if sample.lane == name)


async def test_a_phone_that_shows_everything_is_not_asked_by_dumpsys(phone: LocalPhone) -> None:
    (phone.folder / "dumpsys/battery").write_text(BATTERY)
    for key, value in {
        "capacity": "80",
        "temp": "296",
        "current_now": "-4100000",
        "voltage_now": "4183",
    }.items():
        put(phone, f"class/power_supply/battery/{key}", value)
    zones = [
        "battery",
        "cpu-0-0",
        "gpuss-0",
        "soc",
        "pm8550-bcl-lvl0",
        "odd zone",
        "cpu-0-1",
        "cpu-1-0",
        "cpu-1-1",
    ]
    for number, name in enumerate(zones):
        put(phone, f"class/thermal/thermal_zone{number}/type", name)
        put(phone, f"class/thermal/thermal_zone{number}/temp", str(30_000 + number))
    put(phone, "class/thermal/thermal_zone9/type", "skin-therm")
    put(phone, "class/thermal/thermal_zone9/temp", "")
    put(phone, "devices/system/cpu/cpufreq/policy0/scaling_cur_freq", "1017600")
    put(phone, "devices/system/cpu/cpufreq/policy0/scaling_max_freq", "2265600")
    samples = await sampled(phone)
    assert {sample.lane for sample in samples} == {"head", "fast"}
    fast = lane(samples, "fast")
    assert fast.uptime_s == 34560000.25
    assert fast.wall_s is not None
    assert set(fast.group("zone")) == {"battery", "cpu-0-0", "gpuss-0", "cpu-0-1", "cpu-1-0"}
    assert fast.group("khz") == {"policy0": 1017600}
    assert fast.group("cap") == {"policy0": 2265600}
    assert fast.group("battery") == {"capacity": 80, "temp": 296, "current": -4100000, "voltage": 4183}
    assert fast.number("mem_kb") == 4123456
    assert fast.values["cpu"].split()[0] == "3456000000"
    assert fast.number("load") == 1.25
    assert any(sample.number("rss_kb") for sample in samples)


async def test_what_only_dumpsys_gives_comes_in_its_own_lanes(phone: LocalPhone) -> None:
    (phone.folder / "dumpsys/battery").write_text(BATTERY)
    (phone.folder / "dumpsys/thermalservice").write_text(THERMAL)
    samples = await sampled(phone, "2.5")
    assert lane(samples, "battery").group("battery") == {
        "capacity": 97, "temp": 310, "voltage": 4183, "status": 3,
    }  # fmt: skip
    thermal = lane(samples, "thermal")
    assert thermal.group("hal") == {"skin": 38.2, "CPU0": 41.0}
    assert thermal.number("status") == 2
    assert lane(samples, "fast").temps_mc() == {}


async def test_an_old_phone_without_anything_is_absent_not_zero(phone: LocalPhone) -> None:
    (phone.folder / "proc/meminfo").write_text("MemTotal: 1918692 kB\nMemFree: 50000 kB\n")
    put(phone, "devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", "998400")
    samples = await sampled(phone)
    fast = lane(samples, "fast")
    assert fast.number("mem_kb") is None
    assert fast.group("khz") == {"cpu0": 998400}
    assert fast.group("battery") == {}
    assert all(set(sample.values) == {"up2"} for sample in samples if sample.lane not in ("head", "fast"))
