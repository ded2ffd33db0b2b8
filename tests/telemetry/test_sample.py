import pytest
from hypothesis import given
from hypothesis import strategies as st

from devicehub.telemetry.sample import SampleReader, parse_sample

FAST = (
    "fast\tup=812.44\twall=1700000000.123\tmem_kb=5120044\tkhz.policy0=1804800\tcap.policy0=2265600"
    "\tzone.cpu-0-0=41200\tzone.skin=38\trss_kb=1834000\tthreads=6"
)
BATTERY = "battery\tup=815.01\tbattery.capacity=41\tbattery.temp=312"


def test_fast_lane() -> None:
    sample = parse_sample(FAST)
    assert sample is not None
    assert (sample.uptime_s, sample.wall_s, sample.mem_available_kib) == (812.44, 1700000000.123, 5120044)
    assert (sample.clocks_khz, sample.caps_khz) == ({"policy0": 1804800}, {"policy0": 2265600})
    assert (sample.rss_kib, sample.threads) == (1834000, 6)


def test_degrees_and_milli_degrees_are_told_apart() -> None:
    sample = parse_sample(FAST)
    assert sample is not None
    assert sample.zones_mc == {"cpu-0-0": 41200, "skin": 38000}
    assert sample.hottest_mc == 41200


def test_degrees_with_a_point_from_the_thermal_service() -> None:
    sample = parse_sample("thermal\tup=1.0\tstatus=2\thal.skin=38.7")
    assert sample is not None
    assert (sample.thermal_status, sample.zones_mc) == (2, {"skin": 38700})


def test_tenths_of_the_battery() -> None:
    sample = parse_sample(BATTERY)
    assert sample is not None
    assert (sample.battery_percent, sample.battery_temp_mc) == (41, 31200)


@pytest.mark.parametrize("value", ["-274000", "200000", "", "NaN", "0x20", "4" * 40])
def test_a_sensor_that_is_off_is_absent(value: str) -> None:
    sample = parse_sample(f"fast\tup=1\tzone.cpu={value}")
    assert sample is not None
    assert sample.hottest_mc is None


def test_absent_is_absent_never_zero() -> None:
    sample = parse_sample("fast\tup=1.5")
    assert sample is not None
    assert (sample.mem_available_kib, sample.rss_kib, sample.battery_percent, sample.hottest_mc) == (
        None,
    ) * 4


@given(st.lists(st.integers(1, 400), max_size=8))
def test_pieces_of_any_size_give_the_same_samples(cuts: list[int]) -> None:
    data = f"{FAST}\n{BATTERY}\nno sample\n{FAST}\n".encode()
    reader, samples, begin = SampleReader(), [], 0
    for cut in [*cuts, len(data)]:
        samples += reader.feed(data[begin : begin + cut])
        begin += cut
    samples += reader.feed(data[begin:])
    assert samples == [parse_sample(FAST), parse_sample(BATTERY), parse_sample(FAST)]


@given(st.text())
def test_never_raises(text: str) -> None:
    parse_sample(text)
    parse_sample(f"fast\t{text}")


def test_a_line_without_an_end_is_given_up() -> None:
    reader = SampleReader()
    for _ in range(40):
        assert reader.feed(b"x" * 4096) == []
    assert len(reader.feed(b"\n" + FAST.encode() + b"\n")) == 1
