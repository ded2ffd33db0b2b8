"""One bad phone for each row, beside a good one."""

from dataclasses import replace
from typing import Any

import pytest

from devicehub.adb.wire import DeviceLine
from devicehub.android.battery import Battery
from devicehub.android.meminfo import Memory
from devicehub.android.screen import Screen
from devicehub.android.usb import Usb
from devicehub.device.identify import Identification
from devicehub.device.lifecycle import DeviceState
from devicehub.device.link import HostLink
from devicehub.device.model import Device
from devicehub.device.soc import SocFacts
from devicehub.device.state import PhoneState
from devicehub.doctor.model import Row, Standing
from devicehub.doctor.phone_facts import PhoneFacts, PhoneLook
from devicehub.doctor.phone_judge import Needs, judge_phone
from devicehub.profiles.device_file import Quirks, Switch
from devicehub.units import GIB, MIB

KNOWN = Identification(
    product="Phone 1",
    manufacturer="Maker",
    android="14",
    sdk=34,
    abis=("arm64-v8a",),
    soc=SocFacts(vendor="qualcomm", model="SM8650", name="Snapdragon 8 Gen 3", htp="v75"),
)
STATE = PhoneState(
    usb=Usb(functions=frozenset(), unlocked_functions=frozenset()),
    screen=Screen(on=True, timeout_s=60.0),
    battery=Battery(level_percent=80, temp_mc=30_000, plugged=True),
    memory=Memory(total_kib=12 << 20, available_kib=8 << 20),
    capacity_bytes=200 * GIB,
    free_bytes=100 * GIB,
    power_saver=False,
    page_size=4096,
    opencl=("/vendor/lib64/libOpenCL.so",),
)
FACTS = PhoneFacts(
    state=STATE,
    whole=True,
    wall_s=1000,
    thermal_status=0,
    settings={"stay_on_while_plugged_in": "7", "verifier_verify_adb_installs": "0"},
    dsp=("/vendor/lib64/libcdsprpc.so",),
    public_opencl=True,
    booted=True,
    front="com.launcher",
    home="com.launcher",
)
GOOD = PhoneLook(
    Device(
        state=DeviceState.READY,
        transports=(DeviceLine("A1", "device", transport_id=1, devpath="usb:1-4.2"),),
        facts=KNOWN,
    ),
    facts=FACTS,
    link=HostLink("usb", 5000, 5000, "adb server", "36.0.0"),
    features=frozenset({"shell_v2", "stat_v2", "sendrecv_v2", "delayed_ack"}),
    asked_s=999.5,
    answered_s=1001.0,
)
NEEDS = Needs(memory_kib=4 << 20, push_bytes=4 * GIB)
PROBLEM, WARNING, OK = Standing.PROBLEM, Standing.WARNING, Standing.OK


def rows(look: PhoneLook, needs: Needs | None = None) -> dict[str, Row]:
    found = judge_phone(look, needs)
    assert len({row.name for row in found}) == len(found)
    return {row.name: row for row in found}


def with_facts(**change: Any) -> PhoneLook:
    return replace(GOOD, facts=replace(FACTS, **change))


def with_state(**change: Any) -> PhoneLook:
    return with_facts(state=replace(STATE, **change))


def with_device(**change: Any) -> PhoneLook:
    return replace(GOOD, device=replace(GOOD.device, **change))


def listed(state: DeviceState, adb_state: str) -> PhoneLook:
    """A phone that adb lists and that cannot be asked."""
    return PhoneLook(Device(state=state, transports=(DeviceLine("A1", adb_state),)))


def test_a_good_phone_has_nothing_but_ok() -> None:
    found = rows(GOOD, NEEDS)
    assert {row.state for row in found.values()} == {OK}
    assert {row.subject for row in found.values()} == {"A1"}
    assert "v75" in found["HTP"].says
    assert "4295.0 MB to be pushed" in found["storage"].says


BAD: list[tuple[PhoneLook, Needs | None, str, Standing, str, str]] = [
    (with_device(facts=replace(KNOWN, sdk=23, android="6.0")), None, "Android", PROBLEM, "6.0", "Android 8"),
    (
        with_device(facts=replace(KNOWN, abis=("armeabi-v7a",))),
        None,
        "ABI",
        PROBLEM,
        "32-bit",
        "another phone",
    ),
    (with_facts(booted=False), None, "boot", WARNING, "still starting", "wait"),
    (with_state(free_bytes=GIB), NEEDS, "storage", PROBLEM, "are to be pushed", "remove models"),
    (
        with_state(free_bytes=5 * GIB),
        replace(NEEDS, room_bytes=GIB),
        "storage",
        PROBLEM,
        "of which a push may take 1073.7 MB",
        "remove models",
    ),
    (with_state(free_bytes=8 * GIB), NEEDS, "storage", WARNING, "free after the push", "remove models"),
    (with_state(free_bytes=500 * MIB), None, "storage", WARNING, "storage are free", "remove models"),
    (
        with_state(memory=Memory(total_kib=3 << 20, available_kib=1 << 20)),
        NEEDS,
        "memory",
        PROBLEM,
        "in all",
        "smaller model",
    ),
    (
        with_state(memory=Memory(total_kib=8 << 20, available_kib=3 << 20)),
        NEEDS,
        "memory",
        WARNING,
        "memory are free",
        "close other apps",
    ),
    (with_state(opencl=()), None, "OpenCL", WARNING, "no OpenCL library", "profile for the CPU"),
    (with_facts(dsp=()), None, "HTP", WARNING, "HTP v75", "CPU or OpenCL"),
    (with_facts(thermal_status=2), None, "heat", WARNING, "2, moderate", "cool"),
    (with_facts(thermal_status=4), None, "heat", PROBLEM, "4, critical", "cool"),
    (
        with_state(battery=Battery(level_percent=12, temp_mc=30_000, plugged=True)),
        None,
        "battery",
        WARNING,
        "at 12 %",
        "charge",
    ),
    (
        with_state(battery=Battery(level_percent=80, temp_mc=46_000, plugged=True)),
        None,
        "battery",
        WARNING,
        "it is hot",
        "cool",
    ),
    (with_state(power_saver=True), None, "battery saver", WARNING, "battery saver is on", "switch"),
    (
        with_state(battery=Battery(level_percent=80, plugged=False)),
        None,
        "sleep",
        WARNING,
        "on battery",
        "plug it in",
    ),
    (
        with_state(usb=Usb(functions=frozenset({"mtp"}))),
        None,
        "USB mode",
        WARNING,
        "file transfer",
        "No data transfer",
    ),
    (
        replace(GOOD, features=frozenset({"cmd"})),
        None,
        "adb features",
        PROBLEM,
        "shell_v2",
        "another phone",
    ),
    (
        replace(GOOD, link=HostLink("usb", 480, 5000)),
        None,
        "link",
        WARNING,
        "480 Mbit/s, port 1-4.2; the phone could do 5000",
        "USB 3",
    ),
    (
        replace(GOOD, link=HostLink("usb", 480, 480), beside=5),
        None,
        "link",
        WARNING,
        "on a hub with 5 more phones",
        "spread",
    ),
    (
        with_facts(settings={"stay_on_while_plugged_in": "0"}),
        None,
        "stay awake",
        WARNING,
        "screen goes dark",
        "Stay awake",
    ),
    (with_facts(wall_s=1100), None, "clock", WARNING, "99 s ahead", "network"),
    (with_facts(wall_s=0), None, "clock", WARNING, "behind", "network"),
    (with_facts(front="com.game"), None, "foreground", WARNING, "com.game is in front", "Home"),
    (with_facts(whole=False), None, "answer", WARNING, "broke off", "look again"),
]


@pytest.mark.parametrize(("look", "needs", "name", "state", "says", "remedy"), BAD)
def test_a_bad_phone_is_told_with_its_remedy(
    look: PhoneLook, needs: Needs | None, name: str, state: Standing, says: str, remedy: str
) -> None:
    found = rows(look, needs)
    row = found.pop(name)
    assert row.state is state
    assert says in row.says
    assert remedy in (row.remedy or "")
    assert {other.state for other in found.values()} == {OK}


@pytest.mark.parametrize(
    ("look", "says", "remedy"),
    [
        (listed(DeviceState.UNAUTHORIZED, "unauthorized"), "unauthorized", "Allow USB debugging"),
        (listed(DeviceState.OFFLINE, "offline"), "offline", "plug it again"),
        (
            listed(DeviceState.OFFLINE, "no permissions (missing udev rules? user is in the plugdev group)"),
            "no permission",
            "udev",
        ),
        (listed(DeviceState.OFFLINE, "recovery"), "recovery", "adb reboot"),
        (listed(DeviceState.IDENTIFYING, "device"), "identifying", "in a moment"),
        (PhoneLook(Device(state=DeviceState.ABSENT)), "absent", "plug it in"),
        (
            replace(listed(DeviceState.READY, "device"), problem="it does not answer within 30 s"),
            "does not answer",
            "reboot",
        ),
    ],
)
def test_a_phone_that_cannot_be_asked_has_one_row(look: PhoneLook, says: str, remedy: str) -> None:
    [row] = judge_phone(look)
    assert (row.name, row.state) == ("state", PROBLEM)
    assert says in row.says
    assert remedy in (row.remedy or "")


def test_a_phone_in_quarantine_is_looked_at_all_the_same() -> None:
    found = rows(with_device(state=DeviceState.QUARANTINED, quarantine="failed three times"))
    assert found["state"].state is PROBLEM
    assert "--release A1" in (found["state"].remedy or "")
    assert found["battery"].state is OK


def test_nothing_is_said_of_what_a_phone_does_not_tell() -> None:
    look = replace(GOOD, facts=PhoneFacts(whole=True), features=None, link=None)
    assert set(rows(look)) == {"state", "Android", "ABI"}


def test_apps_that_may_not_load_opencl_are_told_of() -> None:
    assert "MnnLlmChat may not load it" in rows(with_facts(public_opencl=False))["OpenCL"].says


def test_a_phone_of_another_maker_has_no_row_for_the_htp() -> None:
    soc = SocFacts(vendor="mediatek", model="MT6989")
    assert "HTP" not in rows(with_device(facts=replace(KNOWN, soc=soc)))


def test_a_clock_within_the_time_of_asking_is_right() -> None:
    assert rows(replace(with_facts(wall_s=999), asked_s=999.9))["clock"].state is OK


def test_a_makers_own_switches_are_told_with_where_they_are() -> None:
    switch = Switch(name="Install via USB", opens="install", asks="a Mi account")
    row = rows(with_device(facts=replace(KNOWN, quirks=Quirks(switches=(switch,)))))["for install"]
    assert row.state is OK
    assert "switch on `Install via USB` in the developer options (a Mi account)" in (row.remedy or "")


def test_this_computer_is_no_phone() -> None:
    line = DeviceLine("local", "device")
    known = replace(KNOWN, abis=("linux-x86_64",), sdk=None)
    [row] = judge_phone(PhoneLook(Device(state=DeviceState.READY, transports=(line,), facts=known)))
    assert (row.name, row.state) == ("state", OK)
