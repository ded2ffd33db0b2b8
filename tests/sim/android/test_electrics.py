"""What flows into and out of a virtual battery, and in which signs and units the phone tells it."""

from __future__ import annotations

import pytest

from devicehub.sim.android.electrics import BatteryModel, BatterySpec

HOUR_S = 3600.0


def test_an_unplugged_phone_gives_what_idling_and_the_engine_take() -> None:
    battery = BatteryModel(BatterySpec(capacity_mah=5000, idle_ma=200, engine_ma_per_ghz=250), percent=80)
    battery.advance(HOUR_S, engine_ghz=0, plugged=False)
    assert battery.current_ma == -200
    battery.advance(HOUR_S, engine_ghz=2.0, plugged=False)
    assert battery.current_ma == -700
    assert battery.charge_mah == pytest.approx(4000 - 900)
    assert battery.percent == 62
    assert (battery.status, battery.dump()["status"]) == ("Discharging", "3")


def test_what_it_gave_is_its_voltage_times_its_current() -> None:
    battery = BatteryModel(BatterySpec(), percent=50)
    for _ in range(100):
        battery.advance(0.1, engine_ghz=3.0, plugged=False)
    assert battery.drawn_j == pytest.approx(battery.voltage_v * 0.950 * 10, rel=1e-3)
    given = battery.drawn_j
    battery.advance(100, engine_ghz=0, plugged=True)
    assert battery.drawn_j == given


def test_the_voltage_falls_under_load() -> None:
    battery = BatteryModel(BatterySpec(), percent=50)
    battery.advance(0, engine_ghz=0, plugged=False)
    idle_v = battery.voltage_v
    battery.advance(0, engine_ghz=3, plugged=False)
    assert battery.voltage_v < idle_v - 0.05


def test_a_plugged_phone_may_charge_stand_still_or_lose() -> None:
    battery = BatteryModel(BatterySpec(charge_ma=450), percent=50)
    battery.advance(1, engine_ghz=0, plugged=True)
    assert (battery.current_ma, battery.status) == (250, "Charging")
    battery.advance(1, engine_ghz=3, plugged=True)
    assert (battery.current_ma, battery.status) == (-500, "Not charging")


def test_a_full_battery_takes_nothing_and_an_empty_one_gives_nothing() -> None:
    battery = BatteryModel(BatterySpec(), percent=100)
    battery.advance(HOUR_S, engine_ghz=0, plugged=True)
    assert (battery.current_ma, battery.percent, battery.status) == (0, 100, "Full")
    battery.advance(1000 * HOUR_S, engine_ghz=0, plugged=False)
    assert battery.percent == 0


@pytest.mark.parametrize(
    ("spec", "current", "voltage"),
    [
        (BatterySpec(), "-200000", "3859000"),
        (BatterySpec(current_unit="mA", voltage_unit="mV"), "-200", "3859"),
        (BatterySpec(discharging="positive"), "200000", "3859000"),
        (BatterySpec(current_unit="mA", discharging="positive"), "200", "3859000"),
    ],
)
def test_vendors_differ_in_signs_and_units(spec: BatterySpec, current: str, voltage: str) -> None:
    battery = BatteryModel(spec, percent=50)
    battery.advance(0, engine_ghz=0, plugged=False)
    files = battery.files(29_600)
    assert (files["current_now"], files["voltage_now"], files["temp"]) == (current, voltage, "296")


def test_each_measurement_is_off_by_a_little_and_all_together_by_none() -> None:
    battery = BatteryModel(BatterySpec(capacity_mah=1e9, wobble=0.02), percent=50)
    battery.advance(0, engine_ghz=0, plugged=False)
    told = []
    for _ in range(200):
        told.append(int(battery.files(30_000)["current_now"]))
        battery.advance(1, engine_ghz=0, plugged=False)
    assert len(set(told)) > 150
    assert all(abs(current + 200_000) <= 4000 for current in told)
    assert sum(told) / len(told) == pytest.approx(-200_000, rel=1e-3)


def test_the_gauge_measures_now_and_then_and_hides_what_the_shell_may_not_read() -> None:
    battery = BatteryModel(BatterySpec(update_s=10, hidden=("voltage_now",)), percent=50)
    battery.advance(0, engine_ghz=0, plugged=False)
    before = battery.files(30_000)
    assert "voltage_now" not in before
    battery.advance(9, engine_ghz=3, plugged=False)
    assert battery.files(30_000)["current_now"] == before["current_now"] == "-200000"
    battery.advance(1, engine_ghz=3, plugged=False)
    assert int(battery.files(30_000)["current_now"]) == pytest.approx(-950_000, rel=0.01)
