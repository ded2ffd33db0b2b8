"""Push of one big file to a virtual phone: ours beside `adb push` and adbutils, throughput and CPU time.

All three go through the same private adb server in burst mode to the same virtual phone, which is a process
of its own, and take turns in every round.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from devicehub import procs
from devicehub.adb import shell
from devicehub.adb.client import AdbClient, Transport
from devicehub.adb.server import private_server
from devicehub.units import GIB, MB, MIB
from tests.bench.phone import phone
from tests.bench.push_peer import PEERS
from tests.bench.results import Result
from tests.bench.timing import ratio

if TYPE_CHECKING:
    from collections.abc import Sequence

_OURS: Final = "ours"
_BASE: Final = "adb push"
_LEAST_SPEED: Final = 0.9
_MOST_CPU: Final = 1.5
_REMOTE: Final = "/data/local/tmp/bench.bin"


async def bench(size: int = GIB, rounds: int = 3) -> list[Result]:
    """Print one line per peer: throughput, CPU time of the client, both also as ratios to `adb push`."""
    seconds: dict[str, list[float]] = {name: [] for name in PEERS}
    cpu_s: dict[str, list[float]] = {name: [] for name in PEERS}
    with tempfile.TemporaryDirectory() as folder:
        local = Path(folder) / "bench.bin"
        _fill(local, size)
        async with private_server() as server, phone(server.key_path) as serial:
            client = AdbClient(server.address)
            await client.connect(serial)
            transport = client.transport(serial=serial)
            for number in range(rounds + 1):
                for peer in PEERS:
                    taken_s, used_s = await _push(peer, server.address.port, transport, local, size)
                    if number > 0:  # the first round warms the caches
                        seconds[peer].append(taken_s)
                        cpu_s[peer].append(used_s)
    return _report(size, rounds, seconds, cpu_s)


async def _push(peer: str, port: int, transport: Transport, local: Path, size: int) -> tuple[float, float]:
    argv = [
        sys.executable,
        "-m",
        "tests.bench.push_peer",
        peer,
        str(port),
        transport.label,
        str(local),
        _REMOTE,
    ]
    done = await procs.run(argv, timeout_s=3600)
    if done.status != 0:
        raise RuntimeError(f"{peer}: {done.stderr.decode(errors='replace')}")
    pushed = await shell.check(transport, ["stat", "-c", "%s", _REMOTE], timeout_s=30)
    if int(pushed.stdout) != size:
        raise RuntimeError(f"{peer}: {pushed.stdout!r} bytes arrived")
    await shell.check(transport, ["rm", _REMOTE], timeout_s=60)
    taken_s, used_s = done.stdout.split()
    return float(taken_s), float(used_s)


def _fill(path: Path, size: int) -> None:
    """Content that nothing on the way can compress or take for a hole."""
    block = os.urandom(MIB)
    with path.open("wb") as file:
        while size > 0:
            size -= file.write(block[:size])


def _report(
    size: int, rounds: int, seconds: dict[str, list[float]], cpu_s: dict[str, list[float]]
) -> list[Result]:
    print(f"push of {size / MIB:g} MiB, {rounds} rounds")
    for peer in PEERS:
        rates: Sequence[float] = [size / MB / taken_s for taken_s in seconds[peer]]
        base_rates = [size / MB / taken_s for taken_s in seconds[_BASE]]
        print(
            f"  {peer:<10} {statistics.median(rates):8.1f} MB/s   x {ratio(rates, base_rates):.2f}"
            f"   CPU {statistics.median(cpu_s[peer]):6.2f} s   x {ratio(cpu_s[peer], cpu_s[_BASE]):.2f}"
        )
    return [
        Result("push", "speed / adb push", ratio(seconds[_BASE], seconds[_OURS]), "x", least=_LEAST_SPEED),
        Result("push", "CPU / adb push", ratio(cpu_s[_OURS], cpu_s[_BASE]), "x", most=_MOST_CPU),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=GIB // MIB, metavar="MIB", help="default: 1024")
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    asyncio.run(bench(chosen.size * MIB, chosen.rounds))


if __name__ == "__main__":
    main()
