"""The composition root: wires adb, the catalogues, the phones and the runs together."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Final

from devicehub.adb import shell
from devicehub.adb.address import server_address
from devicehub.adb.client import AdbClient
from devicehub.adb.server import ensure_server
from devicehub.android.battery import Battery, parse_battery
from devicehub.assets import find_asset
from devicehub.clock import SystemClock
from devicehub.device.discovery import Discovery
from devicehub.device.identify import identify
from devicehub.device.lifecycle import DeviceEvent, DeviceState, next_state
from devicehub.device.model import Device, Identity
from devicehub.device.probe import read_properties
from devicehub.device.registry import Registry
from devicehub.device.select import left_out, select
from devicehub.dispatch.adopt import Adopter, adopt_all
from devicehub.dispatch.carrier import Carrier
from devicehub.dispatch.header import fits
from devicehub.dispatch.link import ServerDoor
from devicehub.dispatch.means import AdbFacts, Means
from devicehub.dispatch.request import SilentListener
from devicehub.dispatch.watcher import is_carried, watch
from devicehub.engines.catalog import EngineCatalog
from devicehub.errors import AdbError, InputError, PhoneAway, RunnerError, SelectionError
from devicehub.models.catalog import ModelCatalog
from devicehub.profiles.load import load_socs
from devicehub.runner.launch import Runner
from devicehub.runs.lifecycle import RunState
from devicehub.settings import find_home, keep_days, lost_after_s
from devicehub.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from devicehub.adb.address import ServerAddress
    from devicehub.adb.client import Transport
    from devicehub.adb.wire import DeviceLine
    from devicehub.clock import Clock
    from devicehub.dispatch.carrier import Outcome
    from devicehub.dispatch.request import RunListener, RunRequest
    from devicehub.engines.catalog import Engine
    from devicehub.runs.model import RunHeader, RunRecord
    from devicehub.settings import Home
    from devicehub.store.model import RunRow

VIRTUAL_PROPERTY: Final = "ro.devicehub.virtual"
_BATTERY_TIMEOUT_S: Final = 5.0
"""A phone that boots answers adb long before its services do."""
_RETRY_S: Final = 3.0
"""How long a phone that did not answer is left alone."""
_STOP_PATIENCE_S: Final = 15.0
_ANSWERING: Final = frozenset({DeviceState.READY, DeviceState.BUSY, DeviceState.QUARANTINED})
_ON_PHONE: Final = frozenset({RunState.STARTING, RunState.RUNNING, RunState.DETACHED, RunState.COLLECTING})


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
        self._clock = clock
        self._tell = tell
        self._door = ServerDoor(client, clock, self._start_server)
        self.lost_after_s = lost_after_s()
        self._registry = Registry()
        self._socs = load_socs(home)

    def transport(self, device: Device) -> Transport:
        """The preferred way to a phone.

        By serial, which outlives a reconnection; by transport_id only where phones share the serial.
        """
        known = [line.serial for other in self._registry.devices() for line in other.transports]
        if device.transport_id is not None and known.count(device.serial) > 1:
            return self.client.transport(transport_id=device.transport_id, label=device.serial)
        return self.client.transport(serial=device.serial)

    def new_run_id(self) -> str:
        """A name for a run: the second it was made in, for people, and six digits of chance."""
        now = datetime.fromtimestamp(self._clock.wall_s(), UTC)
        return f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"

    async def devices(self) -> list[Device]:
        """All phones that adb lists now, identified as far as they answer; all are asked at a time.

        Raises:
            AdbServerUnavailable: the server died.
        """
        lines = self._registry.see(await self.client.devices())
        async with asyncio.TaskGroup() as tasks:
            for line in lines:
                tasks.create_task(self._identify(line))
        return self._mark(self._registry.devices())

    async def watch(self, on_change: Callable[[Sequence[Device]], None]) -> None:
        """Call `on_change` with all phones now and after every change; runs until cancelled.

        A phone that does not answer delays no other; it is asked again without a change of adb's list.

        Raises:
            ExceptionGroup: of AdbServerUnavailable, when the server died.
        """
        lists: asyncio.Queue[Sequence[DeviceLine] | None] = asyncio.Queue()
        lines: Sequence[DeviceLine] = ()
        asked: set[DeviceLine] = set()
        shown: Sequence[Device] | None = None

        async def ask(line: DeviceLine) -> None:
            if not await self._identify(line):
                await self._clock.sleep(_RETRY_S)
            asked.discard(line)
            # Look again at the newest list; one that is put here could overtake it.
            lists.put_nowait(None)

        async def look_again() -> None:
            while True:
                await self._clock.sleep(_RETRY_S)
                lists.put_nowait(None)  # runs of other processes come and go without a change of adb's list

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(Discovery(self.client, self._clock).watch(lists.put_nowait))
            tasks.create_task(look_again())
            while True:
                newest = await lists.get()
                lines = lines if newest is None else newest
                for line in self._registry.see(lines):
                    if line not in asked:
                        asked.add(line)
                        tasks.create_task(ask(line))
                if (devices := self._mark(self._registry.devices())) != shown:
                    shown = devices
                    on_change(devices)

    async def select(self, selectors: Sequence[str], environ: Mapping[str, str] = os.environ) -> list[Device]:
        """The ready phones that the words after `--on` mean; without any, the one that ANDROID_SERIAL names.

        Raises:
            SelectionError: none, or more than one where none was named.
        """
        named = environ.get("ANDROID_SERIAL")
        selectors = selectors or ([named] if named else [])
        devices = await self.devices()
        chosen = select(devices, selectors)
        if others := left_out(devices, selectors, chosen):
            self._tell(f"left out: {others}")
        return chosen

    def engine_for(self, device: Device, name: str | None = None) -> Engine:
        """The engine of that name, or without a name the one engine that the phone takes.

        Raises:
            InputError: there is no such engine, or several.
        """
        if name is not None:
            return self.engines.get(name)
        fitting = [engine for engine in self.engines.list() if fits(engine, device)]
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            names = ", ".join(engine.name for engine in fitting)
            raise InputError(
                device.serial, f"takes several engines: {names}", remedy="name one with --engine"
            )
        raise InputError(
            device.serial,
            "takes none of the catalogue's engines",
            remedy="add one: `devicehub engines add DIR`",
        )

    @cached_property
    def store(self) -> Store:
        """The database of runs; opened when it is first asked for.

        Raises:
            StoreError: it is of a newer version, or cannot be opened.
        """

        def tell(aside: Path) -> None:
            self._tell(f"the database of runs was damaged; it is kept as {aside}, and a new one was begun")

        return Store.open(self.home.database, on_set_aside=tell)

    async def means(self) -> Means:
        """What carrying runs needs of this hub."""
        version, features = await asyncio.gather(self.client.version(), self.client.host_features())
        return Means(
            client=self.client,
            door=self._door,
            store=self.store,
            agent=find_asset("agent"),
            clock=self._clock,
            adb=AdbFacts(version=version, burst="delayed_ack" in features),
        )

    async def run(self, request: RunRequest, device: Device, listener: RunListener | None = None) -> Outcome:
        """Carry one run to its end on one phone; raises as `Carrier.carry` does."""
        return await Carrier(request, device, self.transport(device), await self.means(), listener).carry()

    async def start(
        self, request: RunRequest, device: Device, listener: RunListener | None = None
    ) -> RunHeader:
        """Start one run on one phone and leave it there; raises as `Carrier.start_detached` does."""
        carrier = Carrier(request, device, self.transport(device), await self.means(), listener)
        return await carrier.start_detached()

    async def adopt(self, listener: RunListener | None = None) -> list[RunRecord]:
        """Take up the runs of commands that have ended; the records of those that have an end now.

        Runs whose end is older than they are to be kept are forgotten.
        """
        self.store.collect_garbage(self._clock.wall_s(), keep_days())
        devices = [device for device in await self.devices() if device.transports]
        ways = [(device, self.transport(device)) for device in devices if device.state in _ANSWERING]
        return await adopt_all(await self.means(), ways, lost_after_s=self.lost_after_s, listener=listener)

    async def watch_run(self, run_id: str, listener: RunListener, *, patience_s: float) -> RunRow:
        """Tell the listener of a run until its end, carrying it where nobody else does; the run as it ended.

        Raises:
            InputError: there is no such run, or several begin so.
            PhoneAway: its phone is out of reach.
        """
        row = self.store.run(run_id)
        while not RunState(row.state).is_end:
            phones = await self._phones_of(row)
            means = await self.means()
            if is_carried(row):
                row = await watch(row, phones[0][1] if phones else None, means, listener)
                continue
            if not phones:
                raise PhoneAway(serial=row.serial, run_id=row.id, waited_s=0)
            adopter = Adopter(row, means, lost_after_s=self.lost_after_s, listener=listener)
            await adopter.adopt(phones, wait=True, patience_s=patience_s)
            row = self.store.run(row.id)
            if not RunState(row.state).is_end:
                await self._clock.sleep(_RETRY_S)  # another process was first, or the phone went away
        return row

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
        adopter = Adopter(row, means, lost_after_s=self.lost_after_s)
        await adopter.adopt(phones, patience_s=_STOP_PATIENCE_S)
        return self.store.run(row.id)

    async def _phones_of(self, row: RunRow) -> list[tuple[Device, Transport]]:
        return [
            (device, self.transport(device))
            for device in await self.devices()
            if device.identity is not None
            and device.identity.serialno == row.serialno
            and device.transports
            and device.state in _ANSWERING
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
        """Add what the store knows: whose run is under way, who is in quarantine."""
        if not self.home.database.exists():
            return list(devices)
        rows = {row.serialno: row for row in self.store.open_runs() if RunState(row.state) in _ON_PHONE}
        quarantined = self.store.quarantined()
        marked = []
        for device in devices:
            serialno = device.identity.serialno if device.identity else ""
            row = rows.pop(serialno, None)
            if serialno in quarantined:
                state = next_state(device.state, DeviceEvent.QUARANTINED)
                device = replace(device, state=state, quarantine=quarantined[serialno])
            elif row is not None and device.state is DeviceState.READY:
                device = replace(device, state=next_state(device.state, DeviceEvent.RUN_STARTED), run=row.id)
            marked.append(device)
        return marked + [
            Device(DeviceState.ORPHANED, identity=Identity(row.serialno, row.boot_id), run=row.id)
            for row in rows.values()
        ]

    async def _start_server(self) -> None:
        await ensure_server(self.client.address)

    async def _identify(self, line: DeviceLine) -> bool:
        """Ask who answers there, for a bounded time; False where nobody does: it stays `identifying`."""
        transport = (
            self.client.transport(serial=line.serial)
            if line.transport_id is None
            else self.client.transport(transport_id=line.transport_id)
        )
        try:
            found = await read_properties(transport)
        except (AdbError, SelectionError):
            return False
        props = found.props
        self._registry.identified(
            line,
            Identity(props.get("ro.serialno") or line.serial, found.boot_id or line.serial),
            identify(props, found.cpuinfo, socs=self._socs),
            virtual=props.get(VIRTUAL_PROPERTY) == "1",
            battery=await _read_battery(transport),
        )
        return True


async def _read_battery(transport: Transport) -> Battery:
    with contextlib.suppress(AdbError, SelectionError):
        answer = await shell.run(transport, ["dumpsys", "battery"], timeout_s=_BATTERY_TIMEOUT_S)
        return parse_battery(answer.stdout.decode("utf-8", "replace"))
    return Battery()


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
    if address is None:
        address = server_address()
        await ensure_server(address)
    return Hub(AdbClient(address), home or find_home(), SystemClock(), tell)
