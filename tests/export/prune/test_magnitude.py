"""Pruning by magnitude, on safetensors files written here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy
import pytest

from devicehub.export.prune.magnitude import measure_layer, prune_layer, write_layer
from devicehub.export.prune.pattern import find_pattern
from devicehub.export.tensors import read_header
from tests.export.checkpoints import write_safetensors

if TYPE_CHECKING:
    from pathlib import Path

    from devicehub.export.tensors import Tensor

LAYER = "model.layers.0.mlp.up_proj.weight"
OTHER = "lm_head.weight"


def write(folder: Path, values: numpy.ndarray, dtype: str) -> Tensor:
    """A file with the layer between two others; the layer's tensor."""
    if dtype == "BF16":
        data = (values.astype("<f4").view("<u4") >> 16).astype("<u2").tobytes()
    else:
        data = values.astype("<f4" if dtype == "F32" else "<f2").tobytes()
    shapes = {"a": (4, 4), LAYER: values.shape, OTHER: (4, 4)}
    file = write_safetensors(folder / "model.safetensors", shapes, dtype=dtype, data={LAYER: data})
    return next(tensor for tensor in read_header(file) if tensor.name == LAYER)


def kept(tensor: Tensor) -> list[bool]:
    width = 4 if tensor.dtype == "F32" else 2
    data = tensor.file.read_bytes()[tensor.offset :][: tensor.size]
    return [any(data[at : at + width]) for at in range(0, len(data), width)]


@pytest.mark.parametrize("dtype", ["F32", "BF16", "F16"])
def test_two_of_four_keeps_the_largest_whatever_their_sign(tmp_path: Path, dtype: str) -> None:
    tensor = write(tmp_path, numpy.array([[1.0, -4.0, 0.5, 2.0]]), dtype)
    prune_layer(tensor, find_pattern("2:4", None))
    assert kept(tensor) == [False, True, False, True]
    layer = measure_layer(tensor)
    assert (layer.name, layer.zeros, layer.conforming) == (LAYER, 0.5, 1.0)


def test_equal_weights_still_lose_two_of_four(tmp_path: Path) -> None:
    tensor = write(tmp_path, numpy.ones((8, 16)), "BF16")
    prune_layer(tensor, find_pattern("2:4", None))
    assert measure_layer(tensor).conforming == 1.0


def test_four_of_eight_may_keep_four_in_a_row(tmp_path: Path) -> None:
    tensor = write(tmp_path, numpy.array([[1.0, 2, 3, 4, 5, 6, 7, 8]]), "F32")
    prune_layer(tensor, find_pattern("4:8", None))
    assert kept(tensor) == [False] * 4 + [True] * 4
    assert measure_layer(tensor).conforming == 0.5


def test_unstructured_takes_the_share_asked_for_from_the_whole_layer(tmp_path: Path) -> None:
    tensor = write(tmp_path, numpy.arange(1.0, 65.0).reshape(8, 8), "F32")
    prune_layer(tensor, find_pattern("unstructured", 0.25))
    assert kept(tensor) == [False] * 16 + [True] * 48


def test_a_layer_that_is_sparse_already_stays_as_it_is(tmp_path: Path) -> None:
    tensor = write(tmp_path, numpy.array([[0.0, 3.0, -0.0, 4.0]]), "F32")
    prune_layer(tensor, find_pattern("2:4", None))
    assert kept(tensor) == [False, True, False, True]


def test_zeros_of_either_sign_count(tmp_path: Path) -> None:
    assert measure_layer(write(tmp_path, numpy.array([[0.0, -0.0, 1.0, 2.0]]), "BF16")).zeros == 0.5


def test_everything_around_the_layer_stays(tmp_path: Path) -> None:
    tensor = write(tmp_path, numpy.ones((8, 16)), "BF16")
    before = tensor.file.read_bytes()
    prune_layer(tensor, find_pattern("2:4", None))
    after = tensor.file.read_bytes()
    end = tensor.offset + tensor.size
    assert (after[: tensor.offset], after[end:]) == (before[: tensor.offset], before[end:])
    assert after != before


def test_other_weights_are_put_into_the_layers_place(tmp_path: Path) -> None:
    tensor = write(tmp_path, numpy.ones((2, 4)), "BF16")
    bits = numpy.arange(8, dtype="<i2").reshape(2, 4)
    write_layer(tensor, bits)
    assert tensor.file.read_bytes()[tensor.offset :][:16] == bits.tobytes()
