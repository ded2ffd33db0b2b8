"""How a virtual phone warms, throttles and cools: one body, one time constant, thresholds and caps."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest

from devicehub.sim.android.thermal import ThermalModel, ThermalSpec, kind_of_sensor, kind_of_zone

IDLE_C = 32.0
FREE = (1.0,) * 7


def model(**values: Any) -> ThermalModel:
    return ThermalModel(msgspec.convert(values, ThermalSpec), skin_idle_c=IDLE_C, ghz=3.0)


def test_63_percent_of_the_way_have_come_after_one_time_constant() -> None:
    phone = model(heat_c_per_ghz=5, time_constant_s=100, caps=FREE)
    phone.load = 1
    phone.advance(100)
    assert phone.skin_c == pytest.approx(IDLE_C + 15 * (1 - math.exp(-1)))
    phone.load = 0
    phone.advance(100)
    assert phone.skin_c == pytest.approx(IDLE_C + 15 * (1 - math.exp(-1)) * math.exp(-1))


def test_many_short_looks_come_to_the_same_as_one_long() -> None:
    often, once = model(), model()
    often.load = once.load = 1
    for _ in range(600):
        often.advance(0.5)
    once.advance(300)
    assert often.skin_c == pytest.approx(once.skin_c, abs=0.3)
    assert often.status == once.status


def test_a_day_of_idling_is_computed_at_once_and_ends_at_idle() -> None:
    phone = model()
    phone.warm_to(60)
    phone.advance(86_400)
    assert phone.skin_c == pytest.approx(IDLE_C)
    assert (phone.status, phone.share) == (0, 1.0)


def test_an_engine_at_work_is_throttled_and_the_lower_clock_ends_the_rise() -> None:
    phone = model()
    phone.load = 1
    phone.advance(3600)
    unbounded_c = IDLE_C + phone.spec.heat_c_per_ghz * 3.0
    assert phone.status >= 2
    assert phone.share < 1
    assert phone.skin_c < unbounded_c - 2


def test_a_status_ends_only_well_below_its_threshold() -> None:
    phone = model(thresholds_c=[38, 41, 44, 47, 50, 55], hysteresis_c=1.5)
    seen = []
    for skin_c in (37.9, 38.0, 41.0, 39.6, 39.4, 36.6, 36.4, 55.0, 20.0):
        phone.warm_to(skin_c)
        seen.append(phone.status)
    assert seen == [0, 1, 2, 2, 1, 1, 0, 6, 0]


def test_a_warm_room_warms_all_and_may_throttle_by_itself() -> None:
    phone = model(ambient_c=35)
    assert phone.skin_c == IDLE_C + 10
    assert phone.status == 2
    assert phone.temperature_c("battery", 29.0) == 39.0


def test_the_processor_is_warm_only_as_long_as_it_works() -> None:
    phone = model(die_c_per_ghz=4)
    phone.load = 1
    assert phone.temperature_c("die", 37.0) == pytest.approx(37 + 4 * 3)
    assert phone.temperature_c("skin", IDLE_C) == IDLE_C
    phone.load = 0
    assert phone.temperature_c("die", 37.0) == 37.0


def test_limits_of_the_hardware_show_neither_as_status_nor_as_cap() -> None:
    phone = model(hidden=True)
    phone.warm_to(45)
    assert (phone.shown_status, phone.shown_share) == (0, 1.0)
    assert phone.share == 0.65


def test_the_fixed_performance_mode_keeps_a_clock_that_can_be_kept() -> None:
    phone = model(steady_share=0.6)
    phone.steady = True
    assert phone.share == phone.shown_share == 0.6
    phone.warm_to(47)
    assert phone.share == 0.5


@pytest.mark.parametrize(
    "values",
    [
        {"time_constant_s": 0},
        {"thresholds_c": [38, 41, 40, 46, 50, 55]},
        {"thresholds_c": [38, 41]},
        {"caps": [1, 1, 1, 1, 1, 1, 0]},
        {"steady_share": 1.5},
        {"ambient": 20},
    ],
)
def test_what_no_phone_can_be_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        model(**values)


def test_sensors_are_known_by_their_vendors_names_and_androids_numbers() -> None:
    assert [kind_of_zone(name) for name in ("battery", "mtktsbattery", "skin-therm", "mtktsAP")] == [
        "battery",
        "battery",
        "skin",
        "skin",
    ]
    assert kind_of_zone("cpu-0-0-0") == kind_of_sensor(0) == kind_of_sensor(9) == "die"
    assert (kind_of_sensor(2), kind_of_sensor(3)) == ("battery", "skin")
