"""Phones on the network that went away are connected again, with more patience after each try in vain.

Which: those that were connected through the hub, until they are disconnected through it; a file keeps them
for the next hub. Those that adb has lost while this hub looked on: a connection that went `offline`, or
that the hub itself has cut. And those that a campaign waits for when a hub takes it up. One that leaves adb's
list at once was disconnected by a person, and stays away.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from typing import TYPE_CHECKING, Final

from devicehub.device.lifecycle import DeviceEvent, event_for
from devicehub.errors import HubError
from devicehub.fleet.breaker import Absence
from devicehub.fleet.kept import read_kept, write_kept

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from devicehub.adb.wire import DeviceLine
    from devicehub.clock import Clock
    from devicehub.fleet.door import ServerDoor

ADDRESS: Final = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.%a-z]{2,64}\]):[0-9]{1,5}")
"""`192.168.1.20:37099`, `phone.local:5555`, `[fe80::1]:5555`; adb follows the names that mDNS finds."""
_LOOK_S: Final = 1.0
_MOST: Final = 1_000


class Network:
    """The phones on the network that should be there.

    Args:
        door: connects them.
        file: keeps those that were connected through the hub; None keeps none.
        clock: paces the tries.
        tell: is told what cannot be kept.
    """

    def __init__(
        self, door: ServerDoor, file: Path | None, clock: Clock, tell: Callable[[str], None]
    ) -> None:
        self._door = door
        self._file = file
        self._clock = clock
        self._tell = tell
        kept = (read_kept(file, list[str]) if file else None) or []
        self._kept = {address for address in kept[:_MOST] if ADDRESS.fullmatch(address)}
        self._lost: set[str] = set()
        self._there: set[str] = set()
        self._away: dict[str, Absence] = {}
        self._trying: set[str] = set()

    def see(self, lines: Sequence[DeviceLine]) -> None:
        """Take adb's newest list."""
        there = {line.serial for line in lines if event_for(line.state) is not DeviceEvent.SEEN_OFFLINE}
        offline = {line.serial for line in lines} - there
        self._lost |= {serial for serial in offline & self._there if ADDRESS.fullmatch(serial)}
        self._lost -= there
        self._there = there
        wanted = (self._kept | self._lost) - there
        now_s = self._clock.monotonic_s()
        self._away = {address: self._away.get(address) or Absence(now_s) for address in wanted}

    def keep(self, address: str) -> None:
        """A person connected this phone: it is to stay connected."""
        if address not in self._kept:
            self._kept.add(address)
            self._write()

    def forget(self, address: str) -> None:
        """A person let this phone go."""
        self._lost.discard(address)
        self._away.pop(address, None)
        if address in self._kept:
            self._kept.discard(address)
            self._write()

    def cut(self, address: str) -> None:
        """The hub itself has cut the connection to this phone: it is to come back."""
        self._lost.add(address)

    def want(self, serial: str) -> None:
        """Work waits for this phone; it may have been lost while no hub looked on."""
        if ADDRESS.fullmatch(serial) and serial not in self._there:
            self._lost.add(serial)

    async def run(self) -> None:
        """Connect again what is away, each phone in a task of its own; until cancelled."""
        self._trying.clear()
        async with asyncio.TaskGroup() as tasks:
            while True:
                now_s = self._clock.monotonic_s()
                for address, absence in self._away.items():
                    if address not in self._trying and absence.is_due(now_s):
                        self._trying.add(address)
                        tasks.create_task(self._try(address, absence))
                await self._clock.sleep(_LOOK_S)

    async def _try(self, address: str, absence: Absence) -> None:
        try:
            with contextlib.suppress(HubError):  # adb's list tells whether it is there
                await self._door.connect_again(address)
            absence.tried(self._clock.monotonic_s())
        finally:
            self._trying.discard(address)

    def _write(self) -> None:
        if self._file is None:
            return
        try:
            write_kept(self._file, sorted(self._kept))
        except OSError as error:
            self._tell(f"{self._file}: phones on the network cannot be kept: {error.strerror}")
