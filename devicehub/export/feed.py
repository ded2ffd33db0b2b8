"""One export, from its plan to a folder with its provenance: the only way in which a model is made here."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from devicehub.export.acceptance import accept
from devicehub.export.machine import this_machine
from devicehub.export.parent import ExportJob, export
from devicehub.export.provenance import write_provenance

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from devicehub.clock import Clock
    from devicehub.export.acceptance import Acceptance
    from devicehub.export.parent import Exported
    from devicehub.export.plan import Plan
    from devicehub.export.progress import Progress
    from devicehub.export.result import ChildResult


@dataclass(frozen=True)
class Order:
    """What is to be made.

    Attributes:
        out: the folder that the model becomes; it must not be there.
        log: takes all that the exporter says.
    """

    plan: Plan
    out: Path
    log: Path


async def make_model(
    order: Order, *, on_stage: Callable[[Progress], None], clock: Clock, python: str = sys.executable
) -> Exported[Acceptance]:
    """Export a model, accept it, write down how it was made, and let it appear.

    Raises:
        ExportFailed: the exporter failed.
        InputError: the model would not answer as its source, or a file cannot be written.
        ProgramError: it cannot be compared with its source.
    """
    plan = order.plan

    async def judge(folder: Path, result: ChildResult) -> Acceptance:
        machine = await asyncio.to_thread(this_machine, folder)
        found = await accept(plan, folder, free_ram_bytes=machine.free_ram_bytes, python=python)
        await asyncio.to_thread(write_provenance, folder, plan, result, found, now_s=clock.wall_s())
        return found

    job = ExportJob(plan.source.folder, plan.argv, order.out, order.log, judge)
    return await export(job, on_stage=on_stage, clock=clock, python=python)
