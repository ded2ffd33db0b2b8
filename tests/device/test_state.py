from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devicehub import procs
from devicehub.android.battery import Battery
from devicehub.android.cpufreq import Clocks
from devicehub.android.meminfo import Memory
from devicehub.device.probe import read_end_state, read_state
from devicehub.device.state import EndState, PhoneState, parse_end_state, parse_state, state_script

if TYPE_CHECKING:
    from pathlib import Path

    from tests.deploy.conftest import OnePhone

DIVIDER = re.findall(r"--devicehub-\w+--", state_script("/data"))[0]

ANSWERS = (
    "mtp,adb",
    "mtp,adb",
    "",
    "connected=true",
    "mWakefulness=Asleep",
    "mDreamingLockscreen=true",
    "AC powered: false\nUSB powered: false\nlevel: 40",
    "MemTotal: 8000000 kB\nMemAvailable: 3000000 kB",
    "Filesystem 1K-blocks Used Available Use% Mounted on\n/dev/dm-6 113021856 61234876 51655908 55% /data",
    "build=google/shiba/shiba:14/AP1A.240405.002/11480754:user/release-keys\npatch=2024-04-05",
    "online=0-7\npolicy0/related_cpus=0 1 2 3\npolicy0/scaling_governor=walt\npolicy0/scaling_cur_freq=61",
    "current_speed=high-speed\nmaximum_speed=super-speed-plus",
    "16384",
    "Features\t: fp asimd fphp asimdhp asimddp i8mm",
    "/vendor/lib64/libOpenCL.so\nend",
    "qemu-user is not installed",
)


def answer(*parts: str) -> bytes:
    return f"\n{DIVIDER}\n".join(parts).encode()


def test_every_part_of_the_answer_finds_its_place() -> None:
    state = parse_state(answer(*ANSWERS))
    assert state.usb.functions == frozenset({"mtp"})
    assert state.usb.connected is True
    assert (state.screen.on, state.screen.locked) == (False, True)
    assert state.battery == Battery(level_percent=40, plugged=False)
    assert state.memory == Memory(8000000, 3000000)
    assert (state.capacity_bytes, state.free_bytes) == (113021856 * 1024, 51655908 * 1024)
    assert state.build == "google/shiba/shiba:14/AP1A.240405.002/11480754:user/release-keys"
    assert (state.security_patch, state.cpus_online) == ("2024-04-05", "0-7")
    assert state.clusters == {"policy0": Clocks(cpus="0-3", governor="walt", khz=61)}
    assert (state.usb_mbit_s, state.usb_most_mbit_s) == (480, 10_000)
    assert state.page_size == 16384
    assert state.cpu_features == frozenset({"fp", "asimd", "fphp", "asimdhp", "asimddp", "i8mm"})
    assert state.opencl == ("/vendor/lib64/libOpenCL.so",)
    assert state.no_arm64 == "qemu-user is not installed"


def test_script_asks_for_as_many_parts_as_are_read() -> None:
    assert state_script("/data").count(DIVIDER) == len(ANSWERS) - 1


def test_answer_that_was_cut_leaves_the_rest_unknown() -> None:
    state = parse_state(answer(*ANSWERS[:5]))
    assert state.screen.on is False
    assert (state.screen.locked, state.memory, state.free_bytes) == (None, Memory(), None)
    assert (state.page_size, state.cpu_features, state.opencl) == (None, None, None)
    assert state.no_arm64 is None


def test_phone_without_any_opencl_library_has_said_so() -> None:
    state = parse_state(answer(*ANSWERS[:-4], "getconf: not found", "", "end"))
    assert (state.page_size, state.cpu_features, state.opencl) == (None, None, ())


async def test_a_virtual_phone_tells_its_state(phone: OnePhone) -> None:
    state = await read_state(phone.transport)
    assert state.usb.functions is not None
    assert state.battery.level_percent is not None
    assert state.memory.available_kib is not None
    assert state.free_bytes is not None
    assert state.build is not None
    assert state.security_patch is not None
    assert state.cpus_online is not None
    assert all(clocks.governor and clocks.cpus and clocks.cap_khz for clocks in state.clusters.values())
    assert len(state.clusters) > 1
    assert state.opencl is not None


async def test_a_virtual_phone_tells_how_it_ended(phone: OnePhone) -> None:
    end = await read_end_state(phone.transport)
    assert (end.screen.on, end.screen.locked, end.plugged) == (True, False, True)


def test_end_that_was_cut_leaves_the_lock_unknown() -> None:
    end = parse_end_state(b"  mWakefulness=Dozing\n  mIsPowered=false\n")
    assert (end.screen.on, end.screen.locked, end.plugged) == (False, None, False)


@pytest.mark.parametrize("shell", ["sh", "mksh", "bash"])
@pytest.mark.parametrize(
    "folders", [("cpufreq/policy0", "cpufreq/policy4"), ("cpu0/cpufreq", "cpu4/cpufreq")]
)
async def test_clocks_of_kernels_with_policies_and_of_older_ones(
    tmp_path: Path, shell: str, folders: tuple[str, str]
) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    cpu = tmp_path / "sys/devices/system/cpu"
    for folder in folders:
        (cpu / folder).mkdir(parents=True)
    (cpu / "online").write_text("0-7\n")
    (cpu / folders[0] / "scaling_max_freq").write_text("1800000\n")
    (cpu / folders[1] / "scaling_governor").write_text("walt\n")
    (tmp_path / "sys/class/udc/a.dwc3").mkdir(parents=True)
    (tmp_path / "sys/class/udc/a.dwc3/current_speed").write_text("super-speed\n")
    script = state_script("/").replace("/sys/", f"{tmp_path}/sys/")
    done = await procs.run([shell, "-c", script], timeout_s=60)
    state = parse_state(done.stdout)
    first, second = (folder.replace("cpufreq", "").strip("/") for folder in folders)
    assert state.clusters == {first: Clocks(cap_khz=1_800_000), second: Clocks(governor="walt")}
    assert (state.cpus_online, state.usb_mbit_s) == ("0-7", 5000)


@given(st.binary())
def test_any_end(output: bytes) -> None:
    assert isinstance(parse_end_state(output), EndState)


@given(st.binary())
def test_any_answer(output: bytes) -> None:
    assert isinstance(parse_state(output), PhoneState)
