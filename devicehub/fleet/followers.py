"""One task for each phone of which something is wanted."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from devicehub.cancellation import heed_cancellation
from devicehub.runs.retry import backoff_s

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from devicehub.clock import Clock

log = logging.getLogger(__name__)

_FIRST_WAIT_S: Final = 2.0
_LONGEST_WAIT_S: Final = 60.0


class Followers:
    """Follows the phones that are wanted, each until it is not any more.

    Args:
        follow: follows the phone of an id until it is cancelled.
        clock: paces what failed.
    """

    def __init__(self, follow: Callable[[str], Coroutine[None, None, None]], clock: Clock) -> None:
        self._follow = follow
        self._clock = clock
        self._wanted: frozenset[str] = frozenset()
        self._changed = asyncio.Event()

    def want(self, devices: frozenset[str]) -> None:
        """Say which devices are to be followed from now on; the others are left alone at once."""
        if devices != self._wanted:
            self._wanted = devices
            self._changed.set()

    async def run(self) -> None:
        """Follow; until cancelled."""
        following: dict[str, asyncio.Task[None]] = {}
        self._changed.set()  # those that were wanted before
        async with asyncio.TaskGroup() as tasks:
            while True:
                await self._changed.wait()
                self._changed.clear()
                for device in following.keys() - self._wanted:
                    following.pop(device).cancel()
                for device in self._wanted - following.keys():
                    following[device] = tasks.create_task(self._follow_on(device))

    async def _follow_on(self, device: str) -> None:
        failures = 0
        while True:
            try:
                await self._follow(device)
            except Exception:
                heed_cancellation()
                # What the hub stumbles over with one phone must not take the others along.
                log.exception("what %s says could not be followed", device, extra={"serial": device})
            failures += 1
            await self._clock.sleep(backoff_s(failures, first_s=_FIRST_WAIT_S, longest_s=_LONGEST_WAIT_S))
