from hypothesis import given
from hypothesis import strategies as st

from devicehub.android.battery import Battery, parse_battery
from tests.shared_data import SHARED_DATA, needs_shared_data

PLAIN = """Current Battery Service state:
  AC powered: false
  USB powered: true
  level: 41
  scale: 100
  temperature: 312
"""


def test_plain() -> None:
    assert parse_battery(PLAIN) == Battery(level_percent=41, temp_mc=31200, plugged=True)


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
    assert parse_battery(text) == Battery(level_percent=97, temp_mc=24500, plugged=True)


@given(st.text())
def test_never_raises(text: str) -> None:
    parse_battery(text)
