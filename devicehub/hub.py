"""The composition root: wires adb, the catalogues, the phones and the runs together."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
from datetime import UTC, datetime
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
from devicehub.device.model import Identity
from devicehub.device.probe import read_properties
from devicehub.device.registry import Registry
from devicehub.device.select import select
from devicehub.dispatch.conditions import AdbFacts
from devicehub.dispatch.worker import Worker, fits
from devicehub.engines.catalog import EngineCatalog
from devicehub.errors import AdbError, InputError, SelectionError
from devicehub.models.catalog import ModelCatalog
from devicehub.profiles.load import load_socs
from devicehub.settings import find_home

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from devicehub.adb.address import ServerAddress
    from devicehub.adb.client import Transport
    from devicehub.adb.wire import DeviceLine
    from devicehub.clock import Clock
    from devicehub.device.model import Device
    from devicehub.dispatch.request import RunListener, RunRequest
    from devicehub.engines.catalog import Engine
    from devicehub.runs.model import RunRecord
    from devicehub.settings import Home

VIRTUAL_PROPERTY: Final = "ro.devicehub.virtual"
_BATTERY_TIMEOUT_S: Final = 5.0
"""A phone that boots answers adb long before its services do."""
_RETRY_S: Final = 3.0
"""How long a phone that did not answer is left alone."""


class Hub:
    """Everything of DeviceHub on one adb server, in this process."""

    def __init__(self, client: AdbClient, home: Home, clock: Clock) -> None:
        self.client = client
        self.home = home
        self.engines = EngineCatalog(home)
        self.models = ModelCatalog(home)
        self._clock = clock
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
        """All phones that adb lists now, identified as far as they answer; all are asked at a time."""
        async with asyncio.TaskGroup() as tasks:
            for line in self._registry.see(await self.client.devices()):
                tasks.create_task(self._identify(line))
        return self._registry.devices()

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

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(Discovery(self.client, self._clock).watch(lists.put_nowait))
            while True:
                newest = await lists.get()
                lines = lines if newest is None else newest
                for line in self._registry.see(lines):
                    if line not in asked:
                        asked.add(line)
                        tasks.create_task(ask(line))
                if (devices := self._registry.devices()) != shown:
                    shown = devices
                    on_change(devices)

    async def select(self, selectors: Sequence[str], environ: Mapping[str, str] = os.environ) -> list[Device]:
        """The ready phones that the words after `--on` mean; without any, the one that ANDROID_SERIAL names.

        Raises:
            SelectionError: none, or more than one where none was named.
        """
        named = environ.get("ANDROID_SERIAL")
        return select(await self.devices(), selectors or ([named] if named else []))

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

    async def run(
        self, request: RunRequest, device: Device, listener: RunListener | None = None
    ) -> RunRecord:
        """Carry one run to its end on one phone."""
        version, features = await asyncio.gather(self.client.version(), self.client.host_features())
        worker = Worker(
            request,
            device,
            self.transport(device),
            agent=find_asset("agent"),
            clock=self._clock,
            listener=listener,
            adb=AdbFacts(version=version, burst="delayed_ack" in features),
        )
        return await worker.carry()

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


async def open_hub(*, home: Home | None = None, address: ServerAddress | None = None) -> Hub:
    """A hub on the user's adb server, which is started where none runs.

    Raises:
        AdbServerUnavailable: there is none and none can be started.
    """
    if address is None:
        address = server_address()
        await ensure_server(address)
    return Hub(AdbClient(address), home or find_home(), SystemClock())
