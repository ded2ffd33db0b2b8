"""A hub with 200 phones that each speak once a second: what it takes, and how late an event is.

The phones are a stand-in's (`stand_in_adb`), the hub is `devicehub serve`, the subscriber this process: three
processes, of which the hub's alone is measured. A sample tells when its bytes left the phone.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final

from devicehub.adb.client import AdbClient
from devicehub.adb.server import private_server
from devicehub.api.client import connect
from devicehub.api.contract import DEVICES
from devicehub.api.model import SampleView
from devicehub.clock import SystemClock
from tests.bench.hub_process import serving
from tests.bench.phone import phone
from tests.bench.results import Result, table
from tests.bench.stand_in_adb import age_ms
from tests.bench.stand_in_server import stand_in

if TYPE_CHECKING:
    from devicehub.api.client import Client
    from tests.bench.hub_process import HubProcess

_MOST_CORE: Final = 0.40
_MOST_RSS_MIB: Final = 250
_MOST_P99_MS: Final = 200
_FEWEST: Final = 100
_READY_S: Final = 180.0
_SETTLE_S: Final = 15.0
_MIB: Final = 1024 * 1024
_CLOCK: Final = SystemClock()


async def bench(phones: int = 200, seconds: float = 60.0) -> list[Result]:
    """The hub's share of a core, its memory, and the lateness of events."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with (
            private_server(home=folder / "adb") as server,
            phone(server.key_path) as serial,
        ):
            await AdbClient(server.address).connect(serial)
            async with (
                stand_in(server.address, serial, phones=phones) as address,
                serving(folder, address) as hub,
                connect(hub.where, name="bench", start=False) as client,
            ):
                await client.subscribe("devices", "samples", "runs")
                async with asyncio.TaskGroup() as tasks:
                    watch = Watch()
                    listening = tasks.create_task(watch.listen(client))
                    await _all_ready(client, phones)
                    await _CLOCK.sleep(_SETTLE_S)
                    results = await _measure(hub, watch, phones, seconds)
                    listening.cancel()
    return results


class Watch:
    """What a subscriber sees.

    Attributes:
        late_ms: of each sample that tells free memory anew, from its phone to here.
        counts: events by topic.
        devices: samples by device.
    """

    def __init__(self) -> None:
        self._free_kib: dict[str, int] = {}
        self.clear()

    def clear(self) -> None:
        """Begin anew."""
        self.late_ms: list[int] = []
        self.counts: Counter[str] = Counter()
        self.devices: Counter[str] = Counter()

    async def listen(self, client: Client) -> None:
        """Take events until cancelled."""
        async for event in client.events():
            self.counts[event.topic] += 1
            if isinstance(event.data, SampleView):
                self._take(event.data)

    def _take(self, sample: SampleView) -> None:
        free_kib = sample.mem_available_kib
        if free_kib is not None and self._free_kib.get(sample.device) != free_kib:
            self._free_kib[sample.device] = free_kib
            self.late_ms.append(age_ms(free_kib))
            self.devices[sample.device] += 1


async def _all_ready(client: Client, phones: int) -> None:
    begun_s = _CLOCK.monotonic_s()
    async with asyncio.timeout(_READY_S):
        while sum(device.state == "ready" for device in await client.call(DEVICES)) < phones:
            await _CLOCK.sleep(1.0)
    print(f"{phones} phones were ready after {_CLOCK.monotonic_s() - begun_s:.1f} s")


async def _measure(hub: HubProcess, watch: Watch, phones: int, seconds: float) -> list[Result]:
    watch.clear()
    begun_s, cpu_s, rss = _CLOCK.monotonic_s(), hub.cpu_s(), []
    while (passed_s := _CLOCK.monotonic_s() - begun_s) < seconds:
        await _CLOCK.sleep(1.0)
        rss.append(hub.rss())
    core = (hub.cpu_s() - cpu_s) / passed_s
    late = watch.late_ms
    silent = phones - len(watch.devices)
    if len(late) < _FEWEST:
        raise RuntimeError("too few samples for a p99")
    case = f"{phones} phones at 1 Hz"
    results = [
        Result(case, "CPU of the hub", core * 100, "% of a core", most=_MOST_CORE * 100),
        Result(case, "memory, highest", max(rss) / _MIB, "MiB", most=_MOST_RSS_MIB),
        Result(case, "phone to client, median", statistics.median(late), "ms"),
        Result(case, "phone to client, p99", statistics.quantiles(late, n=100)[98], "ms", most=_MOST_P99_MS),
        Result(case, "phone to client, worst", max(late), "ms"),
    ]
    print(f"a hub with {phones} phones, {passed_s:.0f} s, store on, one subscriber")
    print(f"  {len(late) / passed_s:.1f} samples a second; phones that told nothing: {silent}")
    print(f"  events: {dict(watch.counts)}")
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--phones", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60.0)
    chosen = parser.parse_args()
    print(table(asyncio.run(bench(chosen.phones, chosen.seconds))))


if __name__ == "__main__":
    main()
