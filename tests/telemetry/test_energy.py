"""Energy per token from batteries whose gauges differ, and every reason why there is none."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from devicehub.runs.start import Link, StartState
from devicehub.telemetry.battery import read_gauge
from devicehub.telemetry.energy import measure_energy
from devicehub.telemetry.sample import Sample

if TYPE_CHECKING:
    from devicehub.runs.model import Energy

UNPLUGGED = StartState(external_power="none", charge="discharging", link=Link(kind="tcp"))
IDLE_W, BUSY_W = 0.9, 5.4
TOKENS = 128


@dataclass(frozen=True)
class Battery:
    """A phone that idles, then launches with pauses between, and what its gauge says meanwhile."""

    per_ampere: float = 1e6
    sign: int = -1
    volts: float = 3.9
    per_volt: float = 1e6
    period_s: float = 1.0
    is_mean: bool = False
    launches: int = 4
    launch_s: float = 40.0
    idle_s: float = 60.0
    status: str | None = "Discharging"
    wobble: float = 0.02
    seed: int = 1

    def spans(self) -> list[tuple[float, float]]:
        """Idle first, then the launches."""
        spans, at_s = [(100.0, 100.0 + self.idle_s)], 100.0 + self.idle_s + 4
        for _ in range(self.launches):
            spans.append((at_s, at_s + self.launch_s))
            at_s += self.launch_s + 6
        return spans

    def watts(self, up_s: float) -> float:
        return BUSY_W if any(begin <= up_s < end for begin, end in self.spans()[1:]) else IDLE_W

    def samples(self) -> list[Sample]:
        chance = random.Random(self.seed)
        found: list[Sample] = []
        shown, due_s, last_s = 0, 90.0 + chance.random() * min(self.period_s, 9), 90.0 - self.period_s
        for tenth in range(900, round(self.spans()[-1][1] * 10) + 50):
            up_s = tenth / 10
            if up_s >= due_s:
                steps = [last_s + (due_s - last_s) * part / 20 for part in range(1, 21)]
                watts = sum(map(self.watts, steps)) / 20 if self.is_mean else self.watts(due_s)
                amperes = watts / self.volts * (1 + self.wobble * chance.uniform(-1, 1))
                shown = round(self.sign * amperes * self.per_ampere)
                last_s, due_s = due_s, due_s + self.period_s
            if tenth % 10 == 0 and shown:
                found.append(self._sample(up_s, shown))
        return found

    def _sample(self, up_s: float, shown: int) -> Sample:
        values = {"battery.current": str(shown), "battery.voltage": f"{self.volts * self.per_volt:.0f}"}
        if self.status is not None:
            values["battery.status"] = self.status
        return Sample("fast", up_s, up_s, values)

    def joules_per_token(self) -> float:
        return (BUSY_W - IDLE_W) * self.launch_s / TOKENS


def measure(
    battery: Battery, *, at_start: StartState | None = UNPLUGGED, plugged_end: bool | None = False
) -> Energy:
    idle, *launches = battery.spans()
    return measure_energy(
        battery.samples(),
        launches=[(begin, end, TOKENS) for begin, end in launches],
        idle=[idle],
        at_start=at_start,
        plugged_end=plugged_end,
    )


def test_figure_of_a_gauge_that_is_read_each_second() -> None:
    battery = Battery()
    found = measure(battery)
    assert found.reason is None
    assert found.joules_per_token == pytest.approx(battery.joules_per_token(), rel=0.02)
    assert found.idle_w == pytest.approx(IDLE_W, rel=0.02)
    assert found.tokens == 4 * TOKENS
    assert found.joules == pytest.approx((found.joules_per_token or 0) * 4 * TOKENS)
    assert found.method.startswith("the battery's current times its voltage over 4 whole launches")
    assert found.method.endswith("the phone gives the current in µA, negative while discharging")
    assert found.raw["battery.current"].startswith("-2")
    assert found.raw["battery.status"] == "Discharging"


@pytest.mark.parametrize("per_ampere", [1e6, 1e3])
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("per_volt", [1e6, 1e3])
def test_unit_and_sign_are_the_vendors_own(per_ampere: float, sign: int, per_volt: float) -> None:
    battery = Battery(per_ampere=per_ampere, sign=sign, per_volt=per_volt)
    found = measure(battery)
    assert found.joules_per_token == pytest.approx(battery.joules_per_token(), rel=0.02)
    assert ("positive" in found.method, "mA" in found.method) == (sign > 0, per_ampere == 1e3)


@settings(max_examples=60)
@given(
    st.builds(
        Battery,
        per_ampere=st.sampled_from([1e6, 1e3]),
        sign=st.sampled_from([1, -1]),
        volts=st.floats(3.3, 8.8),
        period_s=st.floats(0.3, 30),
        is_mean=st.booleans(),
        launches=st.integers(1, 5),
        launch_s=st.floats(3, 120),
        idle_s=st.floats(10, 120),
        seed=st.integers(0, 1000),
    )
)
def test_figure_is_right_or_there_is_none(battery: Battery) -> None:
    found = measure(battery)
    if found.joules_per_token is None:
        assert found.reason is not None
        assert "too few readings" in found.reason or "the idle time held too few" in found.reason
        # The gauge's own time decides, as far as a sampler sees it each second.
        period_s = max(battery.period_s, 1.0)
        assert min(battery.launch_s * battery.launches / 2, battery.launch_s, battery.idle_s) < 12 * period_s
    else:
        assert found.joules_per_token == pytest.approx(battery.joules_per_token(), rel=0.05)


def test_gauge_that_is_read_every_half_minute_needs_longer_launches() -> None:
    found = measure(Battery(period_s=30, launch_s=30))
    assert found.joules_per_token is None
    assert found.reason == (
        "too few readings of the battery's current, which changes about every 30 s, fell within the measured "
        "launches: longer or more launches are needed"
    )
    longer = Battery(period_s=30, launch_s=300, idle_s=300)
    assert measure(longer).joules_per_token == pytest.approx(longer.joules_per_token(), rel=0.05)


def test_short_idle_time_gives_no_baseline() -> None:
    reason = measure(Battery(period_s=10, idle_s=20, launch_s=120)).reason
    assert reason == (
        "the idle time held too few readings of the battery's current, which changes about every 10 s: "
        "it was too short"
    )


def test_idle_current_that_stays_the_same_in_milliamperes() -> None:
    battery = Battery(per_ampere=1e3, volts=9.0, wobble=0.004)
    idle = battery.spans()[0]
    shown = {s.values["battery.current"] for s in battery.samples() if idle[0] < (s.uptime_s or 0) < idle[1]}
    assert len(shown) == 1
    assert measure(battery).joules_per_token == pytest.approx(battery.joules_per_token(), rel=0.02)


def test_gauge_that_never_changes() -> None:
    reason = measure(Battery(period_s=10_000)).reason
    assert reason is not None
    assert "which never changes" in reason


def test_launch_without_samples_counts_with_nothing() -> None:
    battery = Battery()
    idle, *launches = battery.spans()
    unseen = launches[1]
    samples = [sample for sample in battery.samples() if not unseen[0] <= (sample.uptime_s or 0) <= unseen[1]]
    found = measure_energy(
        samples,
        launches=[(begin, end, TOKENS if (begin, end) != unseen else None) for begin, end in launches],
        idle=[idle],
        at_start=UNPLUGGED,
    )
    assert found.tokens == 3 * TOKENS
    assert found.joules_per_token == pytest.approx(battery.joules_per_token(), rel=0.02)


def test_voltage_of_another_lane_counts() -> None:
    samples = [
        Sample("fast", 1.0, None, {"battery.current": "-1"}),
        Sample("battery", 2.0, None, {"battery.voltage": "4000"}),
        Sample("fast", 3.0, None, {"battery.current": "-2"}),
        Sample("battery", 4.0, None, {"battery.voltage": "3900"}),
        Sample("fast", 5.0, None, {"battery.current": "-3", "battery.voltage": "unknown"}),
    ]
    assert [(reading.current, reading.volts) for reading in read_gauge(samples)] == [
        (-1, 4.0),
        (-2, 4.0),
        (-3, 3.9),
    ]


@pytest.mark.parametrize(
    ("status", "at_start", "plugged_end", "reason"),
    [
        (
            "Charging",
            replace(UNPLUGGED, external_power="usb", link=Link(kind="usb")),
            None,
            "adb goes over USB, which powers the phone; connect over Wi-Fi and unplug it",
        ),
        (
            "Charging",
            replace(UNPLUGGED, external_power="ac"),
            None,
            "the phone was plugged in; unplug it and connect over Wi-Fi",
        ),
        (
            "Not charging",
            UNPLUGGED,
            False,
            "the battery was not discharging all the time, the phone called it not charging",
        ),
        (None, UNPLUGGED, True, "the phone was plugged in while the run went on"),
        (None, UNPLUGGED, None, "the phone does not tell whether it ran on its battery all the time"),
        (None, None, False, "the phone does not tell whether it ran on its battery all the time"),
    ],
)
def test_power_from_outside(
    status: str | None, at_start: StartState | None, plugged_end: bool | None, reason: str
) -> None:
    found = measure(Battery(status=status), at_start=at_start, plugged_end=plugged_end)
    assert (found.joules_per_token, found.reason) == (None, reason)
    assert found.raw["battery.current"]


def test_battery_that_is_known_to_discharge() -> None:
    assert measure(Battery(status=None)).joules_per_token is not None
    assert measure(Battery(), at_start=None, plugged_end=None).joules_per_token is not None


def test_phone_without_readable_current() -> None:
    samples = [Sample("battery", 1.0, None, {"battery.voltage": "4000", "battery.status": "3"})]
    found = measure_energy(samples, launches=[(0, 9, 1)], idle=[(0, 1)], at_start=UNPLUGGED)
    assert found.reason == "the phone does not let the shell read its battery's current"


def test_phone_without_voltage() -> None:
    samples = [Sample("fast", 1.0, None, {"battery.current": "-1", "battery.status": "3"})]
    found = measure_energy(samples, launches=[(0, 9, 1)], idle=[(0, 1)], at_start=UNPLUGGED)
    assert found.reason == "the phone does not tell its battery's voltage"


@pytest.mark.parametrize(
    ("launches", "idle", "reason"),
    [
        ([], [(100.0, 160.0)], "no measured launch succeeded"),
        ([(164.0, 204.0, 9)], [], "the idle phone was not measured"),
        ([(164.0, 204.0, None)], [(100.0, 160.0)], "a launch does not say how many tokens it generated"),
        (
            [(None, None, 9)],
            [(100.0, 160.0)],
            "too few readings of the battery's current, which changes about every 1 s, fell within the "
            "measured launches: longer or more launches are needed",
        ),
        (
            [(100.0, 160.0, 9)],
            [(164.0, 204.0)],
            "the phone took 0.90 W at work and no less when idle, 5.40 W",
        ),
    ],
)
def test_run_that_lacks_a_part(
    launches: list[tuple[float | None, float | None, int | None]],
    idle: list[tuple[float | None, float | None]],
    reason: str,
) -> None:
    samples = Battery(wobble=1e-5).samples()
    found = measure_energy(samples, launches=launches, idle=idle, at_start=UNPLUGGED)
    assert (found.joules_per_token, found.reason) == (None, reason)


def test_current_that_no_phone_takes() -> None:
    reason = measure(Battery(per_ampere=1e8)).reason
    assert reason is not None
    assert reason.endswith("W at work, which cannot be")


@given(
    st.lists(
        st.tuples(
            st.floats(0, 100),
            st.one_of(st.text(max_size=8), st.floats().map(str), st.integers().map(str)),
            st.one_of(st.text(max_size=8), st.integers().map(str)),
        )
    ),
    st.lists(st.tuples(st.floats() | st.none(), st.floats() | st.none(), st.integers() | st.none())),
    st.lists(st.tuples(st.floats() | st.none(), st.floats() | st.none())),
)
def test_any_readings(
    readings: list[tuple[float, str, str]],
    launches: list[tuple[float | None, float | None, int | None]],
    idle: list[tuple[float | None, float | None]],
) -> None:
    samples = [
        Sample("fast", up_s, None, {"battery.current": current, "battery.voltage": voltage})
        for up_s, current, voltage in readings
    ]
    found = measure_energy(samples, launches=launches, idle=idle, at_start=UNPLUGGED, plugged_end=False)
    assert (found.joules_per_token is None) == (found.reason is not None)
    assert found.joules_per_token is None or math.isfinite(found.joules_per_token)
