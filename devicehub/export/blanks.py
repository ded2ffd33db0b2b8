"""Zeros in the weights of a checkpoint: blocks that hold nothing else, and their share; numpy is not needed.

A value is zero when all its bytes are, but for the sign, the highest bit of its last byte: so in F32, F16 and
BF16 alike, little-endian as safetensors has them. Files are read piece by piece.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devicehub.export.tensors import DTYPE_BYTES
from devicehub.manifest import unreadable
from devicehub.units import KIB, MIB

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from devicehub.export.tensors import Tensor

_PIECE: Final = 4 * MIB
_SAMPLE: Final = 64 * KIB
_MOST_SAMPLES: Final = 512
_SIGN: Final = 0x80
_UNSIGNED: Final = bytes(byte & ~_SIGN for byte in range(256))
_SIGN_AS_ZERO: Final = bytes(0 if byte == _SIGN else byte for byte in range(256))


@dataclass(frozen=True)
class Zeros:
    """How many of the values that were looked at are zero."""

    zeros: int
    looked_at: int

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return self.zeros / self.looked_at if self.looked_at else 0.0


def first_blank(tensor: Tensor, block: int) -> int | None:
    """The number of the first block of a tensor that holds zeros alone; None where there is none.

    Args:
        tensor: of a type with a sign and no bytes to spare; of others nothing is known, and nothing found.
        block: values, of which each row holds a whole number.

    Raises:
        InputError: its file cannot be read.
    """
    width = DTYPE_BYTES.get(tensor.dtype)
    if width is None or not block or not tensor.size:
        return None
    size = block * width
    number = 0
    for piece in _pieces(tensor, max(_PIECE // size, 1) * size):
        found = _blank_in(piece, size, width)
        if found is not None:
            return number + found
        number += len(piece) // size
    return None


def count_zeros(tensors: Sequence[Tensor]) -> Zeros:
    """Count zeros in samples of these tensors: small ones whole, of large ones 64 KiB from their middle.

    Raises:
        InputError: a file cannot be read.
    """
    step = max(len(tensors) // _MOST_SAMPLES, 1)
    zeros = looked_at = 0
    for tensor in tensors[::step]:
        width = DTYPE_BYTES.get(tensor.dtype)
        if width is not None:
            data = _sample(tensor, width)
            zeros += zeros_in(data, width)
            looked_at += len(data) // width
    return Zeros(zeros, looked_at)


def zeros_in(data: bytes, width: int) -> int:
    """How many values of `width` bytes are zero, whatever their sign."""
    # As numbers of a million digits: a byte of the union is zero where that byte of every value is.
    union = int.from_bytes(data[width - 1 :: width].translate(_UNSIGNED), "little")
    for place in range(width - 1):
        union |= int.from_bytes(data[place::width], "little")
    return union.to_bytes(len(data) // width, "little").count(0)


def _blank_in(data: bytes, size: int, width: int) -> int | None:
    signless, wanted = data.translate(_SIGN_AS_ZERO), bytes(size)
    at = signless.find(wanted)
    while at >= 0:
        begin = -(-at // size) * size
        block = data[begin : begin + size]
        if len(block) == size and zeros_in(block, width) * width == size:
            return begin // size
        at = signless.find(wanted, begin + 1)
    return None


def _pieces(tensor: Tensor, size: int) -> Iterator[bytes]:
    try:
        with tensor.file.open("rb") as file:
            file.seek(tensor.offset)
            left = tensor.size
            while left and (data := file.read(min(size, left))):
                left -= len(data)
                yield data
    except OSError as error:
        raise unreadable(tensor.file, error) from error


def _sample(tensor: Tensor, width: int) -> bytes:
    size = min(tensor.size, _SAMPLE)
    skipped = (tensor.size - size) // 2 // width * width
    try:
        with tensor.file.open("rb") as file:
            file.seek(tensor.offset + skipped)
            return file.read(size // width * width)
    except OSError as error:
        raise unreadable(tensor.file, error) from error
