"""A server of the API with synthetic phones whose readings change ten times a second.

Prints its URL; the token is `TOKEN`. Arguments: how many phones, and how often a second each is read.
A phone's `cpu_percent` is the number of the tick modulo 100, so that a reader of the screen knows when a
shown value was published: tick N at the monotonic time that the second line tells, plus N over the rate.
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any, Final

from devicehub.api import contract
from devicehub.api.auth import Access
from devicehub.api.events import Bus
from devicehub.api.model import DeviceView, LastFigures, RunPage, SampleView
from devicehub.api.server import ApiServer
from devicehub.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Collection

    from devicehub.api.server import Caller

TOKEN: Final = "a-token-of-the-bench"
TICKS: Final = 100
"""After so many ticks the shown number begins anew."""
_CLOCK: Final = SystemClock()
_SOCS: Final = ("SM8650", "MT6989", "S5E9945", "SM8550", "SDM845", "SM6225", "MT6895", "Tensor G4")


def device(number: int) -> DeviceView:
    """One phone that is ready and has figures."""
    name = name_of(number)
    soc = _SOCS[number % len(_SOCS)]
    figures = LastFigures(
        run=f"run-{number}",
        model="Qwen2.5-1.5B",
        prefill_tok_s=100.0 + number,
        decode_tok_s=10.0 + number / 7,
        fidelity=1.0,
        spread=0.02,
    )
    return DeviceView(
        id=name,
        serial=name,
        transport_id=number,
        state="ready",
        adb_state="device",
        product=f"Phone {number:04}",
        manufacturer="Sample",
        soc=soc,
        soc_name=None,
        vendor="qualcomm",
        android="14",
        sdk=34,
        battery=80,
        temp_c=30.0,
        run=None,
        quarantine=None,
        virtual=False,
        serialno=name,
        boot_id="b",
        transports=[name],
        last=figures,
    )


def name_of(number: int) -> str:
    """A phone's serial."""
    return f"SERIAL{number:05}"


def sample(number: int, tick: int) -> SampleView:
    """A reading in which temperature, both loads and free memory differ from the one before."""
    return SampleView(
        device=name_of(number),
        wall_s=_CLOCK.wall_s(),
        temp_mc=30_000 + (tick * 37 + number * 101) % 9_000,
        cpu_percent=float(tick % TICKS),
        gpu_percent=float((tick * 7 + number) % 90),
        mem_available_kib=3_000_000 + (tick * 104_729 + number) % 4_000_000,
        mem_total_kib=8_000_000,
        storage_free_kib=60_000_000,
        battery_percent=80,
        charging=False,
    )


async def _main(phones: int, hz: float) -> None:
    def snapshot(topic: str, _keys: Collection[str] | None) -> list[Any]:
        if topic == "devices":
            return [device(number) for number in range(phones)]
        return [sample(number, 0) for number in range(phones)] if topic == "samples" else []

    async def runs(_query: contract.RunsQuery, _caller: Caller) -> RunPage:
        return RunPage(runs=[], total=0)

    bus = Bus("bench", snapshot=snapshot, replay_runs=lambda _first, _last: [])
    async with ApiServer({contract.RUNS.name: runs}, bus, Access(TOKEN), _CLOCK) as server:
        begun = _CLOCK.monotonic_s()
        print(server.url, flush=True)
        print(begun, flush=True)
        if hz <= 0:
            await asyncio.Event().wait()
        tick = 0
        while True:
            tick += 1
            await _CLOCK.sleep(max(0.0, begun + tick / hz - _CLOCK.monotonic_s()))
            for number in range(phones):
                bus.publish("samples", sample(number, tick), key=name_of(number))


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1]), float(sys.argv[2])))
