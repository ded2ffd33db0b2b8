"""The API's server alone, with much to tell: samples of 200 phones and hundreds of long notes a second.

Prints its URL when it listens; runs until its stdin ends. A note's text begins with the moment at which it
was published, in nanoseconds of the monotonic clock.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import time
from typing import Final

from devicehub.api.auth import Access
from devicehub.api.events import Bus
from devicehub.api.model import Noted, SampleView
from devicehub.api.server import ApiServer
from devicehub.clock import SystemClock

TOKEN: Final = "bench"
PHONES: Final = 200
NOTES_S: Final = 500
NOTE_BYTES: Final = 1000
_TICK_S: Final = 0.02
_CLOCK: Final = SystemClock()


async def tell(bus: Bus) -> None:
    """Publish for ever."""
    begun_s = _CLOCK.monotonic_s()
    samples = notes = 0
    while True:
        passed_s = _CLOCK.monotonic_s() - begun_s
        while samples < passed_s * PHONES:
            device = f"S{samples % PHONES:07d}"
            view = SampleView(device=device, wall_s=_CLOCK.wall_s(), temp_mc=31000, cpu_percent=12.5)
            bus.publish("samples", view, key=device)
            samples += 1
        while notes < passed_s * NOTES_S:
            bus.publish("notes", Noted(text=f"{time.monotonic_ns()} ".ljust(NOTE_BYTES, "x"), wall_s=0.0))
            notes += 1
        await _CLOCK.sleep(_TICK_S)


async def _serve() -> None:
    bus = Bus("bench", snapshot=lambda _topic, _keys: [], replay_runs=lambda _first, _last: [])
    async with ApiServer({}, bus, Access(TOKEN), _CLOCK) as server, asyncio.TaskGroup() as tasks:
        print(server.url, flush=True)
        telling = tasks.create_task(tell(bus))
        await asyncio.to_thread(sys.stdin.read)
        telling.cancel()


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve())


if __name__ == "__main__":
    main()
