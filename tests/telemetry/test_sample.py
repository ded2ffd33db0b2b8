from __future__ import annotations

from devicehub.telemetry.sample import SampleReader, parse_sample

LINE = (
    b"fast\tup=34560000.25\twall=1795386689.5\tmem_kb=41\tkhz.policy0=1017600\t"
    b"zone.cpu-0=31800\tzone.gpu=44\n"
)


def test_pieces_of_any_size_give_the_same_samples() -> None:
    text = LINE + b"battery\tup=1.5\twall=2\tbattery.temp=296\n"
    whole = list(SampleReader().feed(text))
    reader = SampleReader()
    cut = [sample for byte in text for sample in reader.feed(bytes([byte]))]
    assert cut == whole
    assert [sample.lane for sample in whole] == ["fast", "battery"]


def test_a_zone_in_degrees_and_one_in_milli_degrees() -> None:
    sample = parse_sample(LINE.rstrip())
    assert sample is not None
    assert sample.temps_mc() == {"cpu-0": 31800, "gpu": 44000}
    assert (sample.uptime_s, sample.wall_s) == (34560000.25, 1795386689.5)
    assert sample.group("khz") == {"policy0": 1017600.0}


def test_the_value_of_an_absent_sensor_is_no_temperature() -> None:
    sample = parse_sample(b"fast\tzone.mtktscpu=-274000\tzone.cpu=nan\thal.skin=38.2\tbattery.temp=310")
    assert sample is not None
    assert sample.temps_mc() == {"skin": 38200, "battery.temp": 31000}


def test_what_is_absent_is_none_and_what_is_garbage_is_no_sample() -> None:
    sample = parse_sample(b"fast\tup=\tmem_kb=lots\tno equals sign")
    assert sample is not None
    assert (sample.uptime_s, sample.number("mem_kb"), sample.number("load")) == (None, None, None)
    assert parse_sample(b"") is None
    assert parse_sample(b"\xff\xfe garbage") is None


def test_a_number_that_no_sensor_can_give_is_none() -> None:
    sample = parse_sample(b"fast\tmem_kb=1e300\tload=-1e18\tkhz.policy0=inf\tkhz.policy1=1017600")
    assert sample is not None
    assert (sample.number("mem_kb"), sample.number("load")) == (None, None)
    assert sample.group("khz") == {"policy1": 1017600.0}
