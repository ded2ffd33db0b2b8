from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from devicehub.errors import InputError
from devicehub.export.preflight import fit_blocks, fit_zeros, keeps_zeros
from devicehub.export.source import Source, read_source
from tests.export.checkpoints import make_checkpoint, qwen3_shapes

if TYPE_CHECKING:
    from pathlib import Path

    from devicehub.export.flags import Options

EMBEDDING = "model.embed_tokens.weight"
UP = "model.layers.1.mlp.up_proj.weight"


@pytest.fixture(scope="session")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Source:
    """A tied source of the widths of Qwen2.5-0.5B, both divisible by 128 and not by 256."""
    folder = tmp_path_factory.mktemp("preflight") / "narrow"
    return read_source(make_checkpoint(folder, hidden=896, intermediate=1152, layers=1, vocab=16))


def with_zeros(folder: Path, name: str, row: int, count: int, *, tied: bool = True, at: int = 0) -> Source:
    """A source of which `count` values of one row are zero, from `at` on."""
    shapes = qwen3_shapes(tied=tied)
    rows, columns = shapes[name]
    values = [0.5] * (rows * columns)
    values[row * columns + at : row * columns + at + count] = [0.0] * count
    data = {name: struct.pack(f"<{len(values)}e", *values)}
    return read_source(make_checkpoint(folder, shapes=shapes, data=data, tied=tied, dtype="F16"))


def test_block_that_does_not_fit_is_refused_with_the_largest_that_does(narrow: Source) -> None:
    with pytest.raises(InputError) as caught:
        fit_blocks(narrow, {"quant_block": 256}, take=False)
    assert "lm_quant_block 256 does not divide the width 896 of the output layer" in str(caught.value)
    assert "answers garbage" in str(caught.value)
    assert "--set quant_block=128 --set lm_quant_block=224, or add --fit-block" in str(caught.value)


def test_block_that_does_not_fit_is_taken_smaller_on_demand(narrow: Source) -> None:
    options, notes = fit_blocks(narrow, {"quant_block": 256}, take=True)
    assert options == {"quant_block": 128, "lm_quant_block": 224}
    assert notes == [
        "quant_block is 128, the largest block that fits, not 256",
        "lm_quant_block is 224, the largest block that fits, not 256",
    ]
    assert fit_blocks(narrow, options, take=False) == (options, [])


def test_blocks_of_the_recipes_that_fit_are_left_alone(narrow: Source) -> None:
    for block in (0, 32, 64, 128):
        assert fit_blocks(narrow, {"quant_block": block}, take=True) == ({"quant_block": block}, [])


def test_awq_where_no_block_fits(tmp_path: Path) -> None:
    source = read_source(make_checkpoint(tmp_path / "odd", hidden=100, intermediate=30, layers=1))
    for take in (False, True):
        with pytest.raises(InputError, match="no block divides every width"):
            fit_blocks(source, {"awq": True, "quant_block": 64}, take=take)


BOTH: Options = {"hqq": True, "sym": True, "quant_block": 64}


def test_pad_tokens_row_of_zeros_forbids_hqq_with_sym(tmp_path: Path) -> None:
    source = with_zeros(tmp_path / "pad", EMBEDDING, 7, 256)
    with pytest.raises(InputError, match=r"row 7 of model\.embed_tokens\.weight is zero") as caught:
        fit_zeros(source, BOTH, take=False)
    assert "65536" in str(caught.value)
    assert "--set hqq=false" in str(caught.value)
    options, notes = fit_zeros(source, BOTH, take=True)
    assert options == BOTH | {"hqq": False}
    assert "hqq is left out" in notes[0]


def test_other_ways_of_quantising_take_rows_of_zeros(tmp_path: Path) -> None:
    source = with_zeros(tmp_path / "pad", EMBEDDING, 7, 256)
    ways: list[Options] = [{"hqq": True}, {"sym": True}, BOTH | {"lm_quant_bit": 16}]
    for options in ways:
        assert fit_zeros(source, options, take=False) == (options, [])


def test_block_of_zeros_within_a_row_of_a_layer(tmp_path: Path) -> None:
    source = with_zeros(tmp_path / "block", UP, 300, 64, at=64)
    with pytest.raises(InputError, match=f"row 300 of {UP}"):
        fit_zeros(source, BOTH, take=False)
    # Neither a larger block nor one that begins elsewhere holds zeros alone.
    for options in (BOTH | {"quant_block": 128}, BOTH | {"quant_block": 0}):
        assert fit_zeros(source, options, take=False) == (options, [])
    moved = with_zeros(tmp_path / "moved", UP, 300, 64, at=32)
    assert fit_zeros(moved, BOTH, take=False) == (BOTH, [])


def test_embedding_of_its_own_counts_where_it_is_quantised(tmp_path: Path) -> None:
    source = with_zeros(tmp_path / "own", EMBEDDING, 3, 256, tied=False)
    assert fit_zeros(source, BOTH, take=False) == (BOTH, [])
    with pytest.raises(InputError, match=f"row 3 of {EMBEDDING}"):
        fit_zeros(source, BOTH | {"embed_bit": 8}, take=False)


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({}, False),
        ({"hqq": True}, False),
        ({"sym": True}, True),
        ({"awq": True}, True),
        ({"quant_bit": 16}, True),
    ],
)
def test_what_keeps_zeros(options: Options, kept: bool) -> None:
    assert keeps_zeros(options) is kept
