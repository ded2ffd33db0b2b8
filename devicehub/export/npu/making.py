"""One model for the NPU, from its plan to a folder with its provenance."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from devicehub.export.acceptance import accept
from devicehub.export.machine import this_machine
from devicehub.export.npu.runner import run_npu
from devicehub.export.provenance import write_provenance

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from devicehub.clock import Clock
    from devicehub.export.acceptance import Acceptance
    from devicehub.export.npu.plan import NpuPlan
    from devicehub.export.npu.progress import NpuProgress
    from devicehub.export.npu.runner import NpuMade
    from devicehub.export.result import ChildResult


async def make_npu_model(
    npu: NpuPlan, log: Path, *, on_progress: Callable[[NpuProgress], None], clock: Clock
) -> NpuMade[Acceptance]:
    """Export a model, accept it as any other, compile it, write down how it was made, and let it appear.

    Its acceptance is of the model before it is compiled: this host cannot run what the NPU runs.

    Raises:
        NpuStepFailed: a tool failed; what was finished before is kept for the next try.
        InputError: the model would not answer as its source, is not as it should be, or cannot be written.
        ProgramError: it cannot be compared with its source.
    """

    async def judge(folder: Path, _result: ChildResult) -> Acceptance:
        machine = await asyncio.to_thread(this_machine, folder)
        return await accept(npu.export, folder, free_ram_bytes=machine.free_ram_bytes, python=npu.kit.python)

    async def describe(ready: Path, result: ChildResult, found: Acceptance) -> None:
        now_s, htp = clock.wall_s(), npu.target.htp
        await asyncio.to_thread(write_provenance, ready, npu.export, result, found, now_s=now_s, htp=htp)

    return await run_npu(npu, log, judge=judge, describe=describe, on_progress=on_progress, clock=clock)
