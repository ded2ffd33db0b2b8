"""Zeros of a pruned source, counted in what an exporter wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy
import pytest

from devicehub.errors import InputError
from devicehub.export.machine import Machine
from devicehub.export.plan import plan_export
from devicehub.export.source import read_source
from devicehub.export.weights import Linear
from devicehub.export.zeros import ZerosKept, compare_zeros, zeros_of
from devicehub.profiles.load import recipe_file
from devicehub.settings import Home
from tests.export.checkpoints import make_checkpoint, qwen3_shapes

if TYPE_CHECKING:
    from pathlib import Path

    from devicehub.export.plan import Plan

ROOMY = Machine(10**12, 10**12, {})


def linear(
    file: Path, values: numpy.ndarray, *, bits: int, symmetric: bool = True, lowest: float = 0.0
) -> Linear:
    """A layer of these whole numbers as llmexport packs it, one block a row, scale 0.5."""
    outputs, inputs = values.shape
    raw = (values + (8 if bits == 4 else 128)).astype("u1")
    packed = ((raw[:, ::2] << 4) | raw[:, 1::2]) if bits == 4 else raw
    row = [0.5] if symmetric else [lowest, 0.5]
    scales = numpy.tile(numpy.array(row, "<f4"), outputs)
    header = bytes(1 + 4 + 1 + (1 << bits))
    file.write_bytes(header + packed.tobytes() + scales.tobytes())
    return Linear(
        name="/layers.0/mlp/up_proj/Linear",
        outputs=outputs,
        inputs=inputs,
        bits=bits,
        symmetric=symmetric,
        groups_told=outputs,
        offset=0,
        weight_bytes=len(header) + packed.size,
        scale_bytes=scales.nbytes,
        wide_sizes=False,
    )


VALUES = numpy.array([[0, 1, 0, -3], [2, 0, 0, 0]])


@pytest.mark.parametrize("bits", [4, 8])
def test_symmetric_zeros_are_those_of_the_whole_numbers(tmp_path: Path, bits: int) -> None:
    assert zeros_of(tmp_path / "w", linear(tmp_path / "w", VALUES, bits=bits)) == 5


def test_asymmetric_ones_are_where_offset_and_scale_meet(tmp_path: Path) -> None:
    file = tmp_path / "w"
    assert zeros_of(file, linear(file, VALUES, bits=4, symmetric=False, lowest=0.3)) == 0
    # 2 * 0.5 - 1 = 0
    assert zeros_of(file, linear(file, VALUES, bits=4, symmetric=False, lowest=-1.0)) == 1


def test_weights_that_end_too_early_are_an_error(tmp_path: Path) -> None:
    layer = linear(tmp_path / "w", VALUES, bits=8)
    (tmp_path / "w").write_bytes((tmp_path / "w").read_bytes()[:-20])
    with pytest.raises(ValueError, match=r".+"):
        zeros_of(tmp_path / "w", layer)


def plan(folder: Path, *, pruned: bool) -> Plan:
    shapes = qwen3_shapes()
    # Of every four weights two are zero.
    data = {
        name: b"\x01\x3f\x02\x3f\0\0\0\0" * (shape[0] * shape[1] // 4)
        for name, shape in shapes.items()
        if name.endswith("_proj.weight") and pruned
    }
    source = read_source(make_checkpoint(folder / "source", shapes=shapes, data=data))
    recipe = recipe_file("default", Home(folder / "home"))
    return plan_export(source, "default", recipe, {}, machine=ROOMY, fit_block=False)


def test_a_source_that_is_not_pruned_is_not_looked_at(tmp_path: Path) -> None:
    layer = linear(tmp_path / "w", VALUES, bits=4)
    assert compare_zeros(plan(tmp_path, pruned=False), tmp_path / "w", [layer]) is None


def test_what_was_kept_and_what_was_lost(tmp_path: Path) -> None:
    asked = plan(tmp_path, pruned=True)
    kept = compare_zeros(asked, tmp_path / "w", [linear(tmp_path / "w", VALUES, bits=4)])
    assert kept == ZerosKept(source=0.5, export=0.625)
    assert kept.problem() == ""
    lossy = linear(tmp_path / "w", VALUES, bits=4, symmetric=False, lowest=0.3)
    lost = compare_zeros(asked, tmp_path / "w", [lossy])
    assert lost is not None
    assert lost.problem() == "pruning is lost: 50 % of the checkpoint's weights are zero, of the export's 0 %"


def test_weights_that_are_not_there_are_told(tmp_path: Path) -> None:
    layer = linear(tmp_path / "w", VALUES, bits=4)
    with pytest.raises(InputError, match="gone"):
        compare_zeros(plan(tmp_path, pruned=True), tmp_path / "gone", [layer])
