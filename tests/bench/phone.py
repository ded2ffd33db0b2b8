"""A virtual phone in a process of its own: its work is not the client's."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from devicehub import procs
from devicehub.adb.client import AdbClient
from devicehub.adb.server import private_server
from devicehub.demo_model import demo_model_dir
from devicehub.sim.bundles import engine_bundle
from tests.e2e.command import DEVICEHUB, devicehub, stop_hub
from tests.e2e.fleet import free_ports

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@contextlib.asynccontextmanager
async def phone(key: Path, scenario: Path | None = None) -> AsyncIterator[str]:
    """A virtual phone of its own process that accepts this key; its address.

    Args:
        key: the public key of the adb server.
        scenario: what happens to it.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ADB_", "ANDROID_"))}
    environment = {**kept, "HOME": str(key.parents[1])}
    argv: list[str | Path] = [DEVICEHUB, "sim", "--port", str(free_ports(1))]
    if scenario is not None:
        argv += ["--scenario", scenario]
    async with procs.child(argv, env=environment) as process:
        assert process.stdout is not None
        line = (await process.stdout.readline()).decode()  # adb connect 127.0.0.1:40123
        if not line.startswith("adb connect "):
            raise RuntimeError("the virtual phone did not start")
        yield line.split()[-1]


@contextlib.asynccontextmanager
async def stocked_phone(
    folder: Path, *, engine: str, scenario: Path | None = None
) -> AsyncIterator[dict[str, str]]:
    """The environment in which `devicehub run tiny` and adb find one phone.

    Args:
        folder: for adb's key and the catalogue.
        engine: the only engine of the catalogue.
        scenario: what happens to the phone.
    """
    async with (
        private_server(home=folder / "adb") as server,
        phone(server.key_path, scenario) as serial,
    ):
        env = {
            "HOME": str(folder / "adb"),
            "ANDROID_ADB_SERVER_PORT": str(server.address.port),
            "ANDROID_SERIAL": serial,
            "DEVICEHUB_HOME": str(folder / "hub"),
        }
        await AdbClient(server.address).connect(serial)
        for argv in (
            ("models", "add", demo_model_dir(), "--name", "tiny"),
            ("engines", "add", engine_bundle(engine)),
        ):
            answer = await devicehub(*argv, env=env)
            if answer.status:
                raise RuntimeError(answer.stderr)
        try:
            yield env
        finally:
            await stop_hub(env)
