"""Real adb programs for tests: each with a server, a key and a home of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from devicehub import procs
from devicehub.adb.server import find_adb
from devicehub.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

BUNDLED: Final = find_adb()
DEBIAN: Final = shutil.which("adb")
_ANSWER_S: Final = 60.0


@dataclass(frozen=True)
class Adb:
    """One adb program and its server."""

    program: Path
    environment: dict[str, str]

    @property
    def keys(self) -> list[Path]:
        """The key that its server holds."""
        return [Path(self.environment["HOME"], ".android/adbkey.pub")]

    async def run(self, *words: str | Path, stdin: bytes = b"") -> procs.Completed:
        """Run it to its end."""
        argv = [self.program, *words]
        return await procs.run(argv, timeout_s=_ANSWER_S, stdin=stdin, env=self.environment)


@contextlib.asynccontextmanager
async def adb_with_server(program: Path, home: Path, *, burst: bool = False) -> AsyncIterator[Adb]:
    """A server of its own for an adb program, on a free port, ended with the block."""
    port = _free_port()
    (home / ".android").mkdir(parents=True, exist_ok=True)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "TMPDIR": str(home),
        "ANDROID_ADB_SERVER_PORT": str(port),
        "ADB_LOCAL_TRANSPORT_MAX_PORT": "5553",
        "ADB_MDNS": "0",
    }
    if burst:
        environment["ADB_BURST_MODE"] = "1"
    async with procs.child([program, "-P", str(port), "nodaemon", "server"], env=environment) as server:
        assert server.stderr is not None
        async with asyncio.timeout(_ANSWER_S), asyncio.TaskGroup() as tasks:
            # What nobody reads would block the server in the end.
            draining = tasks.create_task(server.stderr.read())
            await _wait_for_port(port)
            draining.cancel()
        yield Adb(program, environment)


async def _wait_for_port(port: int) -> None:
    clock = SystemClock()
    while True:
        with contextlib.suppress(ConnectionError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        await clock.sleep(0.02)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
