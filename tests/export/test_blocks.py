"""Blocks against widths; the table is what exports of llmexport 0.0.5 gave (mean cosine of their logits)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devicehub.export.blocks import Effect, Quantisation, fit, halved, largest_fit, misfits

if TYPE_CHECKING:
    from devicehub.profiles.exporter import Value

NARROW = {192: "down", 384: "up"}


def effects(tied: bool, **options: Value) -> list[tuple[str, str]]:
    found = misfits(Quantisation.of(options), widths=NARROW, hidden=192, tied=tied)
    return [(one.option, one.effect.name) for one in found]


@pytest.mark.parametrize(
    ("options", "untied", "tied"),
    [
        ({"quant_block": 96}, True, True),  # 0.97, 0.96
        ({"quant_block": 192}, True, True),  # 0.96, 0.95
        ({"quant_block": 48}, True, True),  # 0.98, 0.97
        ({"quant_block": 128}, True, False),  # 0.97, 0.56
        ({"quant_block": 128, "quant_bit": 8}, True, False),  # 0.9998, 0.02
        ({"quant_block": 128, "sym": True}, True, False),  # 0.97, 0.30
        ({"quant_block": 256}, False, False),  # 0.01, -0.02
        ({"quant_block": 256, "sym": True}, True, False),  # 0.97, 0.01
        ({"quant_block": 384, "lm_quant_block": 64}, False, False),  # 0.10
    ],
)
def test_what_destroys_a_model_of_widths_192_and_384(
    options: dict[str, Value], untied: bool, tied: bool
) -> None:
    assert ("DESTROYED" not in dict(effects(False, **options)).values()) is untied
    assert ("DESTROYED" not in dict(effects(True, **options)).values()) is tied


def test_block_that_llmexport_cannot_halve_down_fails() -> None:
    assert effects(False, quant_block=144) == [("quant_block", "FAILS")] * 2 + [("lm_quant_block", "FAILS")]


def test_awq_fails_instead_of_halving() -> None:
    assert set(dict(effects(False, quant_block=128, awq=True)).values()) == {"FAILS"}


def test_weights_without_scales_have_no_block() -> None:
    assert effects(True, quant_bit=16, quant_block=100) == []


def test_embedding_in_a_file_of_its_own_is_read_with_the_layers_block() -> None:
    found = misfits(
        Quantisation.of({"quant_block": 128, "embed_bit": 8, "lm_quant_block": 64, "quant_bit": 16}),
        widths=NARROW,
        hidden=192,
        tied=False,
    )
    assert [(one.where, one.effect) for one in found] == [("the embedding", Effect.DESTROYED)]


def test_fit_gives_the_output_layer_a_block_of_its_own_where_it_can() -> None:
    changes = fit(Quantisation.of({"quant_block": 128}), widths={192: "a"}, hidden=256, tied=True)
    assert changes == {"quant_block": 96, "lm_quant_block": 128}


@pytest.mark.parametrize(
    ("widths", "most", "expected"),
    [
        ((192, 384), 128, 96),
        ((896, 4864), 256, 128),
        ((896,), 256, 224),
        ((640, 2048), 128, 128),
        ((100,), 64, 0),
    ],
)
def test_largest_block_that_fits(widths: tuple[int, ...], most: int, expected: int) -> None:
    assert largest_fit(widths, most) == expected


@given(
    hidden=st.integers(1, 64).map(lambda n: 16 * n),
    inner=st.integers(1, 64).map(lambda n: 16 * n),
    block=st.integers(0, 1024),
    lm_block=st.integers(0, 1024),
    tied=st.booleans(),
    bits=st.sampled_from([4, 8, 16]),
    embedding_bits=st.sampled_from([4, 8, 16]),
)
def test_after_fitting_everything_fits(
    hidden: int, inner: int, block: int, lm_block: int, tied: bool, bits: int, embedding_bits: int
) -> None:
    options: dict[str, Value] = {
        "quant_bit": bits, "quant_block": block, "lm_quant_block": lm_block, "embed_bit": embedding_bits
    }  # fmt: skip
    widths = {hidden: "a", inner: "b"}
    changes = fit(Quantisation.of(options), widths=widths, hidden=hidden, tied=tied)
    fitted = Quantisation.of(options | changes)
    assert misfits(fitted, widths=widths, hidden=hidden, tied=tied) == []
    for name, value in changes.items():
        asked = options[name]
        assert isinstance(asked, int)
        assert value <= asked


@given(st.integers(1, 5000), st.integers(1, 5000))
def test_halving_ends_in_a_block_that_divides(width: int, block: int) -> None:
    found = halved(width, block)
    assert found is None or (width % found == 0 and found <= block)
