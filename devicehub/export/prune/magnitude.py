"""Prunes by magnitude, and counts zeros, in the files of a checkpoint, one layer in memory at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from devicehub.export.prune.report import LayerSparsity

if TYPE_CHECKING:
    from devicehub.export.prune.pattern import Pattern
    from devicehub.export.tensors import Tensor

_BITS: Final = {"F32": "<u4", "F16": "<u2", "BF16": "<u2"}
_MAGNITUDE: Final = {"F32": 0x7FFFFFFF, "F16": 0x7FFF, "BF16": 0x7FFF}
"""Without the sign, the bits of such a number read as a whole number are in the order of its magnitude."""
TYPES: Final = frozenset(_BITS)
"""Of weights that can be pruned."""


def prune_layer(tensor: Tensor, pattern: Pattern) -> None:
    """Make the smallest weights of a layer zero, in place.

    Args:
        tensor: in a file that may be overwritten, of one of `TYPES`; groups divide its rows.
        pattern: how many of them.

    Raises:
        OSError: the file cannot be written.
    """
    import numpy

    data = _weights(tensor, "r+")
    magnitude = data & data.dtype.type(_MAGNITUDE[tensor.dtype])
    groups = magnitude.reshape(-1, pattern.group) if pattern.group else magnitude.reshape(1, -1)
    count = pattern.zeros if pattern.group else round(pattern.sparsity * groups.size)
    if count:
        smallest = numpy.argpartition(groups, count - 1, axis=1)[:, :count]
        mask = numpy.zeros(groups.shape, dtype=bool)
        numpy.put_along_axis(mask, smallest, values=True, axis=1)
        data[mask.reshape(data.shape)] = 0
    data.flush()


def write_layer(tensor: Tensor, bits: Any) -> None:
    """Put other weights into a layer's place.

    Args:
        tensor: in a file that may be overwritten.
        bits: an array of its shape; whole numbers of its width, which hold the bits of the weights.

    Raises:
        OSError: the file cannot be written.
    """
    data = _weights(tensor, "r+")
    data[:] = bits.view(data.dtype)
    data.flush()


def measure_layer(tensor: Tensor) -> LayerSparsity:
    """How many weights of a layer are zero.

    Raises:
        OSError: the file cannot be read.
    """
    import numpy

    # A weight of minus zero is zero as well.
    other = (_weights(tensor, "r") << 1) != 0
    fours = other.reshape(-1)[: other.size // 4 * 4].reshape(-1, 4).sum(axis=1)
    zeros = float(1 - numpy.mean(other))
    return LayerSparsity(name=tensor.name, zeros=zeros, conforming=float(numpy.mean(fours <= 2)))


def _weights(tensor: Tensor, mode: Any) -> Any:
    import numpy

    return numpy.memmap(tensor.file, _BITS[tensor.dtype], mode, tensor.offset, tensor.shape)
