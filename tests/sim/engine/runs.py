"""Runs the virtual llm_demo or llm_bench in a folder with a copy of the demo model."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import socket
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from devicehub import procs
from devicehub.demo_model import demo_model_dir
from devicehub.sim.android import logd

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from devicehub.procs import Completed

needs_demo_model: Final = pytest.mark.skipif(
    not (demo_model_dir() / "llm.mnn.weight").is_file(), reason="the demo model has not been made"
)


@dataclass
class Bench:
    """A folder with `model/`, its greedy one-thread config and `p.txt`, where the tools are run."""

    folder: Path
    prompts: bytes = b"What is DeviceHub?\nWhat does it measure?\n"
    config: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        shutil.copytree(demo_model_dir(), self.model)
        self.config = json.loads((self.model / "config.json").read_bytes())
        self.config |= {"sampler_type": "greedy", "thread_num": 1}
        self.write()

    @property
    def model(self) -> Path:
        """The copy of the demo model."""
        return self.folder / "model"

    def write(self, **values: Any) -> None:
        """Write config and prompts; values go over the configuration."""
        self.config |= values
        (self.model / "config.json").write_text(json.dumps(self.config), encoding="utf-8")
        (self.folder / "p.txt").write_bytes(self.prompts)

    async def run(
        self, *arguments: str, config: str = "model/config.json", options: tuple[str, ...] = (), **env: str
    ) -> Completed:
        """Run llm_demo with arguments after the config; stdout is a pipe."""
        return await self.start("llm_demo", config, *arguments, options=options, **env)

    async def measure(
        self, *arguments: str, config: str = "model/config.json", options: tuple[str, ...] = (), **env: str
    ) -> Completed:
        """Run llm_bench on one thread with further arguments; stdout is a pipe."""
        return await self.start("llm_bench", "-m", config, "-t", "1", *arguments, options=options, **env)

    async def start(self, *command: str, options: tuple[str, ...] = (), **env: str) -> Completed:
        """Run a tool; stdout is a pipe."""
        argv = [sys.executable, "-m", "devicehub.sim.engine", *options, *command]
        environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3]), **env}
        return await procs.run(argv, timeout_s=120, cwd=self.folder, env=environ)


@dataclass(frozen=True)
class LogRow:
    """One entry of the phone's log."""

    priority: str
    pid: int
    tag: str
    message: str


class PhoneLog(asyncio.DatagramProtocol):
    """The receiving end of a phone's log.

    Attributes:
        folder: what the engine finds it by, in DEVICEHUB_SIM_SOCKETS.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.rows: list[LogRow] = []
        self.news = asyncio.Event()
        self._drained = asyncio.Event()

    def datagram_received(self, data: bytes, addr: object) -> None:
        """Take an entry; an empty datagram is the last."""
        if not data:
            self._drained.set()
            return
        self.news.set()
        level, pid, _tid, _time_ns = logd.ENTRY.unpack_from(data)
        tag, _, message = data[logd.ENTRY.size :].decode().partition("\0")
        self.rows.append(LogRow(logd.PRIORITIES[level - 2], pid, tag, message))

    async def drain(self) -> None:
        """Take all that was sent before."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
            end.setblocking(False)
            await asyncio.get_running_loop().sock_sendto(end, b"", f"{self.folder}/{logd.SOCKET_NAME}")
        await self._drained.wait()

    async def wait_for(self, prefix: str) -> LogRow:
        """The first entry that begins so."""
        async with asyncio.timeout(60):
            while True:
                self.news.clear()
                found = next((row for row in self.rows if row.message.startswith(prefix)), None)
                if found is not None:
                    return found
                await self.news.wait()

    def of(self, tag: str) -> list[LogRow]:
        """The entries with a tag."""
        return [row for row in self.rows if row.tag == tag]


@contextlib.asynccontextmanager
async def phone_log() -> AsyncIterator[PhoneLog]:
    """Receive what is logged meanwhile."""
    # Not below pytest's folder: the path of a Unix socket has at most 107 bytes.
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as entries:
        entries.bind(f"{folder}/{logd.SOCKET_NAME}")
        entries.setblocking(False)
        log = PhoneLog(folder)
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: log, sock=entries)
        try:
            yield log
            await log.drain()
        finally:
            transport.close()


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A fresh bench."""
    return Bench(tmp_path)
