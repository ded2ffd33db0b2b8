"""The two runs of a comparison of phones: on each its own, started at the same time."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from devicehub.cancellation import heed_cancellation
from devicehub.dispatch.carrier import Carrier
from devicehub.dispatch.follower import first_of
from devicehub.errors import HubError
from devicehub.runs.retry import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devicehub.adb.client import Transport
    from devicehub.device.model import Device
    from devicehub.dispatch.carrier import Outcome
    from devicehub.dispatch.means import Means
    from devicehub.dispatch.request import RunListener, RunRequest


async def carry_side_by_side(
    requests: Sequence[RunRequest],
    devices: Sequence[Device],
    transports: Sequence[Transport],
    means: Means,
    listeners: Sequence[RunListener] | None = None,
    *,
    leaves_runs: bool = False,
) -> tuple[Outcome, Outcome]:
    """Carry a run on each of two phones; neither starts before all is on both.

    A run that ends before its start ends the wait of the other, which then starts alone. `leaves_runs` is
    that of `Carrier`.

    Raises:
        HubError: one of them was refused, or its phone is out of reach; the other is stopped.
    """
    barrier = asyncio.Barrier(len(requests))

    async def before_start() -> None:
        try:
            await barrier.wait()
        except asyncio.BrokenBarrierError:
            return

    async def carry(number: int) -> Outcome:
        own = [listeners[number]] if listeners else None
        # Tried again, a run would have no other beside it.
        request = replace(requests[number], retries=RetryPolicy(retries=0))
        carrier = Carrier(
            [request],
            devices[number],
            transports[number],
            means,
            own,
            before_start=before_start,
            leaves_runs=leaves_runs,
        )
        try:
            [outcome] = await carrier.carry()
        finally:
            await barrier.abort()
        return outcome

    try:
        async with asyncio.TaskGroup() as tasks:
            first, second = (tasks.create_task(carry(number)) for number in range(2))
    except* HubError as group:
        heed_cancellation()
        raise first_of(group) from None
    return first.result(), second.result()
