"""One shell command and the identification of a phone, beside `adb shell`."""

from __future__ import annotations

import contextlib
import os
import statistics
import sys
import tempfile
from functools import partial
from pathlib import Path

from devicehub.adb import shell
from devicehub.adb.client import AdbClient
from devicehub.adb.server import find_adb, private_server
from devicehub.device.probe import read_properties
from tests.bench.phone import phone
from tests.bench.results import Result
from tests.bench.timing import interleave, report, start
from tests.e2e.command import stop_hub


async def bench(rounds: int = 25) -> list[Result]:
    """Print the medians: as a process each, and as a call within a running hub."""
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = await stack.enter_async_context(private_server(home=folder))
        serial = await stack.enter_async_context(phone(server.key_path))
        client = AdbClient(server.address)
        await client.connect(serial)
        transport = client.transport(serial=serial)
        adb = [str(find_adb()), "-P", str(server.address.port), "-s", serial]
        environment = {
            **os.environ,
            "HOME": str(folder),
            "DEVICEHUB_HOME": str(folder / "hub"),
            "ANDROID_ADB_SERVER_PORT": str(server.address.port),
        }
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
        await stop_hub(environment)
    report(f"shell and identify, {rounds} rounds", seconds, base="adb shell echo (a process)")
    return [
        Result("shell", name, statistics.median(seconds[name]) * 1000, "ms")
        for name in ("shell command in the hub (a call)", "identify in the hub (a call)")
    ]
