"""Which variants are worth having, and what a weight costs."""

from __future__ import annotations

import pytest

from devicehub.export.figures import Figures, bits_per_weight, pareto
from devicehub.export.weights import Linear


def test_a_variant_that_is_beaten_in_everything_is_not_on_the_front() -> None:
    small = Figures(size=1, cosine=0.95, perplexity=12.0, decode_tok_s=30.0)
    near = Figures(size=2, cosine=0.99, perplexity=10.0, decode_tok_s=20.0)
    worse = Figures(size=2, cosine=0.98, perplexity=11.0, decode_tok_s=20.0)
    assert pareto([small, near, worse]) == [True, True, False]


def test_the_slowest_and_largest_stays_where_it_is_the_nearest() -> None:
    assert pareto([Figures(size=1, cosine=0.9), Figures(size=9, cosine=0.9999)]) == [True, True]


def test_a_figure_that_one_lacks_does_not_count_between_the_two() -> None:
    assert pareto([Figures(size=1), Figures(size=2, cosine=0.99)]) == [True, False]


def test_two_alike_are_both_on_the_front() -> None:
    assert pareto([Figures(size=1, cosine=0.9), Figures(size=1, cosine=0.9)]) == [True, True]


def test_one_alone_is_on_the_front() -> None:
    assert pareto([Figures(size=1)]) == [True]


def linear(*, bits: int = 4, block: int = 64, symmetric: bool = False) -> Linear:
    outputs, inputs = 256, 512
    return Linear(
        name="/layers.0/mlp/down_proj/Linear",
        outputs=outputs,
        inputs=inputs,
        bits=bits,
        symmetric=symmetric,
        groups_told=outputs * inputs // block,
        offset=0,
        weight_bytes=outputs * inputs * bits // 8,
        scale_bytes=outputs * inputs // block * (4 if symmetric else 8),
        wide_sizes=False,
    )


@pytest.mark.parametrize(
    ("one", "bits"),
    [(linear(), 5.0), (linear(symmetric=True), 4.5), (linear(bits=8, block=512, symmetric=True), 8.0625)],
)
def test_scales_are_part_of_what_a_weight_costs(one: Linear, bits: float) -> None:
    assert bits_per_weight([one]) == bits


def test_an_embedding_of_its_own_counts_with_its_bits() -> None:
    weights = 256 * 512
    assert bits_per_weight([linear()], embedding_bytes=weights * 2, embedding_weights=weights) == 10.5
