"""Random runs: whatever happens, in whatever order, each run ends once, with the truth.

$CHAOS_SEEDS says how many, $CHAOS_FIRST from which seed on; a seed always means the same plan.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from typing import TYPE_CHECKING, Final

import pytest

from devicehub.errors import HubError
from devicehub.sim.phone import PhoneSpec
from tests.chaos.desk import BOUND_S, desk_with, needs_shells, undisturbed_text
from tests.chaos.injuries import DATA_MIB, come_from_outside, injure, strike
from tests.chaos.plan import draw

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from devicehub.runs.model import RunRecord
    from tests.chaos.desk import Bench, Desk
    from tests.chaos.plan import Injury, PhonePlan, Plan

pytestmark = [needs_shells, pytest.mark.slow]

FIRST: Final = int(os.environ.get("CHAOS_FIRST", "0"))
COUNT: Final = int(os.environ.get("CHAOS_SEEDS", "20"))
CAUSES: Final = {
    "cable": {"phone_gone", "deploy_failed", "adbd_restarted", "agent_failed"},
    "frozen": set[str](),
    "server": {"phone_gone", "deploy_failed"},
    "reboot": {"phone_gone", "deploy_failed", "rebooted", "agent_failed"},
    "suspend": {"suspended"},
    "clock": {"clock_step"},
    "supervisor": {"agent_killed", "agent_failed"},
    "agent": {"agent_killed", "agent_failed"},
    "disk": {"no_space", "deploy_failed", "agent_failed", "limit_space"},
}
"""With what a run may fail to which this happened."""


@pytest.mark.parametrize("seed", range(FIRST, FIRST + COUNT))
async def test_seed(seed: int, tmp_path: Path) -> None:
    plan = draw(seed)
    sys.stdout.write(f"{plan}\n")  # pytest shows it where the test fails
    specs = [(_spec(plan, phone), plan.build) for phone in plan.phones]
    async with desk_with(tmp_path, *specs) as desk:
        async with asyncio.timeout(BOUND_S):
            await (_with_a_living_hub if plan.hub_dies is None else _with_a_dying_hub)(desk, plan)
        await desk.adopted()
        records = await desk.assert_ended_once()
    for record in records:
        _assert_true(record, plan, {name for bench in desk.benches for name in bench.spoilt})
        if record.verdict == "succeeded":
            assert [launch.text for launch in record.launches] == [await undisturbed_text(tmp_path)]


def _spec(plan: Plan, phone: PhonePlan) -> PhoneSpec:
    return PhoneSpec(
        usb_mode=phone.usb_mode,
        data_mib=DATA_MIB if "disk" in plan.faults else None,
        settable_clock="clock" in plan.faults,
    )


def _assert_true(record: RunRecord, plan: Plan, spoilt: set[str]) -> None:
    if record.verdict == "succeeded":
        assert record.cause is None
    else:
        possible = {cause for fault in plan.faults for cause in CAUSES[fault]}
        assert record.cause in possible | ({"hub_killed"} if plan.hub_dies else set()), record
        assert not record.trusted
    if record.attempts[-1].phone_run_id in spoilt:
        assert not record.trusted, record


async def _with_a_living_hub(desk: Desk, plan: Plan) -> None:
    """Carry the runs in this process."""
    async with asyncio.TaskGroup() as tasks:
        carrying = [tasks.create_task(_carry(desk, bench, plan)) for bench in desk.benches]
        injuring = [
            tasks.create_task(injure(desk, bench, injury.fault, injury.moment, for_s=injury.for_s))
            for bench, injury in _injuries(desk, plan)
        ]
        await asyncio.wait(carrying)
        await _let_end(desk, injuring)


async def _carry(desk: Desk, bench: Bench, plan: Plan) -> None:
    with contextlib.suppress(HubError):  # left to the phone, or refused before it began
        await desk.carry(bench, retries=plan.retries)


async def _with_a_dying_hub(desk: Desk, plan: Plan) -> None:
    """Let a hub of its own carry the runs, and kill it at a moment of the first one."""

    async def hurt(bench: Bench, injury: Injury) -> None:
        await come_from_outside(desk, bench, injury.moment)
        await strike(desk, bench, injury.fault, for_s=injury.for_s)

    assert plan.hub_dies is not None
    async with desk.command(*desk.benches, retries=plan.retries) as carrying, asyncio.TaskGroup() as tasks:
        injuring = [tasks.create_task(hurt(bench, injury)) for bench, injury in _injuries(desk, plan)]
        dying = asyncio.ensure_future(come_from_outside(desk, desk.benches[0], plan.hub_dies))
        ending = asyncio.ensure_future(carrying.asking.communicate())
        await asyncio.wait({dying, ending}, return_when=asyncio.FIRST_COMPLETED)
        await carrying.kill()
        dying.cancel()
        await ending
        await desk.decided()
        await _let_end(desk, injuring)


def _injuries(desk: Desk, plan: Plan) -> list[tuple[Bench, Injury]]:
    return [
        (bench, injury)
        for bench, phone in zip(desk.benches, plan.phones, strict=True)
        for injury in phone.injuries
    ]


async def _let_end(desk: Desk, injuring: Sequence[asyncio.Task[None]]) -> None:
    """What has begun ends; what waits for a moment that never came does not begin."""
    for bench in desk.benches:
        async with bench.one_at_a_time:
            bench.is_over = True
    for injury in injuring:
        injury.cancel()
