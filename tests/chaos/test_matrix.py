"""Each fault at each moment of a run at which it can occur: one end, the right one, once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from devicehub.runs.lifecycle import RunState
from devicehub.sim.phone import PhoneSpec
from tests.chaos.desk import desk_with, needs_shells, undisturbed_text
from tests.chaos.injuries import injure
from tests.chaos.table import MATRIX, Case, End, Never

if TYPE_CHECKING:
    from pathlib import Path

    from devicehub.runs.model import RunRecord

pytestmark = [needs_shells, pytest.mark.slow]


@pytest.mark.parametrize("case", [case for case, end in MATRIX.items() if isinstance(end, End)], ids=str)
async def test_a_fault_at_a_moment_ends_the_run_once(case: Case, tmp_path: Path) -> None:
    end = MATRIX[case]
    assert isinstance(end, End)
    spec = PhoneSpec(usb_mode=case.usb_mode)
    async with desk_with(tmp_path, (spec, "stdout")) as desk:
        (bench,) = desk.benches
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(injure(desk, bench, case.fault, case.moment, for_s=case.for_s))
            carrying = tasks.create_task(desk.carry(bench, retries=case.retries))
        (record,) = await desk.assert_ended_once()
        assert record == carrying.result()
        if end.detached:
            assert RunState.DETACHED in bench.listener.states
    assert_as_expected(record, end)
    if record.verdict == "succeeded":
        assert record.launches[0].text == await undisturbed_text(tmp_path)


def assert_as_expected(record: RunRecord, end: End) -> None:
    assert (record.verdict, record.cause) == (end.verdict, end.cause), record
    assert len(record.attempts) in end.attempts, record.attempts
    if end.first_cause is not None:
        assert record.attempts[0].cause == end.first_cause
    if end.trusted is not None:
        assert record.trusted is end.trusted, record.trust_reasons


def test_whatever_cannot_occur_is_said_why() -> None:
    assert all(end.reason for end in MATRIX.values() if isinstance(end, Never))
