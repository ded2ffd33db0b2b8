"""What the phone was asked before and after a run, beside its samples."""

from __future__ import annotations

from devicehub.android.screen import Screen
from devicehub.device.state import EndState
from devicehub.runs.model import Conditions
from devicehub.runs.start import CpuCluster, Link, StartState
from devicehub.telemetry.stamp import stamp

START = StartState(
    build="a/b/c:14/X/1:user/release-keys",
    clusters={"policy0": CpuCluster(governor="walt")},
    usb_functions=[],
    external_power="none",
    charge="discharging",
    battery_percent=61,
    battery_temp_mc=28_000,
    screen_on=True,
    locked=True,
    link=Link(kind="tcp"),
    adb_version="36.0.0",
)


def test_all_that_was_asked_is_stamped() -> None:
    found = stamp(Conditions(), START, EndState(Screen(on=False, locked=True), plugged=True))
    assert (found.build, found.clusters, found.link) == (START.build, START.clusters, START.link)
    assert (found.usb_mode, found.external_power, found.charge) == ("adb only", "none", "discharging")
    assert (found.screen_on_start, found.screen_on_end) == (True, False)
    assert (found.locked_start, found.locked_end, found.plugged_end) == (True, True, True)
    assert found.adb_version == "36.0.0"


def test_samples_count_before_the_battery() -> None:
    sampled = Conditions(
        temp_mc_start=41_000, battery_percent_start=60, skin_zone="skin", skin_mc_start=31_000
    )
    found = stamp(sampled, START, None)
    assert (found.temp_mc_start, found.battery_percent_start) == (41_000, 60)
    assert (found.skin_zone, found.skin_mc_start) == ("skin", 31_000)


def test_battery_stands_for_zones_that_nobody_could_read() -> None:
    found = stamp(Conditions(), START, None)
    assert (found.temp_mc_start, found.battery_percent_start) == (28_000, 61)
    assert (found.skin_zone, found.skin_mc_start, found.skin_mc_highest) == ("battery", 28_000, None)


def test_run_of_an_older_hub_keeps_what_it_has() -> None:
    sampled = Conditions(usb_state="mtp,adb", temp_mc_start=1)
    assert stamp(sampled, None, None) == sampled


def test_charge_of_the_samples_where_the_check_did_not_tell() -> None:
    assert stamp(Conditions(charges=["full", "charging"]), StartState(), None).charge == "full"
