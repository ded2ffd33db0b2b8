"""What is looked at before an export starts: blocks, zeros, memory, room, the kind of model.

llmexport notices none of it, or only after minutes (DEVELOP.md, "An export").
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devicehub.errors import InputError
from devicehub.export.blanks import first_blank
from devicehub.export.blocks import UNQUANTISED, Quantisation, fit, misfits
from devicehub.export.known_models import MODEL_TYPES
from devicehub.export.machine import LLMEXPORT, version_warnings
from devicehub.units import format_bytes, format_share

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from devicehub.export.estimate import Estimate
    from devicehub.export.flags import Options
    from devicehub.export.machine import Machine
    from devicehub.export.source import Source
    from devicehub.export.tensors import Tensor
    from devicehub.profiles.exporter import Value

_EMBEDDERS: Final = ("bge", "gte", "Qwen3-Embedding")
"""By these names llmexport knows them, in a path that an export does not show it (export/child.py)."""
PRUNED: Final = 0.25
"""From this share of zeros on a checkpoint counts as pruned: training makes next to none, rounding to four
bits (weights from a GGUF) about a tenth."""


def fit_blocks(source: Source, options: Options, *, take: bool) -> tuple[Options, list[str]]:
    """The options with blocks that divide what they must, and what was changed.

    Args:
        source: the checkpoint.
        options: llmexport's.
        take: change a block that does not fit to the largest that does, instead of refusing it.

    Raises:
        InputError: a block does not fit; says which does.
    """
    asked = Quantisation.of(options)
    found = misfits(asked, widths=source.widths, hidden=source.hidden, tied=source.tied)
    if not found:
        return options, []
    changes = fit(asked, widths=source.widths, hidden=source.hidden, tied=source.tied)
    if asked.awq and changes.get("quant_block") == 0:
        problem = f"no block divides every width of it ({_widths(source)}), and awq works on blocks"
        raise InputError(source.folder, problem, remedy="take --recipe default")
    if take:
        return options | changes, [
            f"{name} is {value}, the largest block that fits, not {_asked(asked, name)}"
            for name, value in changes.items()
            if value != _asked(asked, name)
        ]
    worst = found[0]
    problem = (
        f"{worst.option} {worst.block} does not divide the width {worst.width} of {worst.where}: "
        f"llmexport would take it, and {worst.effect}"
    )
    settings = " ".join(f"--set {name}={value}" for name, value in changes.items())
    raise InputError(
        source.folder, problem, remedy=f"take the largest that fits: {settings}, or add --fit-block"
    )


def fit_zeros(source: Source, options: Options, *, take: bool) -> tuple[Options, list[str]]:
    """The options without `hqq` where a block of zeros forbids it, and what was changed.

    HQQ makes a scale of such a block that, symmetric, gives logits of 65536; the pad token's row of a tied
    embedding is the usual place.

    Args:
        source: the checkpoint, whose weights are read through.
        options: llmexport's; their blocks fit.
        take: leave `hqq` out instead of refusing.

    Raises:
        InputError: there is such a block; or a file cannot be read.
    """
    if options.get("hqq") is not True or options.get("sym") is not True:
        return options, []
    found = next(_blanks(source, Quantisation.of(options)), None)
    if found is None:
        return options, []
    tensor, row = found
    where = f"row {row} of {tensor} is zero, or a block of it"
    if take:
        return options | {"hqq": False}, [f"hqq is left out: {where}, which it cannot scale with sym"]
    problem = f"{where}: with hqq and sym the model would give logits of 65536 there"
    raise InputError(source.folder, problem, remedy="leave hqq out: --set hqq=false, or add --fit-block")


def check_machine(expected: Estimate, machine: Machine, source: Source) -> None:
    """See that this host can make the export.

    Raises:
        InputError: its memory or its disk cannot; or llmexport is of another release than 0.0.5.
    """
    found = machine.versions.get("llmexport")
    if found is not None and found != LLMEXPORT:
        problem = f"is {found}; what is checked before an export is known of {LLMEXPORT} alone"
        raise InputError("llmexport", problem, remedy=f"pip install llmexport=={LLMEXPORT}")
    if source.bytes > machine.free_ram_bytes:
        problem = (
            f"its weights are {format_bytes(source.bytes)}, and {format_bytes(machine.free_ram_bytes)} of "
            f"memory are free: llmexport holds them all"
        )
        raise InputError(source.folder, problem, remedy="free memory, or export on a larger host")
    if expected.disk_bytes > machine.free_disk_bytes:
        problem = (
            f"its export needs about {format_bytes(expected.disk_bytes)} of disk, and "
            f"{format_bytes(machine.free_disk_bytes)} are free"
        )
        raise InputError(source.folder, problem, remedy="free some, or name another place with --out")


def check_pruned(source: Source) -> None:
    """See that a checkpoint's layers hold zeros to keep.

    Raises:
        InputError: they do not; or a file cannot be read.
    """
    zeros = source.zeros
    if zeros.share < PRUNED:
        problem = f"it is not pruned: {format_share(zeros.share)} of the weights in its layers are zero"
        raise InputError(
            source.folder, problem, remedy="prune it first with `devicehub prune`, or take --recipe default"
        )


def keeps_zeros(options: Mapping[str, Value]) -> bool:
    """Whether weights that are zero stay so in an export with these options."""
    asked = Quantisation.of(options)
    return asked.symmetric or asked.awq or asked.bits == UNQUANTISED


def source_warnings(
    source: Source, options: Mapping[str, Value], machine: Machine, *, needed_ram_bytes: int
) -> Iterator[str]:
    """What a user should know of his source and host before an export that is not refused.

    Raises:
        InputError: a file cannot be read.
    """
    if source.gguf is not None:
        yield f"{source.gguf.name} holds weights that were quantised already: the export quantises them again"
    if source.remote_code:
        yield (
            f"{source.folder.name} brings Python of its own (auto_map), and llmexport runs it with your "
            f"rights: export it only if you trust whoever made it"
        )
    if any(word in source.folder.name for word in _EMBEDDERS):
        yield f"{source.folder.name} is named as one that embeds texts; it is exported as one that writes"
    if source.model_type not in MODEL_TYPES:
        name = source.model_type or "none"
        yield f"model type {name} is unknown to llmexport {LLMEXPORT}, which takes it for one like llama"
    if not keeps_zeros(options) and (zeros := source.zeros).share >= PRUNED:
        count = sum(linear.weights for linear in source.linears)
        yield (
            f"{format_share(zeros.share)} of the weights in its layers are zero, about "
            f"{round(zeros.share * count)} of {count}: quantised asymmetrically, none stays zero; "
            f"--recipe sparse-w4 or --set sym=true keeps them"
        )
    if needed_ram_bytes > machine.free_ram_bytes:
        yield (
            f"the export needs about {format_bytes(needed_ram_bytes)} of memory, and "
            f"{format_bytes(machine.free_ram_bytes)} are free: it may be slow, or be ended by the system"
        )
    yield from version_warnings(machine.versions)


def _blanks(source: Source, asked: Quantisation) -> Iterator[tuple[str, int]]:
    """Blocks of zeros that are quantised by themselves: (tensor, row); of each tensor the first."""
    for tensor, block in _quantised(source, asked):
        inputs = tensor.shape[-1]
        size = block or inputs
        if (number := first_blank(tensor, size)) is not None:
            yield tensor.name, number * size // inputs


def _quantised(source: Source, asked: Quantisation) -> Iterator[tuple[Tensor, int]]:
    """Each tensor that is quantised along its last axis, and its block."""
    embedding, output = source.layout.embedding, source.layout.output
    assert embedding is not None
    ties = asked.ties(source.tied)
    if asked.lm_bits != UNQUANTISED:
        yield output or embedding, asked.lm_block
    if asked.embedding_bits != UNQUANTISED and not ties:
        yield embedding, asked.block
    if asked.bits != UNQUANTISED:
        for linear in source.linears:
            tensor = source.tensors.get(linear.name)
            if tensor is not None and tensor.shape[-1] == linear.inputs:
                yield tensor, asked.block


def _asked(asked: Quantisation, option: str) -> int:
    return asked.block if option == "quant_block" else asked.lm_block


def _widths(source: Source) -> str:
    return ", ".join(str(width) for width in sorted(source.widths))
