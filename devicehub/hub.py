"""The composition root: wires adb, the catalogues, the phones and the runs together."""

from __future__ import annotations

import contextlib
from functools import cached_property
from typing import TYPE_CHECKING, Final

from devicehub.adb.address import server_address
from devicehub.adb.client import AdbClient
from devicehub.assets import find_asset
from devicehub.clock import SystemClock
from devicehub.dispatch.adopt import Adopter
from devicehub.dispatch.asking import Catalogue
from devicehub.dispatch.carrier import Carrier
from devicehub.dispatch.means import AdbFacts, Means
from devicehub.dispatch.request import SilentListener
from devicehub.dispatch.run_id import new_run_id
from devicehub.dispatch.watcher import is_carried, watch
from devicehub.engines.catalog import EngineCatalog
from devicehub.errors import AdbError, RunnerError, SelectionError
from devicehub.fleet.door import ServerDoor
from devicehub.fleet.fleet import Fleet, answering
from devicehub.fleet.identifier import Identifier
from devicehub.fleet.marks import mark
from devicehub.fleet.network import Network
from devicehub.fleet.server import ServerKeeper
from devicehub.models.catalog import ModelCatalog
from devicehub.profiles.load import load_devices, load_socs
from devicehub.runner.launch import Runner
from devicehub.runs.lifecycle import RunState
from devicehub.settings import find_home, lost_after_s
from devicehub.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from devicehub.adb.address import ServerAddress
    from devicehub.adb.client import Transport
    from devicehub.clock import Clock
    from devicehub.device.model import Device
    from devicehub.dispatch.carrier import Outcome
    from devicehub.dispatch.request import RunListener, RunRequest
    from devicehub.settings import Home
    from devicehub.store.model import RunRow

_STOP_PATIENCE_S: Final = 15.0


class Hub:
    """Everything of DeviceHub on one adb server, in this process.

    Args:
        client: the adb server.
        home: where all state lies.
        clock: paces waits and stamps.
        tell: is told what a person should know beside the results.
    """

    def __init__(
        self, client: AdbClient, home: Home, clock: Clock, tell: Callable[[str], None] = lambda _text: None
    ) -> None:
        self.client = client
        self.home = home
        self.engines = EngineCatalog(home)
        self.models = ModelCatalog(home)
        self.catalogue = Catalogue(home, self.models, self.engines)
        self._clock = clock
        self._tell = tell
        servers = ServerKeeper(client.address, home.adb_server, clock, self.tell)
        self._door = ServerDoor(client, clock, servers.have)
        self._socs = load_socs(home, self.tell)
        identifier = Identifier(client, self._socs, clock, self.tell, devices=load_devices(home, self.tell))
        network = Network(self._door, home.network, clock, self.tell)
        self.fleet = Fleet(
            client, identifier, clock, marks=self._mark, door=self._door, network=network, tell=self.tell
        )

    def tell(self, text: str) -> None:
        """Tell a person something beside the results."""
        self._tell(text)

    def tell_to(self, tell: Callable[[str], None]) -> None:
        """Tell another from now on."""
        self._tell = tell

    def transport(self, device: Device) -> Transport:
        """The preferred way to a phone."""
        return self.fleet.transport(device)

    def new_run_id(self) -> str:
        """A name for a run: the second it was made in, for people, and six digits of chance."""
        return new_run_id(self._clock.wall_s())

    async def devices(self) -> list[Device]:
        """All phones that adb lists now, identified as far as they answer; all are asked at a time.

        Raises:
            AdbServerUnavailable: the server died.
        """
        return await self.fleet.look()

    async def watch(self, on_change: Callable[[Sequence[Device]], None]) -> None:
        """Call `on_change` with all phones now and after every change, as `Fleet.watch`."""
        await self.fleet.watch(on_change)

    @cached_property
    def store(self) -> Store:
        """The database of runs; opened when it is first asked for.

        Raises:
            StoreError: it is of a newer version, or cannot be opened.
        """

        def tell(aside: Path) -> None:
            self.tell(f"the database of runs was damaged; it is kept as {aside}, and a new one was begun")

        return Store.open(self.home.database, on_set_aside=tell)

    async def means(self) -> Means:
        """What carrying runs needs of this hub."""
        # One after the other: gather() loses a cancellation where one of the two fails.
        version = await self.client.version()
        features = await self.client.host_features()
        return Means(
            client=self.client,
            door=self._door,
            store=self.store,
            models=self.models,
            socs=self._socs,
            agent=find_asset("agent"),
            clock=self._clock,
            adb=AdbFacts(version=version, burst="delayed_ack" in features),
        )

    async def run(self, request: RunRequest, device: Device, listener: RunListener | None = None) -> Outcome:
        """Carry one run to its end on one phone; raises as `Carrier.carry` does."""
        listeners = [listener] if listener else None
        carrier = Carrier([request], device, self.transport(device), await self.means(), listeners)
        [outcome] = await carrier.carry()
        return outcome

    async def stop_run(self, run_id: str) -> RunRow:
        """Ask for the end of a run, on its phone where it is there; the run as it is then.

        Raises:
            InputError: there is no such run, or several begin so.
        """
        row = self.store.run(run_id)
        if RunState(row.state).is_end:
            return row
        self.store.request_stop(row.id, self._clock.wall_s())
        phones = await self._phones_of(row)
        means = await self.means()
        if is_carried(row):
            # Its own process heeds the request; a run that the phone has is ended there at once.
            for _, transport in phones:
                runner = Runner(transport, agent_dir=means.agent, clock=self._clock)
                with contextlib.suppress(AdbError, RunnerError):
                    await runner.stop(await runner.find(row.phone_run_id))
            if phones:
                return await watch(row, None, means, SilentListener())
            return row
        adopter = Adopter(row, means, lost_after_s=lost_after_s())
        await adopter.adopt(phones, patience_s=_STOP_PATIENCE_S)
        return self.store.run(row.id)

    async def _phones_of(self, row: RunRow) -> list[tuple[Device, Transport]]:
        return [
            (device, self.transport(device))
            for device in answering(await self.devices())
            if device.identity is not None and device.identity.serialno == row.serialno
        ]

    def release(self, selector: str) -> str:
        """Let a phone out of quarantine, named by serial or ro.serialno; its ro.serialno.

        Raises:
            SelectionError: no such phone is in quarantine.
        """
        known = {device.serialno: device.serial for device in self.store.devices()}
        held = self.store.quarantined()
        for serialno in held:
            if selector in (serialno, known.get(serialno)):
                self.store.release_device(serialno)
                return serialno
        raise SelectionError(f"{selector} is not in quarantine", serials=sorted(held))

    def _mark(self, devices: Sequence[Device]) -> list[Device]:
        """Add what the store knows; a database that is not there yet is not begun for that."""
        if not self.home.database.exists():
            return list(devices)
        return mark(devices, self.store.open_runs(), self.store.quarantined())


async def open_hub(
    *,
    home: Home | None = None,
    address: ServerAddress | None = None,
    tell: Callable[[str], None] = lambda _text: None,
) -> Hub:
    """A hub on the user's adb server, which is started where none runs.

    Raises:
        AdbServerUnavailable: there is none and none can be started.
    """
    home = home or find_home()
    clock = SystemClock()
    if address is None:
        address = server_address()
        await ServerKeeper(address, home.adb_server, clock, tell).have()
    return Hub(AdbClient(address), home, clock, tell)
