"""Blocks of weights that share a scale: which divide a model's widths, and what llmexport does with others.

llmexport 0.0.5 halves a block until it divides a layer's inputs (utils/torch_utils.py), and writes elsewhere
the block that was asked for: to a layer's count of blocks, and to `tie_embeddings`, by which the engine reads
the embedding. What came of it was measured on Qwen3 of widths 192 and 384 (DEVELOP.md, "An export").
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import gcd
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from devicehub.profiles.exporter import Value

UNQUANTISED: Final = 16
"""Bits with which weights are written as fp16 or bf16, without scales and blocks."""
_GRAIN: Final = 16
"""Blocks that came out right were multiples of it."""


@dataclass(frozen=True)
class Quantisation:
    """How llmexport quantises with a set of options, its defaults filled in; a block of 0 is a whole row."""

    bits: int
    block: int
    lm_bits: int
    lm_block: int
    embedding_bits: int
    symmetric: bool
    awq: bool
    separate_embedding: bool

    @classmethod
    def of(cls, options: Mapping[str, Value]) -> Quantisation:
        """Read the options; a value of another kind than the option's counts as not given."""
        bits = _number(options, "quant_bit", 4)
        block = _number(options, "quant_block", 64)
        return cls(
            bits=bits,
            block=block,
            lm_bits=_number(options, "lm_quant_bit", bits),
            lm_block=_number(options, "lm_quant_block", block),
            embedding_bits=_number(options, "embed_bit", UNQUANTISED),
            symmetric=options.get("sym") is True,
            awq=options.get("awq") is True,
            separate_embedding=options.get("seperate_embed") is True,
        )

    def ties(self, tied: bool) -> bool:
        """Whether the export's embedding is read from its output layer, for a source that is tied or not."""
        return tied and not self.separate_embedding


class Effect(StrEnum):
    """What llmexport makes of a block that does not divide a width."""

    DESTROYED = "it writes a model that answers garbage, and reports success"
    LOWERED = "it takes a smaller block without a word"
    FAILS = "it ends in an error"


@dataclass(frozen=True)
class Misfit:
    """A block that does not divide a width.

    Attributes:
        option: that asks for the block.
        where: the layer with that width.
        fits: the largest block that suits all widths under this option; 0 is a whole row.
    """

    option: str
    block: int
    width: int
    where: str
    effect: Effect
    fits: int


def halved(width: int, block: int) -> int | None:
    """The block that llmexport comes to for a row of weights; None where it comes to none and fails."""
    if block == 0:
        return width
    while width % block:
        if block % 2:
            return None
        block //= 2
    return block


def largest_fit(widths: Iterable[int], most: int) -> int:
    """The largest block up to `most` that divides all widths and the engine was seen to read; 0 if none does.

    A block that divides all widths is taken as it is, whatever it is.
    """
    common = gcd(*widths)
    if most and common % most == 0:
        return most
    sizes = range(min(most, common) // _GRAIN * _GRAIN, 0, -_GRAIN)
    return next((size for size in sizes if common % size == 0), 0)


def misfits(
    quantisation: Quantisation, *, widths: Mapping[int, str], hidden: int, tied: bool
) -> list[Misfit]:
    """Each block that does not divide what it must, the worst case first.

    Args:
        quantisation: what is asked for.
        widths: of the layers' inputs, each with the name of a layer that has it.
        hidden: width of output layer and embedding.
        tied: the source's output layer is its embedding.
    """
    asked = quantisation
    ties = asked.ties(tied)
    layers = dict(widths) if asked.bits != UNQUANTISED else {}
    embedding = {hidden: "the embedding"} if asked.embedding_bits != UNQUANTISED and not ties else {}
    output = {hidden: "the output layer"} if asked.lm_bits != UNQUANTISED else {}
    # Layers and embedding have one option: its block has to suit both.
    fits = largest_fit([*layers, *embedding], asked.block)
    lm_fits = largest_fit(output, asked.lm_block)
    found = [
        *_of("quant_block", asked.block, layers, asked, fits=fits, tied=False),
        *_of("quant_block", asked.block, embedding, asked, fits=fits, tied=True),
        *_of("lm_quant_block", asked.lm_block, output, asked, fits=lm_fits, tied=ties),
    ]
    rank = list(Effect)
    return sorted(found, key=lambda one: (rank.index(one.effect), one.option != "quant_block", one.width))


def fit(quantisation: Quantisation, *, widths: Mapping[int, str], hidden: int, tied: bool) -> dict[str, int]:
    """The block options that make everything fit, of those that do not: `{"quant_block": 64}`.

    Where only the output layer's block was taken from that of the layers, it gets one of its own.
    """
    found = {one.option: one.fits for one in misfits(quantisation, widths=widths, hidden=hidden, tied=tied)}
    changes: dict[str, int] = {
        name: found[name] for name in ("quant_block", "lm_quant_block") if name in found
    }
    if "quant_block" in changes and "lm_quant_block" not in changes:
        # It may have followed the layers' block, and that one suits it.
        changes["lm_quant_block"] = quantisation.lm_block
    return changes


def _of(
    option: str, block: int, widths: Mapping[int, str], asked: Quantisation, *, fits: int, tied: bool
) -> list[Misfit]:
    return [
        Misfit(option, block, width, where, _effect(block, width, asked, tied=tied), fits)
        for width, where in widths.items()
        if block and width % block
    ]


def _effect(block: int, width: int, asked: Quantisation, *, tied: bool) -> Effect:
    if asked.awq or halved(width, block) is None:
        return Effect.FAILS
    if tied or (block > width and not asked.symmetric):
        return Effect.DESTROYED
    return Effect.LOWERED


def _number(options: Mapping[str, Value], name: str, default: int) -> int:
    value = options.get(name, default)
    return value if isinstance(value, int) and not isinstance(value, bool) else default
