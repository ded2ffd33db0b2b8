"""The phones as they are known now: adb's list, who answers there, and what the store knows of them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Final

from devicehub.cancellation import heed_cancellation
from devicehub.device.discovery import Discovery
from devicehub.device.lifecycle import DeviceState
from devicehub.device.registry import Registry
from devicehub.device.select import find_meant
from devicehub.errors import AdbError, AdbServerHung, InputError, SelectionError, first_of
from devicehub.fleet.health import Health
from devicehub.fleet.network import ADDRESS
from devicehub.runs.retry import backoff_s

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from devicehub.adb.client import AdbClient, Transport
    from devicehub.adb.wire import DeviceLine
    from devicehub.clock import Clock
    from devicehub.device.model import Device
    from devicehub.fleet.door import ServerDoor
    from devicehub.fleet.identifier import Identifier
    from devicehub.fleet.network import Network

log = logging.getLogger(__name__)

RETRY_S: Final = 3.0
"""How long a phone that did not answer is left alone."""
_SETTLE_S: Final = 10.0
_LONGEST_RETRY_S: Final = 15.0
_FIRST_WAIT_S: Final = 0.5
_LONGEST_WAIT_S: Final = 10.0


class Fleet:
    """Keeps the list of phones. One owner at a time watches or looks.

    Args:
        client: the adb server.
        identifier: asks who is there.
        clock: paces it.
        marks: adds to devices what the store knows of them.
        door: has a dead adb server back.
        network: connects phones on the network again.
        tell: is told what a person should know.

    Attributes:
        health: is to be told of each sign of life.
    """

    def __init__(
        self,
        client: AdbClient,
        identifier: Identifier,
        clock: Clock,
        *,
        marks: Callable[[Sequence[Device]], list[Device]],
        door: ServerDoor,
        network: Network,
        tell: Callable[[str], None] = lambda _text: None,
    ) -> None:
        self._client = client
        self._identifier = identifier
        self._clock = clock
        self._marks = marks
        self._door = door
        self._network = network
        self.health = Health(client, door, network, clock, tell)
        self._registry = Registry()
        self._asking: set[DeviceLine] = set()
        self._silences: dict[str, int] = {}
        self._asked: set[DeviceLine] = set()
        self._settled = asyncio.Event()
        self._problem: AdbError | None = None

    def devices(self) -> list[Device]:
        """All phones as they are known now."""
        return self._marks(self._registry.devices())

    def find(self, name: str) -> Device:
        """The phone of that id, serial or ro.serialno.

        Raises:
            SelectionError: there is none, or there are several.
        """
        devices = self.devices()
        serial, _, transport_id = name.rpartition("#")
        found = [
            device
            for device in devices
            if device.serial == serial and str(device.transport_id) == transport_id
        ] or find_meant(devices, [name])
        serials = [device.serial for device in devices]
        if not found:
            raise SelectionError(f"no phone is called {name}", serials=serials)
        if len(found) > 1:
            raise SelectionError(f"{name} means several phones", serials=serials)
        return found[0]

    def transport(self, device: Device) -> Transport:
        """The preferred way to a phone.

        By serial, which outlives a reconnection; by transport_id only where phones share the serial.
        """
        known = [line.serial for other in self._registry.devices() for line in other.transports]
        if device.transport_id is not None and known.count(device.serial) > 1:
            return self._client.transport(transport_id=device.transport_id, label=device.serial)
        return self._client.transport(serial=device.serial)

    async def look(self) -> list[Device]:
        """All phones that adb lists now, identified as far as they answer; all are asked at a time.

        Raises:
            AdbServerUnavailable: the server died.
        """
        lines = self._registry.see(await self._client.devices())
        async with asyncio.TaskGroup() as tasks:
            for line in lines:
                tasks.create_task(self._identify(line))
        return self.devices()

    async def settled(self) -> None:
        """Wait until every phone that adb lists was asked once who it is, ten seconds at most.

        Raises:
            AdbError: the adb server cannot be used.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SETTLE_S):
                await self._settled.wait()
        if self._problem is not None:
            raise self._problem

    async def pair(self, address: str, code: str) -> str:
        """Pair with a phone over the network; what adb says.

        Raises:
            InputError: the address or the code is none.
            AdbRefused: the phone did not pair.
        """
        if not ADDRESS.fullmatch(address):
            raise InputError(address, "is no address", remedy="write the HOST:PORT that the phone shows")
        if not (code.isascii() and code.isalnum()):
            raise InputError(
                "the code", "has letters and digits alone", remedy="write it as the phone shows it"
            )
        return await self._client.pair(address, code)

    async def connect(self, address: str) -> str:
        """Connect a phone over the network, and again whenever it went away; what adb says.

        Raises:
            InputError: the address is none.
            AdbRefused: it could not be connected.
        """
        if not ADDRESS.fullmatch(address):
            raise InputError(address, "is no address", remedy="write HOST:PORT")
        said = await self._client.connect(address)
        self._network.keep(address)
        return said

    def want(self, serial: str) -> None:
        """Have a phone on the network connected again where it is away; a cable is a person's matter."""
        self._network.want(serial)

    async def disconnect(self, address: str) -> str:
        """Let a phone on the network go, and stay away; what adb says.

        Raises:
            AdbRefused: adb knows no such phone.
        """
        self._network.forget(address)
        return await self._client.disconnect(address)

    def lose_all(self) -> None:
        """The adb server is gone, and with it every way to a phone."""
        self._registry.see([])
        self._asked.clear()
        self._settled.clear()

    async def run(
        self, on_change: Callable[[Sequence[Device]], None], on_server: Callable[[AdbError | None], None]
    ) -> None:
        """Watch, and mend what falters, until cancelled.

        Args:
            on_change: as of `watch`; a server that is gone takes all phones along.
            on_server: is told why the adb server cannot be used, and None when it can again.
        """
        failures = 0
        while True:
            try:
                await self._door.devices()
            except AdbError as error:
                failures += 1
                self._problem = error
                self._settled.set()
                on_server(error)
            else:
                failures = 0
                if self._problem is not None:
                    self._problem = None
                    self._settled.clear()
                on_server(None)
                await self._watch_until_gone(on_change, on_server)
            wait_s = backoff_s(max(failures, 1), first_s=_FIRST_WAIT_S, longest_s=_LONGEST_WAIT_S)
            await self._clock.sleep(wait_s)

    async def _watch_until_gone(
        self, on_change: Callable[[Sequence[Device]], None], on_server: Callable[[AdbError | None], None]
    ) -> None:
        try:
            await self.watch(on_change, mend=True)
        except* AdbError as group:
            heed_cancellation()
            self.lose_all()
            on_change(self.devices())
            error = first_of(group)  # the parts of a watch fail together, for one reason
            if isinstance(error, AdbError) and not isinstance(
                error, AdbServerHung
            ):  # the door knows a remedy
                on_server(error)

    async def watch(self, on_change: Callable[[Sequence[Device]], None], *, mend: bool = False) -> None:
        """Call `on_change` with all phones now and after every change; runs until cancelled.

        A phone that does not answer delays no other; it is asked again without a change of adb's list.

        Args:
            on_change: takes the phones.
            mend: connect anew what is frozen or went away; for one process at a time.

        Raises:
            ExceptionGroup: of AdbServerUnavailable, when the server died.
        """
        lists: asyncio.Queue[Sequence[DeviceLine] | None] = asyncio.Queue()
        lines: Sequence[DeviceLine] | None = None
        shown: Sequence[Device] | None = None
        self._asking.clear()

        async def ask(line: DeviceLine) -> None:
            answered = await self._identify(line)
            self._asked.add(line)
            lists.put_nowait(None)
            if answered:
                self._silences.pop(line.serial, None)
            else:
                silences = self._silences[line.serial] = self._silences.get(line.serial, 0) + 1
                wait_s = backoff_s(silences, first_s=RETRY_S, longest_s=_LONGEST_RETRY_S)
                await self._clock.sleep(wait_s)
            self._asking.discard(line)
            # Look again at the newest list; one that is put here could overtake it.
            lists.put_nowait(None)

        async def look_again() -> None:
            while True:
                await self._clock.sleep(RETRY_S)
                lists.put_nowait(None)  # runs of other processes come and go without a change of adb's list

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(Discovery(self._client, self._clock).watch(lists.put_nowait))
            tasks.create_task(look_again())
            if mend:
                tasks.create_task(self.health.run(lambda: lists.put_nowait(None)))
                tasks.create_task(self._network.run())
            while True:
                newest = await lists.get()
                lines = lines if newest is None else newest
                if lines is None:
                    continue
                if mend:
                    self._network.see(lines)
                seen = self.health.see(lines) if mend else lines
                for line in self._registry.see(seen):
                    if line not in self._asking:
                        self._asking.add(line)
                        tasks.create_task(ask(line))
                self._asked &= set(seen)
                if self._asking <= self._asked:
                    self._settled.set()
                if (devices := self.devices()) != shown:
                    shown = devices
                    on_change(devices)

    async def _identify(self, line: DeviceLine) -> bool:
        """Ask who answers there; False where nobody does: it stays `identifying`."""
        try:
            answer = await self._identifier.ask(line)
        except Exception:
            # What the hub stumbles over with one phone must not take the others along.
            log.exception("%s could not be identified", line.serial, extra={"serial": line.serial})
            return False
        if answer is None:
            return False
        self.health.heard(line.serial, line.transport_id)
        self._registry.identified(
            line, answer.identity, answer.facts, virtual=answer.virtual, battery=answer.battery
        )
        return True


def answering(devices: Sequence[Device]) -> list[Device]:
    """The phones that can be talked to."""
    working = (DeviceState.READY, DeviceState.BUSY, DeviceState.QUARANTINED)
    return [device for device in devices if device.transports and device.state in working]
