"""Watches adb's list of phones."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from devicehub.adb.client import AdbClient
    from devicehub.adb.wire import DeviceLine
    from devicehub.clock import Clock

POLL_S: Final = 2.0
"""A dead TCP phone shows in `devices-l` at once, but `track-devices` was seen to stay silent for 14 s."""


class Discovery:
    """Combines `track-devices` (fast) with a slow poll of `devices-l` (right)."""

    def __init__(self, client: AdbClient, clock: Clock, *, poll_s: float = POLL_S) -> None:
        self._client = client
        self._clock = clock
        self._poll_s = poll_s
        self._last: Sequence[DeviceLine] | None = None

    async def watch(self, on_list: Callable[[Sequence[DeviceLine]], None]) -> None:
        """Call `on_list` with adb's list now and whenever it differs; runs until cancelled.

        Raises:
            AdbServerUnavailable: there is no server.
            ExceptionGroup: of AdbServerUnavailable, when the server died.
        """

        def publish(lines: Sequence[DeviceLine]) -> None:
            if lines != self._last:
                self._last = lines
                on_list(lines)

        publish(await self._client.devices())
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._track(publish))
            tasks.create_task(self._poll(publish))

    async def _track(self, publish: Callable[[Sequence[DeviceLine]], None]) -> None:
        async with contextlib.aclosing(self._client.track()) as lists:
            async for lines in lists:
                publish(lines)

    async def _poll(self, publish: Callable[[Sequence[DeviceLine]], None]) -> None:
        while True:
            await self._clock.sleep(self._poll_s)
            publish(await self._client.devices())
