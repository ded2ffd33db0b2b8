"""Whoever catches an error of a task group still ends when it is cancelled."""

from __future__ import annotations

import asyncio

from devicehub.cancellation import heed_cancellation


class TornError(Exception):
    pass


async def fail_when_cancelled(begun: asyncio.Event) -> None:
    try:
        begun.set()
        await asyncio.Event().wait()
    finally:
        raise TornError


async def test_an_error_met_while_a_group_is_cancelled_does_not_keep_its_owner_alive() -> None:
    begun = asyncio.Event()
    rounds = 0

    async def work() -> None:
        nonlocal rounds
        while rounds < 5:
            rounds += 1
            try:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(fail_when_cancelled(begun))
            except* TornError:
                heed_cancellation()

    task = asyncio.ensure_future(work())
    await begun.wait()
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()
    assert rounds == 1


async def test_without_a_cancellation_work_goes_on() -> None:
    heed_cancellation()
