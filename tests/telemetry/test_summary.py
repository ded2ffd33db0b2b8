from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devicehub.runs.model import Conditions, Course
from devicehub.telemetry.sample import Sample, SampleReader
from devicehub.telemetry.summary import (
    gpu_khz,
    gpu_percent,
    infer_throttling,
    memory_short,
    summarize_samples,
    surface_zone,
    with_inferred,
)

LINES = b"""head\tup=99.9\twall=1.0\tperiod=1
fast\tup=100\twall=1.0\tcap.policy0=1800000\tcap.policy4=2400000\tzone.cpu=41000\tmem_kb=900\tgpu.busy=10%
thermal\tup=100.5\twall=1.5\tstatus=1\thal.skin=33.5
fast\tup=101\twall=2.0\tcap.policy0=1800000\tcap.policy4=1900000\tzone.cpu=61000\tmem_kb=300\tgpu.busy=90%
battery\tup=101.5\twall=2.5\tbattery.capacity=80\tbattery.temp=301
fast\tup=102\twall=3.0\tcap.policy4=2400000\tzone.cpu=55000\tmem_kb=700\trss_kb=4096\tthreads=9
battery\tup=106.5\twall=7.5\tbattery.capacity=79\tbattery.temp=305
"""


def read(lines: bytes) -> list[Sample]:
    return list(SampleReader().feed(lines))


def fast(up: float, **values: str) -> Sample:
    return Sample("fast", up, up, values)


def test_course_of_every_reading() -> None:
    found = summarize_samples(read(LINES))
    assert found.temps_mc["cpu"] == Course(start=41000, lowest=41000, highest=61000, end=55000)
    assert found.temps_mc["skin"].end == 33500
    assert found.temps_mc["battery.temp"].highest == 30500
    assert found.caps_khz["policy4"] == Course(start=2400000, lowest=1900000, highest=2400000, end=2400000)
    assert (found.battery_percent_start, found.battery_percent_end) == (80, 79)
    assert found.mem_available_kib_lowest == 300
    assert (found.rss_kib_highest, found.threads_highest) == (4096, 9)
    assert found.gpu_percent == Course(start=10, lowest=10, highest=90, end=90)
    assert (found.temp_mc_highest, found.samples) == (61000, 7)


def test_cap_that_fell_is_throttling() -> None:
    found = summarize_samples(read(LINES))
    assert found.throttled is True
    assert found.throttle_signs == ["the clock of policy4 was capped from 2400000 to 1900000 kHz"]


def test_phone_that_cooled_down_before_its_launch_is_not_throttled_in_it() -> None:
    samples = read(LINES)
    assert summarize_samples(samples, [(101.5, 103.0)]).throttling == "no"
    found = summarize_samples(samples, [(100.6, 101.2), (101.5, 103.0)])
    assert found.throttle_signs == ["the clock of policy4 was capped from 2400000 to 1900000 kHz"]
    assert found.caps_khz == summarize_samples(samples).caps_khz


def test_launch_that_no_sample_tells_of() -> None:
    assert summarize_samples(read(LINES), [(200.0, 300.0)]).throttling is None
    assert summarize_samples(read(LINES), []).throttling is None
    assert summarize_samples(read(LINES), [(None, None)]).throttling == "yes"


@pytest.mark.parametrize(("status", "throttled"), [("1", False), ("2", True), ("6", True)])
def test_thermal_status_from_moderate_on_is_throttling(status: str, throttled: bool) -> None:
    found = summarize_samples([Sample("thermal", 1.0, 1.0, {"status": status})])
    assert (found.throttled, found.thermal_status_highest) == (throttled, int(status))


def test_status_of_the_battery_is_no_thermal_status() -> None:
    found = summarize_samples([Sample("battery", 1.0, 1.0, {"status": "5"})])
    assert (found.throttled, found.thermal_status_highest) == (None, None)


def test_nothing_is_known_without_samples() -> None:
    found = summarize_samples([])
    assert (found.throttled, found.temps_mc, found.temp_mc_start, found.samples) == (None, {}, None, 0)


@pytest.mark.parametrize(
    ("raw", "percent"),
    [
        ("37 %", 37.0),
        ("37%", 37.0),
        ("0", 0.0),
        ("250 1000", 25.0),
        ("12 0 88", 12.0),
        ("0 0", None),
        ("5000", None),
        ("", None),
        ("busy", None),
    ],
)
def test_gpu_load_as_drivers_write_it(raw: str, percent: float | None) -> None:
    assert gpu_percent(fast(1.0, **{"gpu.busy": raw})) == percent


@pytest.mark.parametrize(
    ("raw", "khz"),
    [
        ("680000000", 680_000.0),
        ("680000", 680_000.0),
        ("680", 680_000.0),
        ("0", None),
        ("7000000", None),
        ("", None),
    ],
)
def test_clock_of_the_gpu_as_drivers_write_it(raw: str, khz: float | None) -> None:
    assert gpu_khz(fast(1.0, **{"gpu.clock": raw})) == khz


def test_work_per_cycle_that_fell_is_inferred_throttling() -> None:
    samples = [
        fast(up, **{"khz.policy0": "2000000", "cpu": f"{int(up * 400)} 0 0 {int(up * 400)} 0 0 0"})
        for up in range(10)
    ]
    assert infer_throttling(samples, [(0, 4, 20.0), (5, 9, 19.0)]) is None
    found = infer_throttling(samples, [(0, 4, 20.0), (5, 9, 15.0)])
    assert found == "tokens per busy GHz fell by 25 % within the run (inferred)"


def test_lower_clock_explains_fewer_tokens() -> None:
    samples = [
        fast(up, **{"khz.policy0": "2000000" if up < 5 else "1500000", "cpu": f"{up * 400} 0 0 0 0 0 0"})
        for up in range(10)
    ]
    assert infer_throttling(samples, [(0, 4, 20.0), (5, 9, 15.0)]) is None


def ticking(up: float, busy_s: float) -> Sample:
    return fast(up, **{"khz.policy0": "2000000", "cpu": f"{round(busy_s * 100)} 0 0 0 0 0 0"})


def test_launch_that_waited_for_its_weights_did_no_more_per_cycle() -> None:
    cold = [ticking(up, 0.2 * min(up, 10) + 4 * max(up - 10, 0)) for up in range(21)]
    busy_s = float(cold[-1].values["cpu"].split()[0]) / 100
    warm = [ticking(30 + up, busy_s + 4 * up) for up in range(11)]
    launches = [(0, 20, 20.0), (30, 40, 18.5)]
    assert infer_throttling([*cold, *warm], launches) is None
    assert infer_throttling([*cold, *warm], [launches[0], (30, 40, 17.0)]) is not None


def test_other_programs_that_cost_no_token_are_no_throttling() -> None:
    samples = [ticking(up, 4 * up) for up in range(5)] + [
        ticking(up, 16 + 5 * (up - 4)) for up in range(5, 10)
    ]
    assert infer_throttling(samples, [(0, 4, 20.0), (5, 9, 19.8)]) is None
    assert infer_throttling(samples, [(0, 4, 20.0), (5, 9, 18.0)]) is not None


def test_nothing_is_inferred_from_what_is_not_known() -> None:
    assert infer_throttling([fast(1.0), fast(2.0)], [(0, 4, 20.0), (None, 9, 1.0), (0, 3, None)]) is None


def test_memory_that_had_run_out_before_the_end() -> None:
    samples = [
        fast(90.0, mem_kb="1000"),
        fast(99.0, mem_kb="100000", rss_kb="5000000"),
        fast(101.0, mem_kb="1"),
    ]
    assert memory_short(samples, 100.0) == (
        "the phone had 102.4 MB of memory left shortly before its end, of which it held 5120.0 MB"
    )
    assert memory_short(samples, 80.0) is None


def test_large_phone_is_short_below_five_percent() -> None:
    samples = [fast(99.0, mem_kb="600000")]
    assert memory_short(samples, 100.0) is None
    assert memory_short(samples, 100.0, total_kib=16_000_000) is not None


@given(
    st.lists(
        st.builds(
            Sample,
            st.sampled_from(["fast", "thermal", "battery"]),
            st.none() | st.floats(0, 1e9),
            st.none() | st.floats(0, 1e9),
            st.dictionaries(
                st.sampled_from(["status", "cpu", "cap.a", "khz.a", "gpu.busy", "mem_kb", "zone.x"]),
                st.text(max_size=12) | st.integers().map(str),
            ),
        )
    )
)
def test_any_samples(samples: list[Sample]) -> None:
    assert summarize_samples(samples).samples == len(samples)
    assert infer_throttling(samples, [(0, 1e9, 1.0), (0, 1e9, 0.5)]) is None or len(samples) > 1
    memory_short(samples, None)


def test_throttling_that_is_told_and_that_is_inferred() -> None:
    told = summarize_samples(read(LINES))
    untold = summarize_samples([fast(1.0, **{"cap.policy0": "1"})])
    assert (told.throttling, untold.throttling, Conditions().throttling) == ("yes", "no", None)
    assert with_inferred(told, "it fell").throttling == "yes"
    for found in (with_inferred(untold, "it fell"), with_inferred(Conditions(), "it fell")):
        assert (found.throttled, found.throttling, found.throttle_signs) == (True, "inferred", ["it fell"])


@pytest.mark.parametrize(
    ("zones", "zone"),
    [
        (["cpu", "battery", "skin"], "skin"),
        (["VIRTUAL-SKIN", "battery.temp"], "VIRTUAL-SKIN"),
        (["quiet-therm-usr", "Skin0"], "Skin0"),
        (["mtktscpu", "mtktsAP", "mtktsbattery"], "mtktsAP"),
        (["battery", "battery.temp"], "battery.temp"),
        (["cpu-0-0-usr"], None),
        ([], None),
    ],
)
def test_zone_that_tells_how_warm_a_phone_is(zones: list[str], zone: str | None) -> None:
    assert surface_zone(zones) == zone
    assert surface_zone(reversed(zones)) == zone


def test_start_of_the_skin_is_its_own() -> None:
    found = summarize_samples(read(LINES))
    assert (found.skin_zone, found.skin_mc_start, found.skin_mc_highest) == ("skin", 33_500, 33_500)


def test_charge_in_the_words_of_both_sources() -> None:
    statuses = ("Discharging", "3", "Not charging", "Unknown", "Full", "2")
    found = summarize_samples([fast(1.0, **{"battery.status": status}) for status in statuses])
    assert found.charges == ["discharging", "not_charging", "full", "charging"]
