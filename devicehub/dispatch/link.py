"""The way to one phone, found again after a break."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devicehub.device.lifecycle import DeviceEvent, event_for
from devicehub.device.model import is_tcp
from devicehub.device.probe import read_properties
from devicehub.errors import AdbError, DeviceGone, SelectionError
from devicehub.runs.retry import backoff_s

if TYPE_CHECKING:
    from devicehub.adb.client import AdbClient, Transport
    from devicehub.adb.wire import DeviceLine
    from devicehub.clock import Clock
    from devicehub.fleet.door import ServerDoor

_FIRST_WAIT_S: Final = 0.25
_LONGEST_WAIT_S: Final = 5.0


@dataclass(frozen=True)
class _Candidate:
    """A phone of the right ro.serialno."""

    line: DeviceLine
    transport: Transport
    boot_id: str | None


class Link:
    """One phone, by whatever way adb reaches it.

    Args:
        client: its adb server.
        door: guards that server while it is dead.
        serialno: who the phone is; cheap phones share one.
        boot_id: which of them, until it boots anew.
        transport: the way that worked last.
        serial: adb's label of that way.
        clock: paces the tries.
    """

    def __init__(
        self,
        client: AdbClient,
        door: ServerDoor,
        *,
        serialno: str,
        boot_id: str,
        transport: Transport,
        serial: str,
        clock: Clock,
    ) -> None:
        self._client = client
        self._door = door
        self._serialno = serialno
        self._boot_id = boot_id
        self._serial = serial
        self._clock = clock
        self.transport = transport

    async def back(self, *, deadline_s: float) -> Transport:
        """Wait until the phone answers; the way to it, which may be another one than before.

        Args:
            deadline_s: on the clock's monotonic scale.

        Raises:
            DeviceGone: it did not until then.
        """
        tries = 0
        while True:
            tries += 1
            found = await self._look()
            if found is not None:
                self.transport = found
                return found
            wait_s = backoff_s(tries, first_s=_FIRST_WAIT_S, longest_s=_LONGEST_WAIT_S)
            now_s = self._clock.monotonic_s()
            if now_s >= deadline_s:
                raise DeviceGone(serial=self._serial, during="waiting", problem="did not come back")
            await self._clock.sleep(min(wait_s, deadline_s - now_s))

    async def _look(self) -> Transport | None:
        try:
            lines = await self._door.devices()
        except (AdbError, SelectionError):
            return None
        chosen = await self._choose(lines)
        if chosen is None:
            await self._connect_again(lines)
            return None
        self._serial = chosen.line.serial
        return chosen.transport

    async def _choose(self, lines: list[DeviceLine]) -> _Candidate | None:
        candidates = []
        for line in sorted(lines, key=lambda line: line.serial != self._serial):
            if event_for(line.state) is DeviceEvent.SEEN and (found := await self._recognise(line)):
                if found.boot_id == self._boot_id:
                    return found
                candidates.append(found)
        # After a reboot the label tells; without it, it must be the only phone of its serialno.
        same_label = [found for found in candidates if found.line.serial == self._serial]
        return next(iter(same_label or (candidates if len(candidates) == 1 else [])), None)

    async def _recognise(self, line: DeviceLine) -> _Candidate | None:
        shared = line.transport_id is not None and line.serial != self._serial
        transport = (
            self._client.transport(transport_id=line.transport_id, label=line.serial)
            if shared
            else self._client.transport(serial=line.serial)
        )
        try:
            said = await read_properties(transport)
        except (AdbError, SelectionError):
            return None
        if (said.props.get("ro.serialno") or line.serial) != self._serialno:
            return None
        return _Candidate(line, transport, said.boot_id)

    async def _connect_again(self, lines: list[DeviceLine]) -> None:
        """A phone on the network stays `offline` for adb, or is forgotten, until it is connected anew."""
        mine = [line for line in lines if line.serial == self._serial]
        stale = [line for line in mine if event_for(line.state) is not DeviceEvent.SEEN]
        _, colon, port = self._serial.rpartition(":")
        if not (colon and port.isdigit()) or (mine and not stale) or not all(map(is_tcp, mine)):
            return
        with contextlib.suppress(AdbError):
            await self._door.connect_again(self._serial)
