"""The method that prunes checkpoints."""

from __future__ import annotations

import asyncio
import importlib.util
from typing import TYPE_CHECKING, Any

import msgspec

from devicehub.api import contract
from devicehub.api.export_wishes import find_checkpoint
from devicehub.api.job_model import step_view
from devicehub.errors import InputError
from devicehub.export.companions import read_lines
from devicehub.export.machine import check_extra, this_machine
from devicehub.export.prune.parent import PruneJob, check_prunable, own_text, prune
from devicehub.export.prune.pattern import METHODS, find_pattern
from devicehub.export.source import read_source
from devicehub.files import host_path

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devicehub.api.jobs import Job
    from devicehub.api.model import JobView
    from devicehub.api.server import Caller, Handler
    from devicehub.api.services import Services
    from devicehub.clock import Clock
    from devicehub.export.machine import Machine
    from devicehub.export.prune.parent import Step

_BY_SIZE: str = METHODS[0]
"""The method that looks at nothing but the weights, and needs no torch."""


class PruneMethods:
    """Handlers of `prunes.*`; one checkpoint is pruned at a time, for each takes what memory there is."""

    def __init__(self, services: Services) -> None:
        self._hub = services
        self._turn = asyncio.Lock()

    def handlers(self) -> Mapping[str, Handler]:
        """By method name."""
        return {contract.PRUNE_START.name: self.start}

    async def start(self, params: contract.Prune, _caller: Caller) -> JobView:
        """Prune a checkpoint; the result is a `PruneReport` with the `folder` that holds it.

        Raises:
            InputError: the source, the method, the pattern, the text or the folder cannot be used, or the
                extra is not installed.
        """
        if params.method not in METHODS:
            remedy = f"choose {', '.join(METHODS[:-1])} or {METHODS[-1]}"
            raise InputError(f"method {params.method!r}", "is none", remedy=remedy)
        if params.method != _BY_SIZE:
            check_extra()
        wanted, machine = await asyncio.to_thread(self._read, params)

        async def carry(job: Job) -> dict[str, Any]:
            if self._turn.locked():
                job.say("another checkpoint is being pruned; this one begins when that has ended")
            async with self._turn:
                return await _carry(wanted, machine, job, self._hub.clock)

        return self._hub.jobs.start(contract.PRUNE_START.name, carry, label=wanted.source.folder.name)

    def _read(self, params: contract.Prune) -> tuple[PruneJob, Machine]:
        source = read_source(find_checkpoint(params.source, self._hub.catalogue.home))
        pattern = find_pattern(params.pattern, params.sparsity)
        out = host_path(params.out).absolute()
        machine = this_machine(out)
        check_prunable(source, pattern, params.method, machine)
        if out.exists():
            raise InputError(out, "is there already", remedy="name another folder, or remove it")
        lines = own_text() if params.calibration is None else read_lines(host_path(params.calibration))
        return PruneJob(source, params.method, pattern, lines, out), machine


async def _carry(wanted: PruneJob, machine: Machine, job: Job, clock: Clock) -> dict[str, Any]:
    began_s = clock.monotonic_s()

    def show(step: Step) -> None:
        elapsed_s = clock.monotonic_s() - began_s
        at = step_view(
            wanted.method,
            step.title,
            number=step.number,
            of=step.of,
            step_share=step.share,
            elapsed_s=elapsed_s,
        )
        job.reach(at)

    report = await prune(wanted, machine, has_torch=_has_torch(), on_step=show)
    built: dict[str, Any] = msgspec.to_builtins(report)
    return {**built, "folder": str(wanted.out)}


def _has_torch() -> bool:
    return importlib.util.find_spec("torch") is not None
