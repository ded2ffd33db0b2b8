from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from devicehub.adb import shell
from devicehub.adb.client import AdbClient, Transport
from devicehub.adb.server import private_server
from devicehub.sim.phone import PhoneSpec, virtual_phone

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@dataclass
class OnePhone:
    """A virtual phone on an adb server of its own."""

    client: AdbClient
    transport: Transport
    address: str

    async def run(self, script: str) -> str:
        """What a script prints on the phone, both streams."""
        result = await shell.run_script(self.transport, script, timeout_s=30)
        return (result.stdout + result.stderr).decode()


@pytest.fixture
async def phone(request: pytest.FixtureRequest) -> AsyncIterator[OnePhone]:
    """A fresh phone; tests may say which by an indirect parameter."""
    spec: PhoneSpec = getattr(request, "param", PhoneSpec())
    if not sys.platform.startswith("linux"):
        pytest.skip("virtual phones need Linux")
    async with (
        private_server() as server,
        virtual_phone(spec, keys=[server.key_path]) as virtual,
    ):
        client = AdbClient(server.address)
        await client.connect(virtual.address)
        yield OnePhone(client, client.transport(serial=virtual.address), virtual.address)
