from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from devicehub.telemetry.sample import Sample
from devicehub.telemetry.timeline import Break, Span, find_breaks, find_unseen

CORES = 8
BOOT_WALL_S = 1_795_380_000.0


@dataclass
class Phone:
    """A phone whose sampler writes as agent/PROTOCOL.md says; time passes only as told."""

    up_s: float = 2906.30
    step_s: float = 0.0
    awake_s: float = 2000.0
    counts_ticks: bool = True
    whole_seconds: bool = False
    reads_twice: bool = True
    samples: list[Sample] = field(default_factory=list)
    unsampled: list[Span] = field(default_factory=list)

    def wait(self, seconds: float, *, asleep: bool = False) -> None:
        self.up_s += seconds
        self.awake_s += 0 if asleep else seconds

    def sample(self, *kept_waiting_s: float) -> None:
        """Reads uptime, wall clock and ticks, uptime; the arguments are the waits between."""
        first, second = (*kept_waiting_s, 0.0, 0.0)[:2]
        up = self._uptime()
        self.wait(first)
        wall_s = BOOT_WALL_S + self.up_s + self.step_s
        values = {"cpu": self._stat()} if self.counts_ticks else {}
        self.wait(second)
        if self.reads_twice:
            values["up2"] = f"{self._uptime():.2f}"
        self.samples.append(Sample("fast", up, float(int(wall_s)) if self.whole_seconds else wall_s, values))

    def run(self, samples: int, period_s: float = 1.0) -> None:
        for _ in range(samples):
            self.sample()
            self.wait(period_s)

    def breaks(self, period_s: float = 1.0) -> list[Break]:
        return find_breaks(self.samples, period_s, self.unsampled)

    def launch_unsampled(self, seconds: float, *, asleep_s: float = 0.0) -> tuple[float, float]:
        """A launch during which the sampler leaves the phone alone, with a reading right before and after."""
        self.sample()
        started_s = self.up_s
        self.wait(seconds - asleep_s)
        self.wait(asleep_s, asleep=True)
        ended_s = self.up_s
        self.unsampled.append((started_s, ended_s))
        self.sample()
        return started_s, ended_s

    def leap(self, seconds: float) -> None:
        """Let the counters of all CPUs say what cannot have been."""
        self.awake_s += seconds

    def _uptime(self) -> float:
        return int(self.up_s * 100) / 100

    def _stat(self) -> str:
        ticks = int(self.awake_s * 100)
        return f"{ticks * 3} 4 {ticks} {ticks * (CORES - 4)} 0 0 0 0 {ticks} 0"


def kinds(breaks: list[Break]) -> list[str]:
    return [found.cause for found in breaks]


def test_quiet_run() -> None:
    phone = Phone()
    phone.run(20)
    assert phone.breaks() == []


def test_a_launch_that_is_not_sampled_is_no_gap() -> None:
    for counts_ticks in (True, False):
        phone = Phone(counts_ticks=counts_ticks)
        for _ in range(3):
            phone.run(5)
            phone.launch_unsampled(60.0)
        assert phone.breaks() == []


@pytest.mark.parametrize("asleep_s", [8.0, 30.0, 60.0])
def test_sleep_in_a_launch_that_is_not_sampled_is_found(asleep_s: float) -> None:
    phone = Phone()
    phone.run(5)
    phone.launch_unsampled(60.0, asleep_s=asleep_s)
    phone.launch_unsampled(60.0)
    (found,) = phone.breaks()
    assert found.cause == "suspended"
    assert found.size_s == pytest.approx(asleep_s, abs=0.3)
    assert "without samples" in found.sentence


def test_cores_that_sampled_launches_show_to_be_off_are_no_sleep() -> None:
    phone = Phone()
    phone.run(20)
    for _ in range(10):
        phone.sample()
        phone.wait(1.0)
        phone.awake_s -= 0.25
    phone.sample()
    phone.run(5)
    started_s = phone.up_s
    phone.sample()
    phone.wait(60.0)
    phone.awake_s -= 15.0
    phone.unsampled.append((started_s, phone.up_s))
    phone.run(5)
    assert phone.breaks() == []


def test_step_of_the_clock_in_a_launch_that_is_not_sampled_is_found() -> None:
    phone = Phone()
    phone.run(5)
    phone.launch_unsampled(30.0)
    phone.sample()
    phone.step_s = 2.0
    phone.launch_unsampled(30.0)
    phone.run(2)
    assert kinds(phone.breaks()) == ["clock_step"]


@pytest.mark.parametrize("leap_s", [11.0, 1000.0, 1e9])
@pytest.mark.parametrize("before", [0, 1, 2, 3])
def test_leap_of_the_counters_before_a_gap_does_not_hide_a_sleep(leap_s: float, before: int) -> None:
    phone = Phone()
    phone.run(12)
    phone.leap(leap_s)
    phone.run(before + 1)
    phone.wait(12.0, asleep=True)
    phone.run(6)
    assert kinds(phone.breaks()) == ["suspended"]


def test_leap_of_the_counters_is_no_sleep() -> None:
    phone = Phone()
    for seconds in (1000.0, -900.0, 5.0):
        phone.run(12)
        phone.leap(seconds)
    phone.run(12)
    phone.wait(12.0)
    phone.run(6)
    assert phone.breaks() == []


def test_sleep_shows_as_a_gap_without_ticks() -> None:
    phone = Phone()
    phone.run(5)
    phone.wait(12.0, asleep=True)
    phone.run(5)
    (found,) = phone.breaks()
    assert found.cause == "suspended"
    assert found.size_s == pytest.approx(12.0, abs=0.1)
    assert found.from_up_s == pytest.approx(2910.3)
    assert found.at_up_s == pytest.approx(2923.3)
    assert "slept for 12.0 s" in found.sentence


def test_starved_sampler_is_no_sleep() -> None:
    phone = Phone()
    phone.run(5)
    phone.wait(12.0)
    phone.run(5)
    assert phone.breaks() == []


@pytest.mark.parametrize("period_s", [0.1, 1.0])
def test_counters_that_are_written_late_and_catch_up_are_no_sleep(period_s: float) -> None:
    phone = Phone()
    phone.run(30, period_s)
    stale = phone.samples[-1].values["cpu"]
    phone.wait(5 * period_s)
    phone.sample()
    phone.samples[-1] = replace(phone.samples[-1], values={**phone.samples[-1].values, "cpu": stale})
    phone.wait(period_s)
    phone.run(5, period_s)
    assert phone.breaks(period_s) == []


def test_counters_that_move_once_a_second_tell_a_sleep_at_ten_hertz() -> None:
    phone = Phone()
    for asleep_s in (0.0, 6.0):
        phone.wait(asleep_s, asleep=True)
        for _ in range(4):
            first = len(phone.samples)
            phone.run(10, 0.1)
            told = phone.samples[first].values["cpu"]
            for number in range(first, len(phone.samples)):
                values = {**phone.samples[number].values, "cpu": told}
                phone.samples[number] = replace(phone.samples[number], values=values)
    (found,) = phone.breaks(0.1)
    assert found.size_s == pytest.approx(5.5, abs=1.0)


def test_sleep_in_the_middle_of_a_sample() -> None:
    phone = Phone()
    phone.run(3)
    up = phone.up_s
    phone.wait(20.0, asleep=True)
    phone.sample()
    phone.samples[-1] = replace(phone.samples[-1], uptime_s=up)
    phone.run(3)
    (found,) = phone.breaks()
    assert found.cause == "suspended"


def test_three_periods_are_no_gap() -> None:
    phone = Phone()
    phone.run(3)
    phone.wait(1.9, asleep=True)
    phone.run(3)
    assert phone.breaks() == []


def test_gap_without_known_ticks_is_a_sleep() -> None:
    phone = Phone(counts_ticks=False)
    phone.run(3)
    phone.wait(4.0, asleep=True)
    phone.run(3)
    (found,) = phone.breaks()
    assert (found.cause, found.size_s) == ("suspended", 5.0)


def test_sleep_between_the_only_two_samples() -> None:
    phone = Phone()
    phone.sample()
    phone.wait(60.0, asleep=True)
    phone.sample()
    assert kinds(phone.breaks()) == ["suspended"]


def test_busy_phone_of_two_samples_has_not_slept() -> None:
    phone = Phone()
    phone.sample()
    phone.wait(60.0)
    phone.sample()
    assert phone.breaks() == []


@pytest.mark.parametrize("step_s", [3600.0, -3600.0, 0.2, -0.2])
def test_clock_that_was_set(step_s: float) -> None:
    phone = Phone()
    phone.run(5)
    phone.step_s = step_s
    phone.run(5)
    (found,) = phone.breaks()
    assert found.cause == "clock_step"
    assert found.size_s == pytest.approx(step_s, abs=0.05)


def test_clock_that_was_set_before_the_last_sample() -> None:
    phone = Phone()
    phone.run(5)
    phone.step_s = 2.0
    phone.run(1)
    assert kinds(phone.breaks()) == ["clock_step"]


def test_sampler_kept_waiting_between_its_readings_shows_no_step() -> None:
    phone = Phone()
    phone.run(3)
    phone.sample(0.0, 1.5)
    phone.run(1)
    phone.sample(1.5, 0.0)
    phone.run(3)
    assert phone.breaks() == []


def test_step_is_seen_past_a_sample_that_bounds_little() -> None:
    phone = Phone()
    phone.run(3)
    phone.step_s = 0.3
    phone.sample(0.5, 0.5)
    phone.run(3)
    assert kinds(phone.breaks()) == ["clock_step"]


def test_lone_sample_beside_the_others_is_no_step() -> None:
    phone = Phone()
    phone.run(3)
    phone.step_s = 100.0
    phone.run(1)
    phone.step_s = 0.0
    phone.run(3)
    assert phone.breaks() == []


def test_clock_that_creeps() -> None:
    phone = Phone()
    for _ in range(60):
        phone.run(1)
        phone.step_s += 0.01
    assert "clock_step" in kinds(phone.breaks())


def test_clock_that_is_slewed_by_a_thousandth() -> None:
    phone = Phone()
    for _ in range(300):
        phone.run(1)
        phone.step_s += 0.001
    assert phone.breaks() == []


def test_whole_seconds_show_only_steps_beyond_a_second() -> None:
    phone = Phone(whole_seconds=True)
    phone.run(5)
    phone.step_s = 0.9
    phone.run(5)
    assert phone.breaks() == []
    phone.step_s = 5.0
    phone.run(5)
    assert kinds(phone.breaks()) == ["clock_step"]


def test_uptime_that_was_read_once_bounds_by_the_next_sample() -> None:
    phone = Phone(reads_twice=False)
    phone.run(3)
    phone.sample(0.7)
    phone.run(3)
    assert phone.breaks() == []
    phone.step_s = 10.0
    phone.run(3)
    assert kinds(phone.breaks()) == ["clock_step"]


def test_sleep_and_step_together() -> None:
    phone = Phone()
    phone.run(3)
    phone.wait(30.0, asleep=True)
    phone.step_s = -1.0
    phone.run(3)
    assert sorted(kinds(phone.breaks())) == ["clock_step", "suspended"]


def test_break_touches_only_the_launch_that_it_may_lie_in() -> None:
    found = Break("suspended", 10.0, 20.0, 9.0, "")
    assert found.touches(5.0, 11.0)
    assert found.touches(15.0, None)
    assert found.touches(None, None)
    assert not found.touches(20.0, 30.0)
    assert not found.touches(1.0, 10.0)


@pytest.mark.parametrize(
    ("started_s", "ended_s", "said"),
    [
        (2906.0, 2915.5, None),
        (2902.0, 2919.0, None),
        (None, 2999.0, None),
        (2906.0, None, None),
        (2906.0, 2995.3, "for 80 s no sample"),
        (2806.3, 2910.0, "for 100 s no sample"),
        (2806.3, 2995.3, "for 180 s no sample"),
    ],
)
def test_launch_that_samples_do_not_span(
    started_s: float | None, ended_s: float | None, said: str | None
) -> None:
    phone = Phone()
    phone.run(10)  # from 2906.3 to 2915.3
    found = find_unseen(phone.samples, 1.0, started_s, ended_s)
    assert (found is None) == (said is None)
    assert (found or "").startswith(said or "")


def test_launch_that_was_not_sampled_needs_ticks_on_both_sides() -> None:
    for counts_ticks in (True, False):
        phone = Phone(counts_ticks=counts_ticks)
        phone.run(5)
        span = phone.launch_unsampled(40.0)
        said = find_unseen(phone.samples, 1.0, *span, sampled=False)
        assert (said is None) == counts_ticks
        assert find_unseen(phone.samples, 1.0, *span) is None
        assert "for 40 s" in (find_unseen(phone.samples[:-1], 1.0, *span, sampled=False) or "")
    assert said is not None
    assert said.startswith("for 40 s no sample tells")


def test_launch_without_samples() -> None:
    found = find_unseen([Sample("thermal", 5.0, 5.0, {})], 1.0, 1.0, 1.5)
    assert found == "no sample tells whether the phone slept or its clock was set"


def test_other_lanes_and_unreadable_samples_are_passed_over() -> None:
    phone = Phone()
    phone.run(3)
    phone.samples += [
        Sample("thermal", 5000.0, 1.0, {}),
        Sample("fast", None, None, {}),
        Sample("fast", phone.up_s, None, {"cpu": "junk", "up2": "1"}),
        Sample("fast", phone.up_s + 1, 0.5, {"up2": "1"}),
    ]
    assert phone.breaks() == []


Happening = tuple[Literal["wait", "starve", "sleep", "step"], float]
WAITS = st.floats(0.0, 2.0)
QUIET = st.tuples(st.sampled_from(["wait", "starve"]), st.floats(0.5, 30.0))
SLEEP = st.tuples(st.just("sleep"), st.floats(6.0, 500.0))
STEP = st.tuples(st.just("step"), st.one_of(st.floats(5.0, 1e6), st.floats(-1e6, -5.0)))


def play(phone: Phone, happenings: list[tuple[Happening, float, float]]) -> None:
    phone.run(3)
    for (kind, amount), first, second in happenings:
        if kind == "step":
            phone.step_s += amount
        else:
            phone.wait(amount, asleep=kind == "sleep")
        phone.sample(first, second)
        phone.wait(1.0)
        phone.run(2)


@given(st.lists(st.tuples(QUIET, WAITS, WAITS), max_size=12), st.booleans())
@example([(("starve", 30.0), 2.0, 2.0)] * 3, True)
def test_no_phone_that_is_only_busy_has_a_break(
    happenings: list[tuple[Happening, float, float]], whole_seconds: bool
) -> None:
    phone = Phone(whole_seconds=whole_seconds)
    play(phone, happenings)
    assert phone.breaks() == []


@given(st.lists(st.tuples(st.one_of(QUIET, SLEEP, STEP), WAITS, WAITS), max_size=12))
def test_each_sleep_and_step_is_found_once(happenings: list[tuple[Happening, float, float]]) -> None:
    phone = Phone()
    play(phone, happenings)
    happened = [kind for (kind, _), _, _ in happenings]
    found = kinds(phone.breaks())
    assert found.count("suspended") == happened.count("sleep")
    assert found.count("clock_step") == happened.count("step")


@given(
    st.lists(
        st.builds(
            Sample,
            st.sampled_from(["fast", "thermal"]),
            st.none() | st.floats(allow_nan=False),
            st.none() | st.floats(allow_nan=False, allow_infinity=False),
            st.dictionaries(st.sampled_from(["up2", "cpu"]), st.text(max_size=20)),
        )
    ),
    st.floats(0.1, 5.0),
)
def test_any_samples(samples: list[Sample], period_s: float) -> None:
    assert all(found.sentence for found in find_breaks(samples, period_s))
