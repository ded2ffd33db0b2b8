"""A burst of lines into the capture of the log on the phone: how many of them a run's own log holds.

The run's workload writes them by logd as fast as it can.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys
from typing import Final

from devicehub.adb.client import AdbClient
from devicehub.adb.server import private_server
from devicehub.android.logcat import Entry, LogcatParser
from devicehub.assets import find_asset
from devicehub.clock import SystemClock
from devicehub.runner.contract import Command, Piece, RunSpec
from devicehub.runner.launch import Runner
from devicehub.settings import PHONE_ROOT
from devicehub.workloads.log_loss import LossReader, sentences
from tests.bench.phone import phone
from tests.bench.results import Result

_LINES: Final = 50_000
_TAG: Final = "MNNJNI"
_WRITER: Final = """
import sys, time
from devicehub.sim.android import logd

begun = time.monotonic()
for number in range(int(sys.argv[2])):
    logd.write(priority="I", tag=sys.argv[1], message=f"line {number}")
print(time.monotonic() - begun)
"""


async def bench(lines: int = _LINES, rounds: int = 3) -> list[Result]:
    """Print, of each round, how many lines arrived and what the reader says of the others.

    Raises:
        RuntimeError: lines are missing and nothing says so.
    """
    print(f"a burst of {lines} lines into the log of a run (none lost unless it is stated)")
    async with private_server() as server, phone(server.key_path) as serial:
        client = AdbClient(server.address)
        await client.connect(serial)
        transport = client.transport(serial=serial)
        runner = Runner(transport, agent_dir=find_asset("agent"), clock=SystemClock())
        await runner.install()
        for number in range(1, rounds + 1):
            await _burst(runner, lines, number)
    return [Result("log", f"lines of {rounds * lines} lost unstated", 0, "", most=0)]


async def _burst(runner: Runner, lines: int, number: int) -> None:
    argv = [sys.executable, "-c", _WRITER, _TAG, str(lines)]
    command = Command(argv, cwd=f"{PHONE_ROOT}/work/bench")
    spec = RunSpec(f"burst-{secrets.token_hex(4)}", [command], files={"config.json": b"{}"})
    handle = await runner.start(spec)
    data = {"stdout": b"", "stderr": b"", "log": b"", "samples": b""}
    async for item in runner.follow(handle):
        if isinstance(item, Piece):
            data[item.stream] += item.data
    end = await runner.result(handle)
    if end.launches[0].status != 0:
        raise RuntimeError(f"the writer failed: {data['stderr'].decode(errors='replace')[-500:]}")
    arrived, losses = _read(data["log"], captured=end.log_captured, wrapped=end.log_wrapped)
    missing = lines - len(arrived)
    rate = lines / float(data["stdout"])
    print(f"  round {number}: {len(arrived)} arrived, {missing} missing, written at {rate:.0f} lines/s")
    for sentence in losses:
        print(f"    {sentence}")
    if missing and not losses:
        raise RuntimeError(f"{missing} lines are missing and nothing says so")


def _read(log: bytes, *, captured: bool, wrapped: bool) -> tuple[set[str], list[str]]:
    """The burst's lines that are there, and the sentences that tell of lost ones."""
    parser, losses = LogcatParser(), LossReader()
    arrived: set[str] = set()
    at = 0
    for item in [*parser.receive(log), *parser.finish()]:
        if not isinstance(item, Entry):
            continue
        at += 1
        losses.take(item, at)
        if item.tag == _TAG:
            arrived.add(item.message)
    losses.end(at, captured=captured, wrapped=wrapped)
    return arrived, sentences(losses.all)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=_LINES)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    asyncio.run(bench(chosen.lines, chosen.rounds))


if __name__ == "__main__":
    main()
