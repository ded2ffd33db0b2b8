"""Clocks of processors as phones' kernels tell them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devicehub.android.cpufreq import FILES, Clocks, parse_clocks, parse_cpu_list
from tests.shared_data import SHARED_DATA, needs_shared_data

FOLDER = re.compile(r"^==> /sys/devices/system/cpu/(cpu\d+)/cpufreq/(\w+) <==\n(.*)$", re.MULTILINE)


def test_two_clusters() -> None:
    found = parse_clocks(
        "policy4/related_cpus=4 5 6 7\npolicy4/scaling_governor=schedutil\npolicy4/scaling_max_freq=1900800\n"
        "policy4/cpuinfo_max_freq=2419200\npolicy4/scaling_min_freq=710400\n"
        "policy0/related_cpus=0 1 2 3\r\npolicy0/scaling_cur_freq=614400\r\n"
    )
    assert list(found) == ["policy0", "policy4"]
    assert found["policy0"] == Clocks(cpus="0-3", khz=614400)
    assert found["policy4"] == Clocks(
        cpus="4-7", governor="schedutil", lowest_khz=710400, cap_khz=1900800, most_khz=2419200
    )


def test_what_may_not_be_read_is_absent() -> None:
    text = (
        "/system/bin/sh: can't open policy0/scaling_cur_freq: Permission denied\npolicy0/scaling_max_freq=\n"
    )
    assert parse_clocks(text) == {}


@pytest.mark.parametrize("value", ["<unsupported>", "0", "-1", "1e9", "99999999999", "٣"])
def test_clock_that_is_none(value: str) -> None:
    found = parse_clocks(f"policy0/scaling_governor=walt\npolicy0/scaling_cur_freq={value}\n")
    assert found["policy0"] == Clocks(governor="walt")


def test_kernel_with_a_folder_per_core() -> None:
    cores = {0: "0 1", 1: "0 1", 2: "2 3", 3: "2 3"}
    text = "".join(f"cpu{core}/related_cpus={kind}\n" for core, kind in cores.items())
    assert {name: clocks.cpus for name, clocks in parse_clocks(text).items()} == {
        "cpu0": "0-1",
        "cpu2": "2-3",
    }


def test_cores_that_are_not_neighbours() -> None:
    assert parse_clocks("policy0/related_cpus=7 0 2 1\n")["policy0"].cpus == "0-2,7"


@pytest.mark.parametrize(
    ("text", "cpus"), [("0-7\n", "0-7"), ("0-3,5", "0-3,5"), ("0", "0"), ("", None), ("all", None)]
)
def test_list_of_cpus(text: str, cpus: str | None) -> None:
    assert parse_cpu_list(text) == cpus


@needs_shared_data
@pytest.mark.parametrize("name", ["huawei-mate-20", "oneplus-5t", "oppo-r15", "pixel-8"])
def test_clocks_of_real_phones(name: str) -> None:
    assert SHARED_DATA is not None
    text = (SHARED_DATA / f"telemetry/cpufreq/{name}.sysfs-cpu.txt").read_text()
    asked = "".join(
        f"{cpu}/{file}={content}\n" for cpu, file, content in FOLDER.findall(text) if file in FILES
    )
    found = parse_clocks(asked)
    assert len({clocks.cpus for clocks in found.values()}) >= 2
    assert any(clocks.most_khz for clocks in found.values())


@given(st.text())
def test_any_text(text: str) -> None:
    for clocks in parse_clocks(text).values():
        assert clocks != Clocks()
    parse_cpu_list(text)
