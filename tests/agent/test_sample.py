"""What sample.sh reads, and what it leaves out."""

from __future__ import annotations

import os
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


async def sampled(phone: LocalPhone, *lanes: str, seconds: str = "1.5") -> list[Sample]:
    """The samples of a run that lasts so long, and until there are lines of these lanes."""
    samples = phone.run_dir("r1") / "samples"
    until = "".join(f"until grep -q '^{name}' {samples}; do sleep 0.1; done; " for name in lanes)
    run = phone.prepare(spec_of(phone, *sh(phone, f"{until}sleep {seconds}")))
    started = await phone.start("r1")
    assert started.status == 0, started.stderr
    await phone.finished("r1")
    # What a shell says of children that were ended.
    diary = (run / "agent").read_text("utf-8", "replace")
    assert all("Terminated" in line or "Killed" in line for line in diary.splitlines() if line.strip()), diary
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
    samples = await sampled(phone, "fast", "battery", "thermal")
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
    samples = await sampled(phone, "fast")
    fast = lane(samples, "fast")
    assert fast.number("mem_kb") is None
    assert fast.group("khz") == {"cpu0": 998400}
    assert fast.group("battery") == {}
    assert all(set(sample.values) == {"up2"} for sample in samples if sample.lane not in ("head", "fast"))


async def test_the_rate_is_as_asked_and_told_in_the_first_line(phone: LocalPhone) -> None:
    run = phone.prepare(spec_of(phone, *sh(phone, "sleep 3"), sample_hz=5))
    await phone.start("r1")
    await phone.finished("r1")
    samples = list(SampleReader().feed((run / "samples").read_bytes()))
    assert (samples[0].lane, samples[0].number("period")) == ("head", 0.2)
    assert samples[0].values["slow"] == "battery,heat"
    # At 1 Hz there were five at the most.
    assert sum(sample.lane == "fast" for sample in samples) > 6


async def test_gpu_load_and_clock_are_told_where_a_driver_shows_them(phone: LocalPhone) -> None:
    put(phone, "class/kgsl/kgsl-3d0/gpubusy", "")
    put(phone, "kernel/ged/hal/gpu_utilization", "37 0 63")
    put(phone, "class/misc/mali0/device/cur_freq", "848000")
    put(phone, "class/power_supply/battery/capacity", "80")
    put(phone, "class/power_supply/battery/status", "Not charging")
    fast = lane(await sampled(phone, "fast"), "fast")
    assert fast.values["gpu.busy"] == "37 0 63"
    assert fast.number("gpu.clock") == 848000
    assert fast.values["battery.status"] == "Not charging"


async def test_an_older_thermal_service_is_asked_where_the_newer_one_is_missing(phone: LocalPhone) -> None:
    (phone.folder / "dumpsys/hardware_properties").write_text(
        "****** Dump of HardwarePropertiesManagerService ******\n"
        "CPU temperatures: [38.0, 39.5]\n"
        "CPU throttling temperatures: [95.0, 95.0]\n"
        "GPU temperatures: []\n"
        "Battery temperatures: [31.0]\n"
        "Skin temperatures: [-3.4028235E38]\n"
        "Fan speed: []\n"
    )
    hardware = lane(await sampled(phone, "hardware"), "hardware")
    assert hardware.group("hal") == {"CPU0": 38.0, "CPU1": 39.5, "Battery0": 31.0}
    assert hardware.temps_mc() == {"CPU0": 38000, "CPU1": 39500, "Battery0": 31000}


async def test_the_workload_of_each_launch_is_watched_and_an_app_where_it_is_named(phone: LocalPhone) -> None:
    run = phone.prepare(spec_of(phone, *sh(phone, "sleep 2; echo"), launches=2, sample_hz=5))
    await phone.start("r1")
    await phone.wait_for(run / "1/pid")
    # This test's own process is the app: no shell is as large.
    (run / "1/watch").write_text(f"{os.getpid()} 1\n")
    await phone.finished("r1")
    rss = [sample.number("rss_kb") for sample in SampleReader().feed((run / "samples").read_bytes())]
    sizes = [size for size in rss if size is not None]
    assert max(sizes) > 30_000
    assert sizes[-1] < 30_000
