"""One push by one peer in a process of its own; prints `SECONDS CPU_SECONDS` of the client's side.

The CPU time is that of this process from before the first connection to the end of the push, or, for adb, of
the whole adb process: it ends with the push and starts in a few milliseconds.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import resource
import sys
import time
from pathlib import Path

from devicehub import procs
from devicehub.adb.address import ServerAddress
from devicehub.adb.client import AdbClient
from devicehub.adb.server import find_adb
from devicehub.adb.sync import open_sync


async def push_ours(port: int, serial: str, local: Path, remote: str) -> None:
    transport = AdbClient(ServerAddress(port=port)).transport(serial=serial)
    async with open_sync(transport) as sync:
        await sync.push(local, remote)


async def push_adb(port: int, serial: str, local: Path, remote: str) -> None:
    argv = [str(find_adb()), "-P", str(port), "-s", serial, "push", str(local), remote]
    done = await procs.run(argv, timeout_s=3600)
    if done.status != 0:
        sys.exit(f"adb push: {done.stderr.decode(errors='replace')}")


async def push_adbutils(port: int, serial: str, local: Path, remote: str) -> None:
    import adbutils

    device = adbutils.AdbClient(host="127.0.0.1", port=port).device(serial)
    await asyncio.to_thread(device.sync.push, local, remote)


PEERS = {"ours": push_ours, "adb push": push_adb, "adbutils": push_adbutils}


def _cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("peer", choices=sorted(PEERS))
    parser.add_argument("port", type=int)
    parser.add_argument("serial")
    parser.add_argument("local", type=Path)
    parser.add_argument("remote")
    chosen = parser.parse_args()
    if chosen.peer == "adbutils":
        importlib.import_module("adbutils")  # its import is no part of the push
    cpu_s, begun = _cpu_s(), time.perf_counter()
    asyncio.run(PEERS[chosen.peer](chosen.port, chosen.serial, chosen.local, chosen.remote))
    print(time.perf_counter() - begun, _cpu_s() - cpu_s)


if __name__ == "__main__":
    main()
