"""What happens to a run, by the words of the plans and of the matrix."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from typing import TYPE_CHECKING, Final, Literal

from tests.chaos.desk import OURS

if TYPE_CHECKING:
    from tests.chaos.desk import Bench, Desk
    from tests.chaos.moments import Moment

Fault = Literal[
    "cable", "frozen", "server", "hub", "reboot", "suspend", "clock", "supervisor", "agent", "disk"
]
FAULTS: Final[tuple[Fault, ...]] = (
    "cable", "frozen", "server", "hub", "reboot", "suspend", "clock", "supervisor", "agent", "disk",
)  # fmt: skip
STEP_S: Final = 100.0
_NOTICE_S: Final = 5.0


async def injure(desk: Desk, bench: Bench, fault: Fault, moment: Moment, *, for_s: float) -> None:
    """Wait for the moment, then do it; what ends again by itself ends after so long."""
    if fault in ("supervisor", "agent") and moment == "starting":
        await bench.faults.when_process("supervise.sh")
    else:
        await bench.listener.come(moment)
    await strike(desk, bench, fault, for_s=for_s)


async def strike(desk: Desk, bench: Bench, fault: Fault, *, for_s: float) -> None:
    """Do it now."""
    faults, clock = bench.faults, desk.clock
    match fault:
        case "cable":
            await faults.cable_out()
            await _noticed(bench)
            await clock.sleep(for_s)
            await faults.cable_in()
        case "frozen":
            faults.freeze()
            await clock.sleep(for_s)
            faults.thaw()
        case "server":
            await desk.kill_server()
        case "reboot":
            await faults.reboot(down_s=for_s)
        case "suspend":
            await faults.suspend(for_s)
        case "clock":
            faults.step_clock(STEP_S)
        case "supervisor":
            # Its watcher is a process of the same name, and its child: parents come first.
            os.kill(faults.processes("supervise.sh")[0], signal.SIGKILL)
        case "agent":
            for piece in OURS:
                faults.kill(piece)
        case "disk":
            await faults.set_free(0)
        case "hub":
            raise AssertionError("a hub is killed in a process of its own")


async def _noticed(bench: Bench) -> None:
    """Give the hub time to see that the phone is away; while it pushes or collects it says nothing of it."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_NOTICE_S):
            await bench.listener.away()
