"""What happens to a run, by the words of the plans and of the matrix."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from typing import TYPE_CHECKING, Final, Literal

from devicehub.runs.lifecycle import RunState
from tests.chaos.desk import OURS

if TYPE_CHECKING:
    from tests.chaos.desk import Bench, Desk
    from tests.chaos.moments import Moment

Fault = Literal["cable", "frozen", "server", "reboot", "suspend", "clock", "supervisor", "agent", "disk"]
SPOILS_FIGURES: Final[frozenset[Fault]] = frozenset({"suspend", "clock"})
STEP_S: Final = 100.0
DATA_MIB: Final = 4096
"""The size of /data/local/tmp of a phone whose disk is to be full; the hub wants some of it to stay free."""
_SPOKEN: Final = 200
"""What llm_demo writes before its answer is shorter."""
_NOTICE_S: Final = 5.0
_LOOK_S: Final = 0.01


async def injure(desk: Desk, bench: Bench, fault: Fault, moment: Moment, *, for_s: float) -> None:
    """Wait for the moment, then do it; what ends again by itself ends after so long."""
    if fault in ("supervisor", "agent") and moment == "starting":
        await bench.faults.when_file("devicehub/runs/*/claim")
        await bench.faults.when_process("supervise.sh")
    else:
        await bench.listener.come(moment)
    await strike(desk, bench, fault, for_s=for_s)


async def come_from_outside(desk: Desk, bench: Bench, moment: Moment) -> None:
    """Wait for a moment of a run that another process carries."""
    if moment == "decoding":
        await bench.faults.when_bytes("devicehub/runs/*/1/stdout", _SPOKEN)
    elif moment == "collecting":
        await bench.faults.when_file("devicehub/runs/*/exit")
    else:
        while True:
            states = {row.state for row in desk.hub.store.runs() if row.serialno == bench.phone.serialno}
            if (
                states
                - {RunState.QUEUED, RunState.CHECKING}
                - ({"deploying"} if moment == "starting" else set())
            ):
                return
            await desk.clock.sleep(_LOOK_S)


async def strike(desk: Desk, bench: Bench, fault: Fault, *, for_s: float) -> None:
    """Do it now, after whatever else is being done to this phone."""
    async with bench.one_at_a_time:
        if bench.is_over:
            return
        measuring = bench.measuring()
        await _strike(desk, bench, fault, for_s)
        if fault in SPOILS_FIGURES and measuring is not None and measuring == bench.measuring():
            bench.spoilt.append(measuring)


async def _strike(desk: Desk, bench: Bench, fault: Fault, for_s: float) -> None:
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
            _kill(faults.processes("supervise.sh")[:1])
        case "agent":
            _kill([pid for piece in OURS for pid in faults.processes(piece)])
        case "disk":
            faults.freeze()  # what arrives meanwhile would not fit any more
            await faults.set_free(0)
            faults.thaw()
            if for_s:
                await clock.sleep(for_s)
                await faults.set_free(DATA_MIB // 2 * 1024)


def _kill(pids: list[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


async def _noticed(bench: Bench) -> None:
    """Give the hub time to see that the phone is away; while it pushes or collects it says nothing of it."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_NOTICE_S):
            await bench.listener.away()
