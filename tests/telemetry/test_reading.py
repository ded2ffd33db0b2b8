"""How a phone does now, from samples as they come."""

from __future__ import annotations

from devicehub.telemetry.reading import Reading, ReadingMaker
from devicehub.telemetry.sample import parse_sample


def take(
    maker: ReadingMaker, lane: str, *, run: str | None = "r1", wall_s: float = 1.0, **fields: str
) -> Reading:
    pairs = "\t".join(f"{name.replace('__', '.')}={value}" for name, value in fields.items())
    sample = parse_sample(f"{lane}\tup=1\twall=2\t{pairs}".encode())
    assert sample is not None
    return maker.take(sample, wall_s=wall_s, run=run)


def test_cpu_load_is_of_the_time_since_the_sample_before() -> None:
    maker = ReadingMaker()
    assert take(maker, "fast", cpu="100 0 0 900 0 0 0 0 0 0").cpu_percent is None
    assert take(maker, "fast", cpu="150 0 0 950 0 0 0 0 0 0").cpu_percent == 50.0
    assert take(maker, "fast", cpu="150 0 0 1000 50 0 0 0 0 0").cpu_percent == 0.0


def test_counters_that_step_back_or_are_none_tell_nothing() -> None:
    maker = ReadingMaker()
    take(maker, "fast", cpu="100 0 0 900 0 0 0 0")
    assert take(maker, "fast", cpu="90 0 0 900 0 0 0 0").cpu_percent is None
    assert take(maker, "fast", cpu="cpu0 1 2 3 4 5").cpu_percent is None
    assert take(maker, "fast", cpu="1 2").cpu_percent is None
    assert take(maker, "fast", cpu=f"{'9' * 5000} 1 1 1 1").cpu_percent is None  # int takes 4,300 digits


def test_skin_comes_before_the_battery_and_a_lane_that_is_silent_of_it_changes_nothing() -> None:
    maker = ReadingMaker()
    assert take(maker, "battery", battery__temp="301").temp_mc == 30_100
    warm = take(
        maker, "fast", zone__skin="36400", mem_kb="2048", khz__policy0="300000", cap__policy0="1800000"
    )
    assert (warm.zone, warm.temp_mc, warm.mem_available_kib) == ("skin", 36_400, 2048)
    assert (warm.clocks_khz, warm.caps_khz) == ({"policy0": 300_000}, {"policy0": 1_800_000})
    later = take(
        maker, "battery", battery__temp="305", battery__capacity="81", battery__status="2", wall_s=5.0
    )
    assert (later.zone, later.temp_mc, later.battery_percent, later.charging) == ("skin", 36_400, 81, True)
    assert (later.wall_s, later.mem_available_kib) == (5.0, 2048)


def test_status_of_the_battery_is_not_that_of_the_phone() -> None:
    maker = ReadingMaker()
    assert take(maker, "battery", status="3").thermal_status is None
    assert take(maker, "thermal", status="3").thermal_status == 3


def test_another_run_begins_anew() -> None:
    maker = ReadingMaker()
    take(maker, "fast", zone__skin="45000", cpu="1 0 0 9 0 0 0 0")
    cool = take(maker, "fast", run="r2", mem_kb="1")
    assert (cool.run, cool.temp_mc, cool.cpu_percent) == ("r2", None, None)
