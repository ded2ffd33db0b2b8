"""The script that an idle phone is asked to run, under the shells that phones and hosts have."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Final

import pytest

from devicehub import procs
from devicehub.fleet.watch_script import SLOW_EVERY, WATCH_SCRIPT
from devicehub.telemetry.battery import charge_of
from devicehub.telemetry.reading import ReadingMaker
from devicehub.telemetry.sample import SampleReader
from tests.agent.local_phone import SHELLS

if TYPE_CHECKING:
    from pathlib import Path

    from devicehub.telemetry.sample import Sample

_FILES: Final = {
    "proc/uptime": "2906.77 11000.10\n",
    "proc/stat": "cpu  100 0 50 850 0 0 0 0 0 0\ncpu0 100 0 50 850 0 0 0 0 0 0\nintr 1 2 3\n",
    "proc/meminfo": "MemTotal:    7600000 kB\nMemFree:  100 kB\nMemAvailable:  5400000 kB\nBuffers: 1 kB\n",
    "sys/devices/system/cpu/cpufreq/policy0/scaling_cur_freq": "300000\n",
    "sys/devices/system/cpu/cpufreq/policy0/scaling_max_freq": "1804800\n",
    "sys/devices/system/cpu/cpufreq/policy4/scaling_cur_freq": "<unknown>\n",
    "sys/class/thermal/thermal_zone0/type": "cpu-0-0\n",
    "sys/class/thermal/thermal_zone0/temp": "41000\n",
    "sys/class/thermal/thermal_zone1/type": "xo-therm\n",
    "sys/class/thermal/thermal_zone1/temp": "33500\n",
    "sys/class/thermal/thermal_zone2/type": "a name of words\n",
    "sys/class/thermal/thermal_zone2/temp": "99000\n",
    "sys/class/thermal/thermal_zone3/type": "skin-of-no-sensor\n",
    "sys/class/thermal/thermal_zone3/temp": "\n",
    "sys/class/kgsl/kgsl-3d0/gpu_busy_percentage": "12 %\n",
    "sys/class/kgsl/kgsl-3d0/gpuclk": "257000000\n",
}
_DUMPSYS: Final = """#!/bin/sh
echo "Current Battery Service state:"
echo "  AC powered: false"
echo "  status: 2"
echo "  level: 97"
echo "  temperature: 310"
echo "  pad level: -1"
"""
_DF: Final = """#!/bin/sh
echo "Filesystem     1K-blocks     Used Available Use% Mounted on"
echo "/dev/block/dm-6 113021856 61234876  51655908  55% /data/user/0"
"""


async def _told(folder: Path, shell: str, *, looks: int = 2) -> list[Sample]:
    """What the script tells until so many looks are over."""
    (folder / "bin").mkdir()
    programs = {
        "dumpsys": _DUMPSYS,
        "df": _DF,
        "timeout": '#!/bin/sh\nshift\nexec "$@"\n',
        "sleep": f"#!/bin/sh\necho x >>{folder}/looks\n[ $(grep -c x {folder}/looks) -lt {looks} ]\n",
        "printf": None,
        "grep": None,
        "sh": None,
    }
    for name, text in programs.items():
        if text is None:
            (folder / "bin" / name).symlink_to(shutil.which(name) or "/nowhere")
        else:
            (folder / "bin" / name).write_text(text)
            (folder / "bin" / name).chmod(0o755)
    done = await procs.run(
        [shutil.which(SHELLS[shell][0]) or shell, "-c", WATCH_SCRIPT],
        timeout_s=60,
        env={
            "PATH": str(folder / "bin"),
            "DEVICEHUB_PROC": str(folder / "proc"),
            "DEVICEHUB_SYS": str(folder / "sys"),
        },
    )
    assert done.stderr == b""
    return list(SampleReader().feed(done.stdout))


def _lay(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture(params=sorted(SHELLS))
def shell(request: pytest.FixtureRequest) -> str:
    name = str(request.param)
    if shutil.which(SHELLS[name][0]) is None:
        pytest.skip(f"{name} is not installed")
    return name


async def test_a_phone_tells_all_that_it_lets_be_read(tmp_path: Path, shell: str) -> None:
    _lay(tmp_path, _FILES)
    samples = await _told(tmp_path, shell)
    assert [sample.lane for sample in samples] == ["fast", "battery", "space", "fast"]
    fast, battery, space, _ = samples
    assert fast.uptime_s == 2906.77
    assert fast.group("khz") == {"policy0": 300_000}
    assert fast.group("cap") == {"policy0": 1_804_800}
    assert fast.temps_mc() == {"xo-therm": 33_500}
    assert fast.values["gpu.busy"] == "12 %"
    assert charge_of(battery) == "charging"
    maker = ReadingMaker()
    for sample in (fast, battery, space):
        reading = maker.take(sample, wall_s=1.0, run=None)
    assert (reading.temp_mc, reading.zone) == (33_500, "xo-therm")
    assert (reading.mem_available_kib, reading.mem_total_kib) == (5_400_000, 7_600_000)
    assert (reading.battery_percent, reading.charging, reading.storage_free_kib) == (97, True, 51_655_908)


async def test_a_battery_that_can_be_read_needs_no_dumpsys(tmp_path: Path, shell: str) -> None:
    power = "sys/class/power_supply/battery"
    _lay(
        tmp_path, {f"{power}/capacity": "81\n", f"{power}/temp": "305\n", f"{power}/status": "Not charging\n"}
    )
    samples = await _told(tmp_path, shell)
    assert [sample.lane for sample in samples] == ["fast", "space", "fast"]
    assert samples[0].values == {
        "battery.capacity": "81",
        "battery.temp": "305",
        "battery.status": "Not charging",
    }


async def test_programs_are_asked_now_and_then(tmp_path: Path, shell: str) -> None:
    _lay(tmp_path, {"proc/uptime": "1.00 1.00\n"})
    samples = await _told(tmp_path, shell, looks=SLOW_EVERY + 1)
    assert [sample.lane for sample in samples].count("space") == 2
    assert [sample.lane for sample in samples].count("fast") == SLOW_EVERY + 1


async def test_it_ends_when_nobody_reads_it_any_more(tmp_path: Path, shell: str) -> None:
    _lay(tmp_path, _FILES)
    argv = [SHELLS[shell][0], "-c", f"({WATCH_SCRIPT}) | head -n 1; echo over"]
    env = {"PATH": "/usr/bin:/bin", "DEVICEHUB_PROC": f"{tmp_path}/proc", "DEVICEHUB_SYS": f"{tmp_path}/sys"}
    done = await procs.run(argv, timeout_s=60, env=env)
    assert done.stdout.endswith(b"over\n")
