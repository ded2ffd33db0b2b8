"""Asks a phone who it is, and undoes what a run that is gone has left on it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from devicehub.adb import shell
from devicehub.android.battery import Battery, parse_battery
from devicehub.assets import find_asset
from devicehub.device.identify import Identification, identify
from devicehub.device.model import Identity
from devicehub.device.probe import read_properties, read_sign
from devicehub.errors import AdbError, DeployError, RunnerError, SelectionError
from devicehub.runner.restore import restore

if TYPE_CHECKING:
    from collections.abc import Callable

    from devicehub.adb.client import AdbClient, Transport
    from devicehub.adb.wire import DeviceLine
    from devicehub.clock import Clock
    from devicehub.device.quirks import DeviceBook
    from devicehub.device.steady import SteadyMark
    from devicehub.profiles.match import SocBook

VIRTUAL_PROPERTY: Final = "ro.devicehub.virtual"
_BATTERY_TIMEOUT_S: Final = 5.0
"""A phone that boots answers adb long before its services do."""


@dataclass(frozen=True)
class Answer:
    """Who answers on a line of adb's list."""

    identity: Identity
    facts: Identification
    virtual: bool
    battery: Battery


class Identifier:
    """Identifies phones.

    Args:
        client: the adb server.
        socs: what is known of chips.
        clock: paces what has to be undone.
        tell: is told of a phone that cannot be put back as it was; once of each.
        devices: what is known of products and makers.
    """

    def __init__(
        self,
        client: AdbClient,
        socs: SocBook,
        clock: Clock,
        tell: Callable[[str], None],
        *,
        devices: DeviceBook | None = None,
    ) -> None:
        self._client = client
        self._socs = socs
        self._devices = devices
        self._clock = clock
        self._tell = tell
        self._unrestored: set[str] = set()
        self._known: dict[str, Answer] = {}

    async def ask(self, line: DeviceLine) -> Answer | None:
        """Who answers there, in a bounded time; None where nobody does.

        A phone that answered on a way of this name before is known again by few words, unless it has booted.
        """
        transport = (
            self._client.transport(serial=line.serial)
            if line.transport_id is None
            else self._client.transport(transport_id=line.transport_id)
        )
        try:
            answer = await self._know_again(line, transport) or await self._meet(line, transport)
        except (AdbError, SelectionError):
            return None
        self._known[line.serial] = answer
        return answer

    async def _know_again(self, line: DeviceLine, transport: Transport) -> Answer | None:
        known = self._known.get(line.serial)
        if known is None:
            return None
        sign = await read_sign(transport)
        # Without a boot id a phone that shares its serial number would be taken for another.
        if sign.boot_id is None or Identity(sign.serialno or line.serial, sign.boot_id) != known.identity:
            return None
        await self._undo(sign.steady, transport, known.identity.serialno)
        return replace(known, battery=await _read_battery(transport))

    async def _meet(self, line: DeviceLine, transport: Transport) -> Answer:
        found = await read_properties(transport)
        props = found.props
        serialno = props.get("ro.serialno") or line.serial
        await self._undo(found.steady, transport, serialno)
        return Answer(
            Identity(serialno, found.boot_id or line.serial),
            identify(
                props,
                found.cpuinfo,
                socs=self._socs,
                devices=self._devices,
                memory=found.memory,
                clusters=found.clusters,
            ),
            virtual=props.get(VIRTUAL_PROPERTY) == "1",
            battery=await _read_battery(transport),
        )

    async def _undo(self, steady: SteadyMark | None, transport: Transport, serialno: str) -> None:
        if steady is not None and steady.abandoned:
            await self._restore(transport, serialno)

    async def _restore(self, transport: Transport, serialno: str) -> None:
        try:
            await restore(transport, agent_dir=find_asset("agent"), clock=self._clock)
        except (AdbError, DeployError, RunnerError, SelectionError) as error:
            if serialno not in self._unrestored:
                self._tell(str(error))
            self._unrestored.add(serialno)
        else:
            self._unrestored.discard(serialno)


async def _read_battery(transport: Transport) -> Battery:
    with contextlib.suppress(AdbError, SelectionError):
        answer = await shell.run(transport, ["dumpsys", "battery"], timeout_s=_BATTERY_TIMEOUT_S)
        return parse_battery(answer.stdout.decode("utf-8", "replace"))
    return Battery()
