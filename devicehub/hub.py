"""The composition root: wires adb, the catalogues, the phones and the runs together."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from devicehub.adb import shell
from devicehub.adb.client import AdbClient
from devicehub.adb.server import ensure_server, server_address
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
from devicehub.errors import AdbError, InputError
from devicehub.models.catalog import ModelCatalog
from devicehub.profiles.load import load_socs
from devicehub.settings import find_home

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from devicehub.adb.client import Transport
    from devicehub.adb.server import ServerAddress
    from devicehub.adb.wire import DeviceLine
    from devicehub.clock import Clock
    from devicehub.device.model import Device
    from devicehub.dispatch.request import RunListener, RunRequest
    from devicehub.engines.catalog import Engine
    from devicehub.runs.model import RunRecord
    from devicehub.settings import Home

VIRTUAL_PROPERTY: Final = "ro.devicehub.virtual"
_BATTERY_TIMEOUT_S: Final = 10.0
"""A phone that boots answers adb long before its services do."""
_RETRY_S: Final = 3.0


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
        """The preferred way to a phone; by transport_id, since serials may be shared."""
        if device.transport_id is None:
            return self.client.transport(serial=device.serial)
        return self.client.transport(transport_id=device.transport_id)

    async def devices(self) -> list[Device]:
        """All phones that adb lists now, identified as far as they answer."""
        await self._take(await self.client.devices())
        return self._registry.devices()

    async def watch(self, on_change: Callable[[Sequence[Device]], None]) -> None:
        """Call `on_change` with all phones now and after every change; runs until cancelled.

        Raises:
            AdbServerUnavailable: the server died.
        """
        lists: asyncio.Queue[Sequence[DeviceLine]] = asyncio.Queue()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(Discovery(self.client, self._clock).watch(lists.put_nowait))
            lines: Sequence[DeviceLine] = ()
            shown: Sequence[Device] | None = None
            while True:
                # A phone that boots may not answer yet; it is asked again without a change of adb's list.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_RETRY_S):
                        lines = await lists.get()
                while not lists.empty():
                    lines = lists.get_nowait()
                await self._take(lines)
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

    async def _take(self, lines: Sequence[DeviceLine]) -> None:
        """Let the registry know adb's list, and identify who is new, all at a time."""
        async with asyncio.TaskGroup() as tasks:
            for line in self._registry.see(lines):
                tasks.create_task(self._identify(line))

    async def _identify(self, line: DeviceLine) -> None:
        transport = (
            self.client.transport(serial=line.serial)
            if line.transport_id is None
            else self.client.transport(transport_id=line.transport_id)
        )
        # A phone that vanishes or does not answer now stays `identifying`; the next list tries again.
        with contextlib.suppress(AdbError):
            found = await read_properties(transport)
            props = found.props
            self._registry.identified(
                line,
                Identity(props.get("ro.serialno") or line.serial, found.boot_id or line.serial),
                identify(props, found.cpuinfo, socs=self._socs),
                virtual=props.get(VIRTUAL_PROPERTY) == "1",
                battery=await _read_battery(transport),
            )


def new_run_id() -> str:
    """A name for a run: the second it was made in, for people, and six digits of chance."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


async def _read_battery(transport: Transport) -> Battery:
    with contextlib.suppress(AdbError, TimeoutError):
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
