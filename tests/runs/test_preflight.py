import pytest

from devicehub.android.battery import Battery
from devicehub.android.meminfo import Memory
from devicehub.android.screen import Screen
from devicehub.android.usb import Usb
from devicehub.device.state import PhoneState
from devicehub.runs.preflight import preflight
from devicehub.units import GIB, MIB

PLUGGED = Battery(plugged=True)
ON_BATTERY = Battery(plugged=False)


def usb(now: set[str] | None, unlocked: set[str] | None = None) -> PhoneState:
    return PhoneState(
        usb=Usb(
            functions=None if now is None else frozenset(now),
            unlocked_functions=None if unlocked is None else frozenset(unlocked),
        )
    )


def test_nothing_known_raises_no_caution() -> None:
    assert preflight(PhoneState(), needed_kib=None) == []
    assert preflight(PhoneState(), needed_kib=10**12) == []


@pytest.mark.parametrize("function", ["mtp", "ptp", "rndis", "ncm", "midi"])
def test_usb_mode_that_ends_the_run_with_the_cable(function: str) -> None:
    (caution,) = preflight(usb({function, "diag"}), needed_kib=None)
    assert caution.slug == "usb_mode"
    assert "the run" in caution.sentence
    assert "No data transfer" in caution.remedy


@pytest.mark.parametrize("functions", [set(), {"diag"}, {"accessory"}])
def test_usb_mode_that_leaves_adb_alone(functions: set[str]) -> None:
    assert preflight(usb(functions, set()), needed_kib=None) == []


def test_default_mode_that_unlocking_the_screen_switches_to() -> None:
    (caution,) = preflight(usb(set(), {"mtp"}), needed_kib=None)
    assert caution.sentence.startswith("the default USB mode is file transfer: when the screen is unlocked")


def test_on_battery_with_the_screen_off() -> None:
    state = PhoneState(battery=ON_BATTERY, screen=Screen(on=False))
    (caution,) = preflight(state, needed_kib=None)
    assert caution.slug == "screen_off_on_battery"
    assert "screen is off" in caution.sentence


def test_on_battery_with_the_screen_on_says_for_how_long() -> None:
    state = PhoneState(battery=ON_BATTERY, screen=Screen(on=True, timeout_s=30.0))
    (caution,) = preflight(state, needed_kib=None)
    assert "after 30 s" in caution.sentence


@pytest.mark.parametrize("battery", [PLUGGED, Battery()])
def test_plugged_in_or_unknown_may_have_its_screen_off(battery: Battery) -> None:
    state = PhoneState(battery=battery, screen=Screen(on=False))
    assert preflight(state, needed_kib=None) == []


def test_memory_short_leaves_the_phone_its_share() -> None:
    state = PhoneState(memory=Memory(total_kib=8_000_000, available_kib=3_000_000))
    assert preflight(state, needed_kib=2_600_000) == []
    (caution,) = preflight(state, needed_kib=2_600_001)
    assert caution.slug == "memory_short"
    assert "2662.4 MB" in caution.sentence


def test_small_phone_keeps_256_mib() -> None:
    state = PhoneState(memory=Memory(total_kib=1_000_000, available_kib=300_000))
    assert [caution.slug for caution in preflight(state, needed_kib=50_000)] == ["memory_short"]


def test_space_short_counts_what_will_be_pushed() -> None:
    state = PhoneState(capacity_bytes=10 * GIB, free_bytes=2 * GIB)
    assert preflight(state, needed_kib=None, needed_bytes=GIB) == []
    (caution,) = preflight(state, needed_kib=None, needed_bytes=GIB + MIB)
    assert caution.slug == "space_short"
    assert "after the push" in caution.sentence


def test_large_storage_keeps_five_percent() -> None:
    state = PhoneState(capacity_bytes=100 * GIB, free_bytes=4 * GIB)
    assert [caution.slug for caution in preflight(state, needed_kib=None)] == ["space_short"]


def test_battery_saver_and_low_battery_hold_the_processor_back() -> None:
    state = PhoneState(battery=Battery(level_percent=20, plugged=True), power_saver=True)
    cautions = preflight(state, needed_kib=None)
    assert [caution.slug for caution in cautions] == ["power_saver", "battery_low"]
    state = PhoneState(battery=Battery(level_percent=21, plugged=True), power_saver=False)
    assert preflight(state, needed_kib=None) == []


@pytest.mark.parametrize(
    ("battery", "over_usb", "slugs"),
    [
        (PLUGGED, False, ["no_energy"]),
        (PLUGGED, True, ["no_energy"]),
        (Battery(), True, ["no_energy"]),
        (Battery(), False, []),
    ],
)
def test_energy_needs_a_phone_without_a_cable(battery: Battery, over_usb: bool, slugs: list[str]) -> None:
    state = PhoneState(battery=battery)
    found = preflight(state, needed_kib=None, energy=True, over_usb=over_usb)
    assert [caution.slug for caution in found] == slugs
    assert preflight(state, needed_kib=None, over_usb=over_usb) == []
