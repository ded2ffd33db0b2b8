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
    assert preflight(PhoneState(), needed_kib=None, detach=True) == []
    assert preflight(PhoneState(), needed_kib=10**12, detach=True) == []


@pytest.mark.parametrize("function", ["mtp", "ptp", "rndis", "ncm", "midi"])
def test_usb_mode_that_ends_the_run_with_the_cable(function: str) -> None:
    (caution,) = preflight(usb({function, "diag"}), needed_kib=None, detach=False)
    assert caution.slug == "usb_mode"
    assert "the run" in caution.sentence
    assert "No data transfer" in caution.remedy


@pytest.mark.parametrize("functions", [set(), {"diag"}, {"accessory"}])
def test_usb_mode_that_leaves_adb_alone(functions: set[str]) -> None:
    assert preflight(usb(functions, set()), needed_kib=None, detach=False) == []


def test_default_mode_that_unlocking_the_screen_switches_to() -> None:
    (caution,) = preflight(usb(set(), {"mtp"}), needed_kib=None, detach=False)
    assert caution.sentence.startswith("the default USB mode is file transfer: when the screen is unlocked")


def test_on_battery_with_the_screen_off() -> None:
    state = PhoneState(battery=ON_BATTERY, screen=Screen(on=False))
    (caution,) = preflight(state, needed_kib=None, detach=False)
    assert caution.slug == "screen_off_on_battery"
    assert "screen is off" in caution.sentence


def test_on_battery_with_the_screen_on_says_for_how_long() -> None:
    state = PhoneState(battery=ON_BATTERY, screen=Screen(on=True, timeout_s=30.0))
    (caution,) = preflight(state, needed_kib=None, detach=True)
    assert "after 30 s" in caution.sentence
    assert "nobody" in caution.sentence


@pytest.mark.parametrize("battery", [PLUGGED, Battery()])
def test_plugged_in_or_unknown_may_have_its_screen_off(battery: Battery) -> None:
    state = PhoneState(battery=battery, screen=Screen(on=False))
    assert preflight(state, needed_kib=None, detach=True) == []


def test_memory_short_leaves_the_phone_its_share() -> None:
    state = PhoneState(memory=Memory(total_kib=8_000_000, available_kib=3_000_000))
    assert preflight(state, needed_kib=2_600_000, detach=False) == []
    (caution,) = preflight(state, needed_kib=2_600_001, detach=False)
    assert caution.slug == "memory_short"
    assert "2662.4 MB" in caution.sentence


def test_small_phone_keeps_256_mib() -> None:
    state = PhoneState(memory=Memory(total_kib=1_000_000, available_kib=300_000))
    assert [caution.slug for caution in preflight(state, needed_kib=50_000, detach=False)] == ["memory_short"]


def test_space_short_counts_what_will_be_pushed() -> None:
    state = PhoneState(capacity_bytes=10 * GIB, free_bytes=2 * GIB)
    assert preflight(state, needed_kib=None, detach=False, needed_bytes=GIB) == []
    (caution,) = preflight(state, needed_kib=None, detach=False, needed_bytes=GIB + MIB)
    assert caution.slug == "space_short"
    assert "after the push" in caution.sentence


def test_large_storage_keeps_five_percent() -> None:
    state = PhoneState(capacity_bytes=100 * GIB, free_bytes=4 * GIB)
    assert [caution.slug for caution in preflight(state, needed_kib=None, detach=False)] == ["space_short"]
