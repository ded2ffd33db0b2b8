from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING

import pytest

from devicehub.errors import InputError
from devicehub.export.tensors import INDEX, SINGLE, is_pointer, read_header, read_json, read_tensors
from tests.export.checkpoints import write_safetensors

if TYPE_CHECKING:
    from pathlib import Path

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"


def said(folder: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_tensors(folder)
    assert caught.value.remedy
    return str(caught.value)


def header_file(file: Path, header: object, *, body: bytes = b"") -> Path:
    text = json.dumps(header).encode()
    file.write_bytes(struct.pack("<Q", len(text)) + text + body)
    return file


def test_offsets_count_from_the_end_of_the_header(tmp_path: Path) -> None:
    data = {"a": b"\x01\x02\x03\x04", "b": b"\x05\x06"}
    write_safetensors(tmp_path / SINGLE, {"a": (2, 1), "b": (1,)}, data=data)
    for name, tensor in read_tensors(tmp_path).items():
        with tensor.file.open("rb") as file:
            file.seek(tensor.offset)
            assert file.read(tensor.size) == data[name]
    assert read_tensors(tmp_path)["a"].elements == 2


def test_shards_are_those_of_the_index(tmp_path: Path) -> None:
    write_safetensors(tmp_path / "one.safetensors", {"a": (2,)})
    write_safetensors(tmp_path / "two.safetensors", {"b": (2,)})
    write_safetensors(tmp_path / "old.safetensors", {"c": (2,)})
    index = {"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}}
    (tmp_path / INDEX).write_text(json.dumps(index), encoding="utf-8")
    assert set(read_tensors(tmp_path)) == {"a", "b"}
    (tmp_path / "two.safetensors").unlink()
    assert "1 of 2 files of weights are missing, the first is two.safetensors" in said(tmp_path)


def test_index_that_promises_more_than_there_is(tmp_path: Path) -> None:
    write_safetensors(tmp_path / "one.safetensors", {"a": (2,)})
    index = {"weight_map": {"a": "one.safetensors", "b": "one.safetensors", "c": "one.safetensors"}}
    (tmp_path / INDEX).write_text(json.dumps(index), encoding="utf-8")
    assert "names b and 1 more, which no file holds" in said(tmp_path)


@pytest.mark.parametrize("name", ["../one.safetensors", "", "..", "a\0b", 7])
def test_index_that_leads_out_of_the_folder(tmp_path: Path, name: object) -> None:
    (tmp_path / INDEX).write_text(json.dumps({"weight_map": {"a": name}}), encoding="utf-8")
    assert "as the file of a" in said(tmp_path)


def test_one_tensor_in_two_files(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_safetensors(tmp_path / f"{name}.safetensors", {"a": (2,), name: (1,)})
    index = {"weight_map": {"one": "one.safetensors", "two": "two.safetensors"}}
    (tmp_path / INDEX).write_text(json.dumps(index), encoding="utf-8")
    assert "holds a, as one.safetensors does" in said(tmp_path)


def test_pointers_of_git_lfs_are_no_weights(tmp_path: Path) -> None:
    (tmp_path / SINGLE).write_bytes(POINTER)
    assert is_pointer(tmp_path / SINGLE)
    assert "git lfs pull" in said(tmp_path)
    with pytest.raises(InputError, match="git-lfs pointer"):
        read_json(tmp_path / SINGLE)


def test_every_cut_of_a_file_is_noticed(tmp_path: Path) -> None:
    whole = write_safetensors(tmp_path / SINGLE, {"a": (4, 2), "b": (3,)}).read_bytes()
    for length in range(len(whole)):
        (tmp_path / SINGLE).write_bytes(whole[:length])
        assert "download it again" in said(tmp_path)


@pytest.mark.parametrize(
    "entry",
    [
        7,
        {"dtype": "BF16", "shape": [2]},
        {"dtype": "BF16", "shape": [-2], "data_offsets": [0, 4]},
        {"dtype": "BF16", "shape": [2], "data_offsets": [4, 0]},
        {"dtype": "BF16", "shape": [3], "data_offsets": [0, 4]},
        {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4, 8]},
    ],
)
def test_entries_that_cannot_be(tmp_path: Path, entry: object) -> None:
    header_file(tmp_path / SINGLE, {"a": entry}, body=bytes(8))
    assert "download it again" in said(tmp_path)


@pytest.mark.parametrize("text", [b"[]", b"{ ", b"\xff\xfe{}", b"[" * 100_000])
def test_header_that_is_no_json_object(tmp_path: Path, text: bytes) -> None:
    file = tmp_path / SINGLE
    file.write_bytes(struct.pack("<Q", len(text)) + text)
    with pytest.raises(InputError, match="JSON"):
        read_header(file)


def test_types_that_are_not_known_keep_their_bytes(tmp_path: Path) -> None:
    header_file(
        tmp_path / SINGLE, {"a": {"dtype": "F6", "shape": [4], "data_offsets": [0, 3]}}, body=bytes(3)
    )
    assert read_tensors(tmp_path)["a"].size == 3


def test_weights_in_another_format_are_named(tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").touch()
    assert "there is pytorch_model.bin" in said(tmp_path)
