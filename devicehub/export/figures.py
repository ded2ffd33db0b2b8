"""The figures by which variants of one source are compared, and which of them are worth having. Pure."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devicehub.export.weights import Linear

_BYTE_BITS: Final = 8


@dataclass(frozen=True)
class Figures:
    """What is known of a variant; None is what is not.

    Attributes:
        size: of what a phone is given, in bytes.
        bits_per_weight: of its linear layers and embedding, with their scales.
        cosine: of its logits with those of the source, the mean over positions.
        perplexity: on the text that was given.
        decode_tok_s: in the MNN wheel on this host, one thread.
        problem: why it was not measured; empty where it was.
    """

    size: int
    bits_per_weight: float | None = None
    cosine: float | None = None
    perplexity: float | None = None
    decode_tok_s: float | None = None
    problem: str = ""


def bits_per_weight(
    linears: Sequence[Linear], *, embedding_bytes: int = 0, embedding_weights: int = 0
) -> float:
    """What a weight costs in bits, its share of headers and scales included.

    Args:
        linears: of the graph, at least one.
        embedding_bytes: of an embedding in a file of its own.
        embedding_weights: how many weights that one has.
    """
    size = embedding_bytes + sum(one.weight_bytes + one.scale_bytes for one in linears)
    weights = embedding_weights + sum(one.outputs * one.inputs for one in linears)
    return size * _BYTE_BITS / weights


def pareto(variants: Sequence[Figures]) -> list[bool]:
    """Which variants no other one beats: as good in every figure, and better in one.

    A figure that is not known of both does not count between them.
    """
    return [not any(_beats(other, one) for other in variants if other is not one) for one in variants]


def _beats(one: Figures, other: Figures) -> bool:
    pairs = (
        (-one.size, -other.size),
        (one.cosine, other.cosine),
        (_negative(one.perplexity), _negative(other.perplexity)),
        (one.decode_tok_s, other.decode_tok_s),
    )
    known = [(mine, theirs) for mine, theirs in pairs if mine is not None and theirs is not None]
    return all(operator.ge(*pair) for pair in known) and any(operator.gt(*pair) for pair in known)


def _negative(value: float | None) -> float | None:
    return None if value is None else -value
