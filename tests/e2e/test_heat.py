"""A phone that warms and throttles, by a clock of the test's: gated, flagged, and refused for comparison."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from devicehub.adb.server import private_server
from devicehub.clock import SystemClock
from devicehub.demo_model import demo_model_dir
from devicehub.dispatch.request import RunRequest, SilentListener
from devicehub.hub import open_hub
from devicehub.measure.compare import compare_records
from devicehub.profiles.load import run_profile
from devicehub.profiles.schema import GateSpec
from devicehub.runs.model import Protocol
from devicehub.settings import Home
from devicehub.sim.android.thermal import ThermalSpec
from devicehub.sim.bundles import engine_bundle
from devicehub.sim.engine.scenario import EngineScript
from devicehub.sim.phone import PhoneSpec, virtual_phone
from tests.manual_clock import ManualClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from devicehub.engines.catalog import Engine
    from devicehub.hub import Hub
    from devicehub.models.catalog import Model
    from devicehub.runs.model import RunRecord
    from devicehub.sim.phone import VirtualPhone

pytestmark = pytest.mark.asyncio(loop_scope="module")

IDLE_C = 31.8
COOL_ENOUGH_C = 35.0


@dataclass
class Heard(SilentListener):
    notes: list[str] = field(default_factory=list)

    def on_note(self, text: str) -> None:
        self.notes.append(text)


@dataclass
class Lab:
    hub: Hub
    phone: VirtualPhone
    clock: ManualClock
    engine: Engine
    model: Model

    async def run(self, *, gate: GateSpec | None, listener: Heard | None = None) -> RunRecord:
        """Two launches, behind a gate or without one."""
        (device,) = await self.hub.devices()
        protocol = Protocol(
            id="heat", summary="two launches", workload="demo", warmups=0, launches=2, gate=gate
        )
        request = RunRequest(
            run_id=self.hub.new_run_id(),
            engine=self.engine,
            model=self.model,
            profile=run_profile("greedy-repeatable", self.hub.home),
            prompts=b"What is DeviceHub?\n",
            protocol=protocol,
            sample_hz=4,
        )
        return (await self.hub.run(request, device, listener or Heard())).record


@asynccontextmanager
async def open_lab(folder: Path) -> AsyncIterator[Lab]:
    clock = ManualClock()
    # At its idle temperature unless somebody warms it: the clock stands still.
    spec = PhoneSpec(thermal=ThermalSpec())
    async with (
        private_server(home=folder / "adb") as server,
        virtual_phone(spec, keys=[server.key_path], clock=clock) as phone,
    ):
        hub = await open_hub(home=Home(folder / "home"), address=server.address)
        await hub.client.connect(phone.address)
        engine = hub.engines.add(engine_bundle("virtual"), "plain")
        # Long enough for the sampler to see each launch.
        phone.set_engine_script(EngineScript(token_ms=30))
        yield Lab(hub, phone, clock, engine, hub.models.add(demo_model_dir()))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Lab]:
    async with open_lab(tmp_path_factory.mktemp("lab")) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cool(lab: Lab) -> RunRecord:
    """A run of the phone as it should be measured."""
    record = await lab.run(gate=GateSpec())
    assert (record.state, record.cause) == ("succeeded", None)
    assert [launch.gate is not None and launch.gate.waited_s < 60 for launch in record.launches] == [True] * 2
    assert record.conditions.throttling == "no"
    return record


async def until(holds: Callable[[], bool], running: asyncio.Future[RunRecord]) -> None:
    """Wait for something that happens before a run's end."""
    async with asyncio.timeout(120):
        while not holds():
            assert not running.done(), running
            await SystemClock().sleep(0.05)


def unlike(a: RunRecord, b: RunRecord) -> list[str]:
    return [facet.what for facet in compare_records(a, b).unlike]


async def test_a_warm_phone_waits_at_the_gate_until_it_has_cooled(lab: Lab, cool: RunRecord) -> None:
    lab.phone.thermal.warm_to(44)
    heard = Heard()
    running = asyncio.ensure_future(lab.run(gate=GateSpec(temp_c=COOL_ENOUGH_C), listener=heard))
    await until(lambda: any("at the gate: " in note and "44.0" in note for note in heard.notes), running)
    assert lab.phone.thermal.load == 0
    lab.clock.advance(600)
    record = await running
    assert (record.state, record.cause) == ("succeeded", None)
    first, second = (launch.gate for launch in record.launches)
    assert first is not None
    assert second is not None
    assert first.waited_s > 1
    for gate in (first, second):
        assert (gate.timed_out, gate.throttled, gate.zone) == (False, False, "skin-therm")
        assert gate.temp_mc is not None
        assert gate.temp_mc <= COOL_ENOUGH_C * 1000
    assert record.conditions.throttling == "no"
    assert unlike(cool, record) == []


async def test_a_gate_that_times_out_is_flagged_and_its_figures_are_kept_apart(
    lab: Lab, cool: RunRecord
) -> None:
    lab.phone.thermal.warm_to(37.5)
    record = await lab.run(gate=GateSpec(temp_c=COOL_ENOUGH_C, cap_s=1))
    assert (record.state, record.cause) == ("succeeded", None)
    assert [launch.gate is not None and launch.gate.timed_out for launch in record.launches] == [True, True]
    assert all("gate_timed_out" in {flag.slug for flag in launch.flags} for launch in record.launches)
    assert record.summary is not None
    assert record.summary.launches == 2
    assert unlike(cool, record) == ["protocol gate", "temperature at the start"]


async def test_a_phone_that_throttles_meanwhile_is_flagged_and_refused(lab: Lab, cool: RunRecord) -> None:
    lab.phone.thermal.warm_to(IDLE_C)
    running = asyncio.ensure_future(lab.run(gate=GateSpec()))
    await until(lambda: lab.phone.thermal.load == 1, running)
    lab.phone.thermal.warm_to(44)
    await until(lambda: lab.phone.thermal.load == 0, running)
    lab.clock.advance(600)
    record = await running
    assert (record.state, record.cause) == ("succeeded", None)
    assert record.conditions.throttling == "yes"
    assert record.conditions.thermal_status_highest is None or record.conditions.thermal_status_highest >= 2
    flags = {flag.slug for flag in [*record.flags, *(flag for it in record.launches for flag in it.flags)]}
    assert "throttled" in flags
    assert unlike(cool, record) == ["throttled"]
