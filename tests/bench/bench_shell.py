"""One shell command and the identification of a phone, beside `adb shell`."""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path

from devicehub.adb import shell
from devicehub.adb.client import AdbClient
from devicehub.adb.server import find_adb, private_server
from devicehub.device.probe import read_properties
from tests.bench.phone import phone
from tests.bench.timing import interleave, report, start


async def bench(rounds: int = 25) -> None:
    """Print the medians: as a process each, and as a call within a running hub."""
    async with private_server() as server, phone(server.key_path) as serial:
        client = AdbClient(server.address)
        await client.connect(serial)
        transport = client.transport(serial=serial)
        adb = [str(find_adb()), "-P", str(server.address.port), "-s", serial]
        environment = {**os.environ, "ANDROID_ADB_SERVER_PORT": str(server.address.port)}
        devicehub = str(Path(sys.executable).parent / "devicehub")
        seconds = await interleave(
            {
                "adb shell echo (a process)": partial(start, *adb, "shell", "echo"),
                "shell command in the hub (a call)": partial(shell.run, transport, ["echo"], timeout_s=30),
                "adb shell getprop (a process)": partial(start, *adb, "shell", "getprop"),
                "identify in the hub (a call)": partial(read_properties, transport),
                "devicehub identify (a process)": partial(
                    start, devicehub, "identify", serial, "--json", env=environment
                ),
            },
            rounds=rounds,
        )
    report(f"shell and identify, {rounds} rounds", seconds, base="adb shell echo (a process)")
