from hypothesis import given
from hypothesis import strategies as st

from devicehub.android.battery import Battery, parse_battery, parse_power_saver
from tests.shared_data import SHARED_DATA, needs_shared_data

PLAIN = """Current Battery Service state:
  AC powered: false
  USB powered: true
  level: 41
  scale: 100
  temperature: 312
"""


def test_plain() -> None:
    assert parse_battery(PLAIN) == Battery(level_percent=41, temp_mc=31200, plugged=True, sources=("usb",))


def test_plugged_phone_that_is_kept_from_charging() -> None:
    battery = parse_battery("AC powered: true\nUSB powered: true\nstatus: 4\nvoltage: 4012\n")
    assert (battery.plugged, battery.sources, battery.charge) == (True, ("ac", "usb"), "not_charging")
    assert battery.voltage_mv == 4012


def test_unknown_charge_and_voltage_in_whole_volts_are_absent() -> None:
    battery = parse_battery("status: 1\nvoltage: 4\n")
    assert (battery.charge, battery.voltage_mv) == (None, None)


def test_power_saver_of_android_8_and_later_ones() -> None:
    assert parse_power_saver("  mLowPowerModeEnabled=true\n") is True
    assert parse_power_saver("Battery saver state machine:\n  Enabled=false\n    full=false\n") is False
    assert parse_power_saver("  mWakefulness=Awake\n  Enabled=true\n") is None


def test_first_of_keys_in_two_cases_counts() -> None:
    assert parse_battery(PLAIN + "  LEVEL: 3\n  Temperature: 1\n").level_percent == 41


def test_level_on_another_scale() -> None:
    assert parse_battery("level: 100\nscale: 200\n").level_percent == 50


def test_impossible_temperature_is_absent() -> None:
    assert parse_battery("temperature: -2740\n").temp_mc is None


def test_nothing_known_when_the_service_is_not_up() -> None:
    assert parse_battery("Can't find service: battery\n") == Battery()


@needs_shared_data
def test_level_of_a_pad_does_not_hide_the_phones_own() -> None:
    assert SHARED_DATA is not None
    text = (SHARED_DATA / "telemetry/battery/asus_padfone_style_usb_otg.txt").read_text()
    assert parse_battery(text) == Battery(
        level_percent=97,
        temp_mc=24500,
        plugged=True,
        sources=("usb",),
        charge="charging",
        voltage_mv=4342,
    )


@given(st.text())
def test_never_raises(text: str) -> None:
    parse_battery(text)
