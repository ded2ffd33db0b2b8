"""`devicehub serve` as a process of its own, its cost read from outside."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import psutil

from devicehub import procs
from devicehub.api.auth import read_token
from devicehub.api.client import Where
from devicehub.api.hubfile import find_running
from devicehub.clock import SystemClock
from devicehub.settings import Home
from tests.e2e.command import DEVICEHUB

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from devicehub.adb.address import ServerAddress

_START_S: Final = 60.0
_LOOK_S: Final = 0.1
_METRICS: Final = b"GET /metrics HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n\r\n"
_BAD: Final = re.compile(r"Traceback|never retrieved|was destroyed but it is pending|never awaited")


@dataclass(frozen=True)
class HubProcess:
    """A hub that serves.

    Attributes:
        where: how clients reach it.
        log: what it wrote.
        env: the environment in which commands mean it and its phones.
    """

    where: Where
    log: Path
    env: Mapping[str, str]
    process: Process

    @property
    def usage(self) -> psutil.Process:
        """The process as the kernel counts it."""
        return psutil.Process(self.process.pid)

    def cpu_s(self) -> float:
        """CPU seconds so far, its ended children not counted."""
        times = self.usage.cpu_times()
        return float(times.user + times.system)

    def rss(self) -> int:
        """Bytes of memory that it occupies."""
        return int(self.usage.memory_info().rss)

    async def metric(self, name: str) -> float:
        """The one value of a metric without labels.

        Raises:
            KeyError: /metrics does not tell of it.
        """
        found = find_running(self.where.home)
        assert found is not None
        place = urlsplit(found.url)
        token = read_token(self.where.home.token)
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        writer.write(_METRICS % (place.netloc.encode(), token.encode()))
        answer = (await reader.read()).decode()
        writer.close()
        for line in answer.splitlines():
            if line.startswith(f"{name} "):
                return float(line.split()[1])
        raise KeyError(name)

    def complaints(self) -> list[str]:
        """Lines of its log that no hub should write."""
        return [line for line in self.log.read_text(errors="replace").splitlines() if _BAD.search(line)]

    async def stop(self) -> int:
        """End it as `kill` does; its exit status."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        return await self.process.wait()


def environment(folder: Path, server: ServerAddress) -> dict[str, str]:
    """An environment in which `devicehub` sees this adb server and nothing of this computer's user."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ADB_", "ANDROID_"))}
    return {
        **kept,
        "HOME": str(folder / "adb"),
        "ANDROID_ADB_SERVER_PORT": str(server.port),
        "DEVICEHUB_HOME": str(folder / "hub"),
        # What a hub starts when its adb server has died must find nothing but these phones.
        "ADB_USB": "0",
        "ADB_EMU": "0",
        "ADB_MDNS": "0",
        "ADB_LOCAL_TRANSPORT_MAX_PORT": "5553",
    }


@contextlib.asynccontextmanager
async def serving(folder: Path, server: ServerAddress, *options: str) -> AsyncIterator[HubProcess]:
    """A hub with its home in this folder, from the moment on at which it listens.

    Raises:
        RuntimeError: it ended instead.
        TimeoutError: it did not listen within a minute.
    """
    env, home, log = environment(folder, server), Home(folder / "hub"), folder / "serve.log"
    # A pipe that nobody reads would hold it up once it is full.
    argv = ["/bin/sh", "-c", 'exec "$@" >"$0" 2>&1', str(log), str(DEVICEHUB), "serve", *options]
    async with procs.child(argv, env=env, grace_s=20.0) as process:
        clock = SystemClock()
        deadline_s = clock.monotonic_s() + _START_S
        while (found := find_running(home)) is None or found.pid != process.pid:
            if process.returncode is not None:
                raise RuntimeError(f"devicehub serve ended: {log.read_text(errors='replace')[-2000:]}")
            if clock.monotonic_s() > deadline_s:
                raise TimeoutError(log.read_text(errors="replace")[-2000:])
            await clock.sleep(_LOOK_S)
        yield HubProcess(Where(home), log, env, process)
