"""Zeros, found by their bytes: checked against the plain way, value by value."""

from __future__ import annotations

import math
import random
import struct
from typing import TYPE_CHECKING

import pytest

from devicehub.errors import InputError
from devicehub.export.blanks import count_zeros, first_blank, zeros_in
from devicehub.export.tensors import Tensor, read_tensors
from tests.export.checkpoints import write_safetensors

if TYPE_CHECKING:
    from pathlib import Path


def tensor(folder: Path, data: bytes, *shape: int, dtype: str = "BF16") -> Tensor:
    write_safetensors(folder / "model.safetensors", {"a": shape}, dtype=dtype, data={"a": data})
    return read_tensors(folder)["a"]


def test_zeros_of_both_signs_count_and_small_numbers_do_not() -> None:
    values = [0.0, -0.0, 1.0, 2**-126, -(2**-149), math.inf, 0.0]
    assert zeros_in(struct.pack("<7f", *values), 4) == 3
    assert zeros_in(struct.pack("<4e", 0.0, -0.0, 6e-8, 1.0), 2) == 2
    assert zeros_in(b"", 2) == 0


def test_count_agrees_with_looking_at_each_value() -> None:
    chance = random.Random(3)
    for width in (1, 2, 4, 8):
        pool = [bytes(width), bytes(width - 1) + b"\x80", b"\x80" * width, b"\x01" + bytes(width - 1)]
        values = [chance.choice(pool) for _ in range(500)]
        zero = {bytes(width), bytes(width - 1) + b"\x80"}
        assert zeros_in(b"".join(values), width) == sum(value in zero for value in values)


@pytest.mark.parametrize("block", [4, 8])
def test_first_blank_block_agrees_with_looking_at_each(tmp_path: Path, block: int) -> None:
    chance = random.Random(block)
    for _ in range(60):
        # Runs of zeros of all lengths, at all places: most of them begin within a block and end within one.
        values = [0.0 if chance.random() < 0.85 else 1.5 for _ in range(64)]
        data = struct.pack("<64e", *(-value if chance.random() < 0.5 else value for value in values))
        expected = next((n for n in range(64 // block) if not any(values[n * block : (n + 1) * block])), None)
        assert first_blank(tensor(tmp_path, data, 8, 8, dtype="F16"), block) == expected


def test_run_of_zeros_over_two_blocks_fills_neither(tmp_path: Path) -> None:
    data = b"\x01" * 4 + bytes(12) + b"\x01" * 8
    assert first_blank(tensor(tmp_path, data, 3, 4), 4) == 1
    assert first_blank(tensor(tmp_path, b"\x01\x01" + bytes(12) + b"\x01\x01", 2, 4), 4) is None


def test_bytes_of_a_sign_elsewhere_are_no_zero(tmp_path: Path) -> None:
    assert first_blank(tensor(tmp_path, b"\x80\x00" * 8, 1, 8), 8) is None
    assert first_blank(tensor(tmp_path, b"\x00\x80" * 8, 1, 8), 8) == 0


def test_blocks_are_counted_over_several_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("devicehub.export.blanks._PIECE", 64)
    data = b"\x01" * 16 * 100 + bytes(16) + b"\x01" * 16 * 27
    assert first_blank(tensor(tmp_path, data, 128, 8), 8) == 100


def test_samples_of_large_tensors_lie_in_their_middle(tmp_path: Path) -> None:
    ends = b"\x01\x01" * 200_000
    found = count_zeros([tensor(tmp_path, ends + bytes(100_000) + ends, 1, 450_000)])
    assert found.looked_at == 32 * 1024
    assert found.share == 1.0


def test_nothing_is_found_in_types_without_known_bytes(tmp_path: Path) -> None:
    one = tensor(tmp_path, bytes(8), 1, 4)
    unknown = Tensor(one.name, "F6", one.shape, one.file, one.offset, one.size)
    assert first_blank(unknown, 4) is None
    assert count_zeros([unknown]).share == 0.0


def test_file_that_went_away(tmp_path: Path) -> None:
    one = tensor(tmp_path, bytes(8), 1, 4)
    one.file.unlink()
    with pytest.raises(InputError, match="cannot be read"):
        first_blank(one, 4)
    with pytest.raises(InputError, match="cannot be read"):
        count_zeros([one])
