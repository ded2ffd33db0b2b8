"""What of a phone's state goes with its figures."""

from __future__ import annotations

import msgspec
import pytest

from devicehub.android.battery import Battery
from devicehub.android.cpufreq import Clocks
from devicehub.android.screen import Screen
from devicehub.android.usb import Usb
from devicehub.device.link import HostLink
from devicehub.device.state import PhoneState
from devicehub.runs.start import CpuCluster, Link, StartState, start_state

STATE = PhoneState(
    usb=Usb(functions=frozenset({"mtp", "ptp"}), connected=True),
    screen=Screen(on=True, locked=False),
    battery=Battery(
        level_percent=81, temp_mc=29_600, plugged=True, sources=("usb",), charge="full", voltage_mv=4183
    ),
    build="google/shiba/shiba:14/AP1A.240405.002/11480754:user/release-keys",
    security_patch="2024-04-05",
    cpus_online="0-3",
    clusters={"policy0": Clocks("0-3", "walt", 614_400, 300_000, 1_800_000, 2_400_000)},
    usb_mbit_s=480,
    usb_most_mbit_s=10_000,
    power_saver=False,
)


def test_all_of_it_is_kept_with_the_header() -> None:
    start = start_state(STATE, HostLink("usb", 480, None, "adb server", "36.0.0"))
    assert start == StartState(
        build=STATE.build,
        security_patch="2024-04-05",
        cpus_online="0-3",
        clusters={
            "policy0": CpuCluster(
                cpus="0-3",
                governor="walt",
                khz=614_400,
                lowest_khz=300_000,
                cap_khz=1_800_000,
                most_khz=2_400_000,
            )
        },
        usb_functions=["mtp", "ptp"],
        usb_connected=True,
        external_power="usb",
        charge="full",
        battery_percent=81,
        battery_temp_mc=29_600,
        battery_mv=4183,
        power_saver=False,
        screen_on=True,
        locked=False,
        link=Link(kind="usb", mbit_s=480, most_mbit_s=10_000, told_by="adb server"),
        adb_version="36.0.0",
    )
    assert msgspec.json.decode(msgspec.json.encode(start), type=StartState) == start


def test_nothing_is_known_of_a_silent_phone() -> None:
    assert start_state(PhoneState()) == StartState()


@pytest.mark.parametrize(
    ("battery", "power"),
    [
        (Battery(), None),
        (Battery(plugged=False), "none"),
        (Battery(plugged=True), "other"),
        (Battery(plugged=True, sources=("ac", "wireless")), "ac+wireless"),
    ],
)
def test_power_from_outside(battery: Battery, power: str | None) -> None:
    assert start_state(PhoneState(battery=battery)).external_power == power


def test_cable_to_a_charger_is_no_link() -> None:
    assert start_state(STATE, HostLink("tcp")).link == Link(kind="tcp")


def test_phone_tells_its_speed_where_the_host_cannot() -> None:
    link = start_state(STATE, HostLink("usb")).link
    assert link == Link(kind="usb", mbit_s=480, most_mbit_s=10_000, told_by="phone")
