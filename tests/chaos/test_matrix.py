"""Each fault at each moment of a run at which it can occur: one end, the right one, once."""

from __future__ import annotations

import asyncio
from itertools import product
from typing import TYPE_CHECKING, get_args

import pytest

from devicehub.runs.lifecycle import RunState
from devicehub.sim.phone import PhoneSpec
from tests.chaos.desk import BOUND_S, desk_with, needs_shells, undisturbed_text
from tests.chaos.injuries import DATA_MIB, Fault, come_from_outside, injure
from tests.chaos.moments import MOMENTS
from tests.chaos.table import MATRIX, Case, End, Never

if TYPE_CHECKING:
    from pathlib import Path

    from devicehub.runs.model import RunRecord

pytestmark = [needs_shells, pytest.mark.slow]
_CASES = {case: end for case, end in MATRIX.items() if isinstance(end, End)}


@pytest.mark.parametrize("case", [case for case in _CASES if case.fault != "hub"], ids=str)
async def test_a_fault_at_a_moment_ends_the_run_once(case: Case, tmp_path: Path) -> None:
    end = _CASES[case]
    assert case.fault != "hub"
    spec = PhoneSpec(
        usb_mode=case.usb_mode,
        data_mib=DATA_MIB if case.fault == "disk" else None,
        settable_clock=case.fault == "clock",
    )
    async with desk_with(tmp_path, (spec, "stdout")) as desk:
        (bench,) = desk.benches
        async with asyncio.timeout(BOUND_S), asyncio.TaskGroup() as tasks:
            tasks.create_task(injure(desk, bench, case.fault, case.moment, for_s=case.for_s))
            carrying = tasks.create_task(desk.carry(bench, retries=case.retries))
        await desk.device(bench)
        (record,) = await desk.assert_ended_once()
        assert record == carrying.result()
        if end.detached:
            assert RunState.DETACHED in bench.listener.states
    await _assert_as_expected(record, end, tmp_path)


@pytest.mark.parametrize("case", [case for case in _CASES if case.fault == "hub"], ids=str)
async def test_the_run_of_a_killed_hub_is_ended_by_the_next_command(case: Case, tmp_path: Path) -> None:
    async with desk_with(tmp_path, (PhoneSpec(), "stdout")) as desk:
        (bench,) = desk.benches
        async with asyncio.timeout(BOUND_S), desk.command(bench, retries=case.retries) as carrying:
            await come_from_outside(desk, bench, case.moment)
            bench.faults.freeze()  # the moment lasts until the hub is dead
            await carrying.kill()
            bench.faults.thaw()
        await desk.adopted()
        (record,) = await desk.assert_ended_once()
    await _assert_as_expected(record, _CASES[case], tmp_path)


async def _assert_as_expected(record: RunRecord, end: End, folder: Path) -> None:
    if end.otherwise is not None and record.verdict != end.verdict:
        end = end.otherwise
    assert (record.verdict, record.cause) == (end.verdict, end.cause), record
    assert len(record.attempts) in end.attempts, record.attempts
    if end.first_cause is not None:
        assert record.attempts[0].cause == end.first_cause
    if end.trusted is not None:
        assert record.trusted is end.trusted, record.trust_reasons
    if end.figures:
        assert record.launches[0].records[0].decode_tok_s
    if record.verdict == "succeeded":
        assert [launch.text for launch in record.launches] == [await undisturbed_text(folder)]


def test_every_pair_has_its_end_or_the_reason_why_it_has_none() -> None:
    pairs = {(case.fault, case.moment) for case in MATRIX}
    assert pairs == set(product((*get_args(Fault), "hub"), MOMENTS))
    assert all(end.reason for end in MATRIX.values() if isinstance(end, Never))
