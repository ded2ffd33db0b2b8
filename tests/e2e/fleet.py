"""A private adb server with `devicehub sim` on it, as a user's own would be."""

from __future__ import annotations

import contextlib
import os
import socket
from typing import TYPE_CHECKING

from devicehub import procs
from devicehub.adb.server import private_server
from devicehub.demo_model import demo_model_dir
from devicehub.sim.bundles import engine_bundle
from tests.e2e.command import DEVICEHUB, devicehub, stop_hub

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@contextlib.asynccontextmanager
async def fleet(
    folder: Path, *, phones: int = 2, scenario: Path | None = None
) -> AsyncIterator[dict[str, str]]:
    """The environment in which `devicehub` sees these phones and nothing of this computer's user."""
    async with private_server(home=folder / "adb") as server:
        env = {
            **os.environ,
            "HOME": str(folder / "adb"),
            "ANDROID_ADB_SERVER_PORT": str(server.address.port),
            "DEVICEHUB_HOME": str(folder / "hub"),
        }
        port = free_ports(phones)
        argv: list[str | Path] = [DEVICEHUB, "sim", "--phones", str(phones), "--port", str(port), "--connect"]
        argv += ["--scenario", scenario] if scenario else []
        async with procs.child(argv, env=env) as sim:
            assert sim.stderr is not None
            connected = 0
            async for line in sim.stderr:
                connected += b"connected to" in line
                if connected == phones:
                    break
            else:
                raise AssertionError("devicehub sim ended early")
            try:
                yield env
            finally:
                await stop_hub(env)


@contextlib.asynccontextmanager
async def stocked_fleet(
    folder: Path, *, phones: int = 2, scenario: Path | None = None
) -> AsyncIterator[dict[str, str]]:
    """A fleet whose catalogue has the demo model `tiny` and both builds, `plain` and `logging`."""
    async with fleet(folder, phones=phones, scenario=scenario) as env:
        for argv in (
            ("models", "add", demo_model_dir(), "--name", "tiny"),
            ("engines", "add", engine_bundle("virtual"), "--name", "plain"),
            ("engines", "add", engine_bundle("virtual-logcat"), "--name", "logging"),
        ):
            answer = await devicehub(*argv, env=env)
            assert answer.status == 0, answer.stderr
        yield env


def free_ports(count: int) -> int:
    """The first of `count` free ports in a row, below those that the kernel hands out by itself."""
    for first in range(7000 + os.getpid() % 900 * 20, 30000, 20):
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for port in range(first, first + count):
                stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            return first
    raise AssertionError("no free ports")
