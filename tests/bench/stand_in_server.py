"""Starts the stand-in for an adb server, in a process of its own."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

from devicehub import procs
from devicehub.adb.address import ServerAddress
from devicehub.adb.client import AdbClient
from devicehub.device.probe import read_properties

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@contextlib.asynccontextmanager
async def stand_in(server: ServerAddress, serial: str, *, phones: int) -> AsyncIterator[ServerAddress]:
    """Where the stand-in listens, until the block ends.

    Args:
        server: the real adb server.
        serial: the one phone on it that all are likenesses of.
        phones: how many there are to be.
    """
    text = await read_properties(AdbClient(server).transport(serial=serial))
    options = {
        "phones": str(phones),
        "server": server.host,
        "server-port": str(server.port),
        "serial": serial,
        "serialno": text.props["ro.serialno"],
        "boot-id": str(text.boot_id),
    }
    argv = [sys.executable, "-m", "tests.bench.stand_in_adb"]
    argv += [f"--{name}={value}" for name, value in options.items()]
    async with procs.child(argv) as process:
        assert process.stdout is not None
        port = await process.stdout.readline()
        if not port:
            assert process.stderr is not None
            raise RuntimeError(f"the stand-in did not start: {(await process.stderr.read()).decode()[-500:]}")
        yield ServerAddress("127.0.0.1", int(port))
