"""A virtual phone on an adb server of its own, asked by the hub's own client."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from devicehub.adb.client import AdbClient
from devicehub.adb.server import private_server
from devicehub.adb.shell import run_script
from devicehub.clock import SystemClock
from devicehub.errors import AdbError
from tests.sim.conftest import phone_or_skip

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from devicehub.adb.client import Transport
    from devicehub.clock import Clock
    from devicehub.sim.faults import Faults
    from devicehub.sim.phone import PhoneSpec, VirtualPhone


class Desk:
    """One phone on an adb server of its own."""

    def __init__(self, client: AdbClient, phone: VirtualPhone) -> None:
        self.client = client
        self.phone = phone

    @property
    def faults(self) -> Faults:
        return self.phone.faults

    @property
    def transport(self) -> Transport:
        return self.client.transport(serial=self.phone.address)

    async def sh(self, script: str, *, timeout_s: float = 20) -> str:
        return (await run_script(self.transport, script, timeout_s=timeout_s)).stdout.decode().strip()

    async def connected(self) -> None:
        """Wait until the phone answers, connecting again as often as it takes."""
        async with asyncio.timeout(60):
            while True:
                with contextlib.suppress(AdbError):
                    await self.client.disconnect(self.phone.address)
                with contextlib.suppress(AdbError):
                    await self.client.connect(self.phone.address)
                    if await self.sh("echo hi") == "hi":
                        return
                await SystemClock().sleep(0.05)

    async def background(self, name: str) -> None:
        """A process that outlives its shell: in a session of its own."""
        await self.sh(f"setsid sleep {name} </dev/null >/dev/null 2>&1 &")
        await self.faults.when_process(f"sleep {name}")


@contextlib.asynccontextmanager
async def desk_with(spec: PhoneSpec, tmp_path: Path, *, clock: Clock | None = None) -> AsyncIterator[Desk]:
    async with (
        private_server(home=tmp_path / "adb") as server,
        phone_or_skip(spec, [server.key_path], clock=clock) as phone,
    ):
        desk = Desk(AdbClient(server.address), phone)
        await desk.connected()
        yield desk
