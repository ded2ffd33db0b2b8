"""The adb server as all of this process reach it: while it is dead, one at a time tries to have it back."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from devicehub.device.lifecycle import DeviceEvent, event_for
from devicehub.errors import AdbError, AdbServerUnavailable
from devicehub.runs.retry import Breaker

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from devicehub.adb.client import AdbClient
    from devicehub.adb.wire import DeviceLine
    from devicehub.clock import Clock


class ServerDoor:
    """Guards an adb server.

    Args:
        client: the server.
        clock: paces the tries.
        start: has a dead server back, where that is ours to do; raises AdbError where it is not back.
    """

    def __init__(self, client: AdbClient, clock: Clock, start: Callable[[], Awaitable[None]]) -> None:
        self._client = client
        self._clock = clock
        self._start = start
        self._breaker = Breaker()
        self._mending = asyncio.Lock()
        self._tries = 0
        self._problem: AdbError | None = None
        self._dialling: dict[str, asyncio.Lock] = {}

    async def devices(self) -> list[DeviceLine]:
        """What the server lists; a dead server is started again first, where that is ours to do.

        Raises:
            AdbError: it does not answer, or was asked too often while it did not.
        """
        wait_s = self._breaker.wait_s(self._clock.monotonic_s())
        if wait_s > 0:
            said = f"{self._problem}; " if self._problem else "the adb server does not answer; "
            raise AdbServerUnavailable(f"{said}next try in {wait_s:.0f} s")
        tries = self._tries
        try:
            try:
                lines = await self._client.devices()
            except AdbServerUnavailable:
                await self._mend(tries)
                lines = await self._client.devices()
        except AdbError as error:
            self._problem = error
            self._breaker.failed(self._clock.monotonic_s())
            raise
        self._breaker.succeeded()
        return lines

    async def connect_again(self, address: str) -> None:
        """Connect a phone on the network anew, unless it is connected; one try at a time for each.

        Raises:
            AdbError: it could not be.
        """
        lock = self._dialling.setdefault(address, asyncio.Lock())
        async with lock:
            mine = [line for line in await self._client.devices() if line.serial == address]
            if any(event_for(line.state) is DeviceEvent.SEEN for line in mine):
                return  # whoever was first has done it
            await self._dial(address, stale=bool(mine))

    async def cut_and_connect(self, address: str) -> None:
        """Drop the connection to a phone on the network and make a new one.

        Raises:
            AdbError: it could not be made.
        """
        async with self._dialling.setdefault(address, asyncio.Lock()):
            await self._dial(address, stale=True)

    async def _dial(self, address: str, *, stale: bool) -> None:
        if stale:
            # A connection that is there but dead stays so for adb until it is forgotten.
            with contextlib.suppress(AdbError):
                await self._client.disconnect(address)
        await self._client.connect(address)

    async def _mend(self, tries: int) -> None:
        """Have the server back; who waited while another tried shares the outcome of that."""
        async with self._mending:
            if self._tries != tries:
                if self._problem is not None:
                    raise AdbServerUnavailable(str(self._problem))
                return
            self._problem = None
            try:
                await self._start()
            except AdbError as error:
                self._problem = error
                raise
            finally:
                self._tries += 1
