"""How many weights of an export are exactly zero once the engine has dequantised them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from devicehub.errors import InputError
from devicehub.export.preflight import PRUNED
from devicehub.export.prune.magnitude import measure_layer
from devicehub.manifest import unreadable
from devicehub.units import format_share

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from devicehub.export.plan import Plan
    from devicehub.export.weights import Linear

_ROWS_AT_ONCE: Final = 1024
_SLACK: Final = 0.01
_BLOCKS: Final = "layers."
"""In the name of a layer of the model's blocks; the output layer, which is never pruned, has it not."""
_BITS: Final = (4, 8)


@dataclass(frozen=True)
class ZerosKept:
    """The zeros of a pruned source, and of its export once the engine has dequantised it.

    Attributes:
        source: share of the weights of its layers that are zero.
        export: likewise.
    """

    source: float
    export: float

    def problem(self) -> str:
        """What was lost; empty where nothing was."""
        if self.export >= self.source - _SLACK:
            return ""
        before, after = format_share(self.source), format_share(self.export)
        return f"pruning is lost: {before} of the checkpoint's weights are zero, of the export's {after}"


def compare_zeros(plan: Plan, weights: Path, linears: Sequence[Linear]) -> ZerosKept | None:
    """What became of a pruned source's zeros; None where it is not pruned, or has other bits. Blocking.

    Raises:
        InputError: a file cannot be read, or ends too early.
    """
    source = plan.source
    own = [linear for linear in linears if _BLOCKS in linear.name]
    if source.zeros.share < PRUNED or not own or any(linear.bits not in _BITS for linear in own):
        return None
    count = sum(linear.outputs * linear.inputs for linear in own)
    try:
        kept = sum(zeros_of(weights, linear) for linear in own)
        layers = [(linear.weights, measure_layer(source.tensors[linear.name])) for linear in source.linears]
    except OSError as error:
        raise unreadable(weights, error) from error
    except (KeyError, ValueError) as error:
        raise InputError(weights, f"does not hold the layers ({error})", remedy="export it again") from error
    whole = sum(size for size, _ in layers)
    return ZerosKept(sum(size * layer.zeros for size, layer in layers) / whole, kept / count)


def zeros_of(file: Path, linear: Linear) -> int:
    """The number of zeros of a layer with 4 or 8 bits per weight, a part of its rows in memory at a time.

    Raises:
        OSError: `llm.mnn.weight` cannot be read.
        ValueError: it ends within the layer.
    """
    import numpy

    kind = numpy.dtype("<f2" if linear.half_scales else "<f4")
    scales = numpy.fromfile(
        file,
        dtype=kind,
        count=linear.scale_bytes // kind.itemsize,
        offset=linear.offset + linear.weight_bytes,
    ).astype("f4")
    scales = scales.reshape(linear.outputs, -1, 1 if linear.symmetric else 2)
    row_bytes = linear.inputs * linear.bits // 8
    first = linear.offset + linear.header_bytes
    zeros = 0
    for row in range(0, linear.outputs, _ROWS_AT_ONCE):
        rows = min(_ROWS_AT_ONCE, linear.outputs - row)
        packed = numpy.fromfile(file, dtype="u1", count=rows * row_bytes, offset=first + row * row_bytes)
        values = _unpack(packed, linear.bits).reshape(rows, scales.shape[1], -1)
        of_rows = scales[row : row + rows]
        weights = values * of_rows[:, :, -1:]
        if not linear.symmetric:
            weights = weights + of_rows[:, :, :1]
        zeros += int(numpy.count_nonzero(weights == 0))
    return zeros


def _unpack(packed: Any, bits: int) -> Any:
    import numpy

    if bits == 8:
        return packed.astype(numpy.float32) - 128
    # The first of two weights stands in the upper half of a byte.
    halves = numpy.stack([packed >> 4, packed & 15], axis=-1)
    return halves.astype(numpy.float32) - 8
