"""Judges what an exporter wrote before it may appear in the catalogue."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devicehub.errors import InputError
from devicehub.export.estimate import memory_in_float
from devicehub.export.logits import compare_logits
from devicehub.export.preflight import keeps_zeros
from devicehub.export.weights import read_linears, tie_problem
from devicehub.export.zeros import compare_zeros
from devicehub.models.check import check_model, read_object
from devicehub.units import format_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from devicehub.export.logits_question import Fidelity
    from devicehub.export.plan import Plan
    from devicehub.export.zeros import ZerosKept

_GRAPH: Final = "llm.mnn.json"
_WEIGHTS: Final = "llm.mnn.weight"
_WAY_OUT: Final = "export it with a block that divides every width of the model"


@dataclass(frozen=True)
class Acceptance:
    """What was found about an export that may appear.

    Attributes:
        fidelity: of its logits; None where they were not compared.
        skipped: why they were not; empty where they were.
        bits: the fewest bits of a weight in it.
        warnings: of the check of its files, and of zeros that were lost.
        zeros: of a pruned source, what became of its zeros; None for others.
    """

    fidelity: Fidelity | None
    skipped: str
    bits: int
    warnings: tuple[str, ...]
    zeros: ZerosKept | None = None


async def accept(
    plan: Plan, folder: Path, *, free_ram_bytes: int, python: str = sys.executable
) -> Acceptance:
    """Judge an exported folder.

    Args:
        plan: what was to be made.
        folder: the exported one.
        free_ram_bytes: of memory on this host.
        python: the interpreter that has torch and transformers.

    Raises:
        InputError: the model would not answer, or not as its source; with what to do.
        ProgramError: the source or the export gave no logits.
    """
    found = check_model(folder)
    linears = read_linears(read_object(folder / _GRAPH))
    if not linears:
        raise InputError(folder / _GRAPH, "names no linear layer", remedy="export the model again")
    problems = [linear.problem() for linear in linears]
    problems.append(tie_problem(linears, found.llm_config.get("tie_embeddings")))
    for problem in filter(None, problems):
        raise InputError(folder, f"{problem}: it would say garbage", remedy=_WAY_OUT)
    bits = min(linear.bits for linear in linears)
    zeros = await asyncio.to_thread(compare_zeros, plan, folder / _WEIGHTS, linears)
    warnings = found.warnings
    if zeros is not None and (problem := zeros.problem()):
        if keeps_zeros(plan.options):
            raise InputError(folder, problem, remedy="export it symmetrically, or report this")
        warnings = (*warnings, problem)
    needed = memory_in_float(plan.source)
    if needed > free_ram_bytes:
        wanted, free = format_bytes(needed), format_bytes(free_ram_bytes)
        skipped = f"its logits were not compared: the source needs {wanted} of memory, {free} are free"
        return Acceptance(None, skipped, bits, warnings, zeros)
    source = plan.source
    adapter = plan.companions.adapter
    near = await compare_logits(
        source.folder,
        folder,
        vocab=source.vocab,
        adapter=adapter.folder if adapter is not None else None,
        python=python,
    )
    if problem := near.problem(bits):
        raise InputError(folder, problem, remedy="export it with another recipe")
    return Acceptance(near, "", bits, warnings, zeros)
