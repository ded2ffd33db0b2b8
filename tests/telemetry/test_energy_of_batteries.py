"""Energy from what a virtual phone's battery tells, held against what it gave."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devicehub.runs.start import Link, StartState
from devicehub.sim.android.electrics import BatteryModel, BatterySpec
from devicehub.telemetry.energy import measure_energy
from devicehub.telemetry.sample import Sample

UNPLUGGED = StartState(external_power="none", link=Link(kind="tcp"))
IDLE = (0.0, 90.0)
LAUNCHES = ((95.0, 155.0), (160.0, 220.0), (225.0, 285.0))
TOKENS = 300
STEP_S = 0.5
SPECS = st.builds(
    BatterySpec,
    capacity_mah=st.floats(2000, 6000),
    idle_ma=st.floats(50, 500),
    engine_ma_per_ghz=st.floats(200, 900),
    current_unit=st.sampled_from(["uA", "mA"]),
    voltage_unit=st.sampled_from(["uV", "mV"]),
    discharging=st.sampled_from(["negative", "positive"]),
    update_s=st.sampled_from([1.0, 2.5, 10.0]),
)


def live(battery: BatteryModel) -> tuple[list[Sample], float]:
    """What the samples hold of an idle phone and of three launches, and the joules of the launches."""
    samples: list[Sample] = []
    work_j = 0.0
    for step in range(round(290 / STEP_S)):
        up_s = step * STEP_S
        is_busy = any(begin <= up_s < end for begin, end in LAUNCHES)
        before_j = battery.drawn_j
        battery.advance(STEP_S, engine_ghz=3.0 if is_busy else 0.0, plugged=False)
        work_j += battery.drawn_j - before_j if is_busy else 0.0
        files = battery.files(temp_mc=30_000)
        if step % 2:
            names = {"current": "current_now", "voltage": "voltage_now", "status": "status"}
            values = {f"battery.{name}": files[file] for name, file in names.items() if file in files}
            samples.append(Sample("fast", up_s + STEP_S, None, values))
    return samples, work_j


@settings(max_examples=30)
@given(SPECS)
def test_what_the_battery_gave_in_any_unit_and_sign(spec: BatterySpec) -> None:
    battery = BatteryModel(spec, percent=90)
    samples, work_j = live(battery)
    found = measure_energy(
        samples,
        launches=[(begin, end, TOKENS) for begin, end in LAUNCHES],
        idle=[IDLE],
        at_start=UNPLUGGED,
        plugged_end=False,
    )
    assert found.joules is not None
    assert found.idle_w is not None
    whole_j = found.joules + found.idle_w * sum(end - begin for begin, end in LAUNCHES)
    assert whole_j == pytest.approx(work_j, rel=0.03)
    assert found.joules_per_token == pytest.approx(found.joules / (3 * TOKENS))


def test_current_that_the_shell_may_not_read() -> None:
    samples, _ = live(BatteryModel(BatterySpec(hidden=("current_now",)), percent=90))
    found = measure_energy(samples, launches=[(*LAUNCHES[0], 9)], idle=[IDLE], at_start=UNPLUGGED)
    assert found.reason == "the phone does not let the shell read its battery's current"
