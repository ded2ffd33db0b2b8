"""A server of the API that knows the shells and logs of one phone, without a daemon behind it."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from devicehub.api import contract
from devicehub.api.auth import Access
from devicehub.api.connection import Client, open_client
from devicehub.api.events import Bus
from devicehub.api.logcat import PhoneLogs
from devicehub.api.model import DeviceView, LogLines, ShotView, WayView
from devicehub.api.server import ApiServer, Caller
from devicehub.api.sessions import Sessions
from devicehub.clock import SystemClock
from devicehub.errors import AdbRefused
from devicehub.sim.android import screencap
from tests.adb.fake_server import FakeServer, Service, fake_server
from tests.api.desk import TOKEN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from devicehub.adb.client import Transport


class Hub:
    """A server that knows shells and logs of one phone."""

    def __init__(self, sessions: Sessions, transport: Transport) -> None:
        def publish(device: str, lines: LogLines) -> None:
            self.bus.publish("log", lines, key=device)

        self.is_here = True
        self._sessions = sessions
        self._transport = transport
        self.logs = PhoneLogs(lambda _: transport, publish, SystemClock())
        self.bus = Bus(
            "e1",
            snapshot=lambda topic, _keys: [view("P1")] if topic == "devices" else [],
            replay_runs=lambda _first, _last: [],
            on_wanted=lambda _topic, keys: self.logs.want(keys),
        )
        self.server = ApiServer(
            {
                contract.PING.name: self._ping,
                contract.DEVICES.name: self._devices,
                contract.WAY.name: self._way,
                contract.PAIR.name: self._pair,
                contract.SHOT.name: self._shot,
                contract.SHELL_OPEN.name: self._open,
                contract.SHELL_INPUT.name: sessions.input,
                contract.SHELL_CLOSE.name: sessions.close,
            },
            self.bus,
            Access(TOKEN),
            SystemClock(),
            on_disconnect=[sessions.drop],
        )

    async def _ping(self, _params: Any, _caller: Caller) -> float:
        return 1.0

    async def _devices(self, _params: Any, _caller: Caller) -> list[DeviceView]:
        return [view("P1")]

    async def _way(self, params: contract.DeviceNamed, caller: Caller) -> WayView:
        return WayView(
            serial=params.device,
            transport_id=4,
            adb_host="127.0.0.1",
            adb_port=5999,
            adb_path="/opt/adb",
            local=caller.local and self.is_here,
            title="Acme",
        )

    async def _shot(self, _params: contract.DeviceNamed, _caller: Caller) -> ShotView:
        return ShotView(png=screencap.png(60, 80, second=1, lit=True))

    async def _pair(self, params: contract.Pair, _caller: Caller) -> str:
        if params.code != "123456":
            raise AdbRefused("wrong password", serial=params.address)
        return f"Successfully paired to {params.address}"

    async def _open(self, params: contract.ShellOpen, caller: Caller) -> str:
        return await self._sessions.open(self._transport, params, caller)

    @contextlib.asynccontextmanager
    async def client(self) -> AsyncIterator[Client]:
        async with open_client(self.server.url, token=TOKEN, name="test", version="1") as client:
            yield client


@contextlib.asynccontextmanager
async def hub(service: Service) -> AsyncIterator[Hub]:
    async with fake_server(FakeServer(phone={"shell": service})) as server, Sessions() as sessions:
        made = Hub(sessions, server.client.transport(serial="P1"))
        async with made.server, asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(made.logs.run())
            yield made
            reading.cancel()


def view(serial: str, *, state: str = "ready", name: str | None = None) -> DeviceView:
    return DeviceView(
        id=name or serial,
        serial=serial,
        transport_id=1,
        state=state,
        adb_state="device",
        product=None,
        manufacturer=None,
        soc=None,
        soc_name=None,
        vendor=None,
        android=None,
        sdk=None,
        battery=None,
        temp_c=None,
        run=None,
        quarantine=None,
        virtual=False,
        serialno=f"no-{serial}",
        boot_id=None,
        transports=[],
    )
