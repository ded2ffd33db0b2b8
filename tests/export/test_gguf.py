from __future__ import annotations

import asyncio
import json
import random
import struct
from typing import TYPE_CHECKING, Any

import pytest

from devicehub.errors import InputError, ProgramError
from devicehub.export.gguf import UNPACKED, gguf_tensors, read_gguf
from devicehub.export.source import read_source
from devicehub.export.tensors import SINGLE, read_tensors
from devicehub.export.unpack import unpack_gguf
from tests.export.checkpoints import Shapes, make_checkpoint, qwen3_shapes
from tests.export.gguf_file import F32, Q8_0, Values, interleaved, own_name, quantise_q8_0, write_gguf
from tests.export.sources import PYTHON, needs_exporter

if TYPE_CHECKING:
    from pathlib import Path

CONFIG: dict[str, Any] = {
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 64,
    "dtype": "float32",
}
SETTINGS = {
    "block_count": 2,
    "embedding_length": 256,
    "feed_forward_length": 512,
    "attention.head_count": 4,
    "attention.head_count_kv": 2,
    "context_length": 512,
}


def make_values(shapes: Shapes) -> dict[str, bytes]:
    chance = random.Random(11)
    return {
        name: struct.pack(f"<{count}f", *(chance.uniform(-1, 1) for _ in range(count)))
        for name, shape in shapes.items()
        for count in [shape[0] * (shape[1] if len(shape) > 1 else 1)]
    }


def files(
    folder: Path, model_type: str, shapes: Shapes, **changes: Any
) -> tuple[Path, Path, dict[str, bytes]]:
    """A Hugging Face folder without weights, a GGUF of its model, and what is to come out of it."""
    values = make_values(shapes)
    packed: Values = {name: (shape, values[name], F32) for name, shape in shapes.items()}
    if model_type == "llama":
        for name in shapes:
            for part, heads in (("q_proj", 4), ("k_proj", 2)):
                if part in name:
                    packed[name] = (shapes[name], interleaved(values[name], shapes[name], heads), F32)
    up = "model.layers.1.mlp.up_proj.weight"
    numbers = struct.unpack(f"<{len(values[up]) // 4}f", values[up])
    quantised, back = quantise_q8_0(numbers)
    packed[up] = (shapes[up], quantised, Q8_0)
    values[up] = struct.pack(f"<{len(back)}f", *back)
    checkpoint = make_checkpoint(
        folder / "hf", shapes=shapes, config={"model_type": model_type, **CONFIG, **changes}
    )
    (checkpoint / SINGLE).unlink()
    settings = {f"{model_type}.{key}": value for key, value in SETTINGS.items()}
    gguf = write_gguf(
        folder / "model.gguf", model_type, {own_name(name): one for name, one in packed.items()}, settings
    )
    return checkpoint, gguf, values


def said(file: Path) -> str:
    with pytest.raises(InputError) as caught:
        gguf_tensors(read_gguf(file))
    assert caught.value.remedy
    return str(caught.value)


def test_tensors_get_the_names_of_transformers_and_their_shapes(tmp_path: Path) -> None:
    shapes = qwen3_shapes(tied=False)
    _, gguf, _ = files(tmp_path, "qwen3", shapes)
    found = gguf_tensors(read_gguf(gguf))
    assert {name: tensor.shape for name, tensor in found.items()} == shapes
    assert {tensor.dtype for tensor in found.values()} == {UNPACKED}


def test_source_with_a_gguf_needs_no_weights_of_its_own(tmp_path: Path) -> None:
    folder, gguf, _ = files(tmp_path, "qwen3", qwen3_shapes())
    with pytest.raises(InputError, match="holds neither"):
        read_source(folder)
    source = read_source(folder, gguf=gguf)
    assert (source.layers, source.vocab, source.tied, source.gguf) == (2, 64, True, gguf)
    assert source.bytes == 2 * source.parameters
    gguf.rename(folder / "model.gguf")
    with pytest.raises(InputError, match="take the weights of that file: --gguf"):
        read_source(folder)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"model_type": "qwen2"}, "is of type qwen3"),
        ({"hidden_size": 128}, "has an embedding of width 256"),
        ({"num_hidden_layers": 3}, "has 2 layers"),
    ],
)
def test_gguf_of_another_model(tmp_path: Path, changes: dict[str, Any], sentence: str) -> None:
    folder, gguf, _ = files(tmp_path, "qwen3", qwen3_shapes())
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps(config | changes), encoding="utf-8")
    with pytest.raises(InputError, match=sentence):
        read_source(folder, gguf=gguf)


def test_models_that_cannot_be_unpacked(tmp_path: Path) -> None:
    assert "only llama, qwen2, qwen3" in said(write_gguf(tmp_path / "a", "mamba", {}))
    assert "is one part of several" in said(write_gguf(tmp_path / "b", "qwen3", {}, {"split.count": 2}))
    strange: Values = {"blk.0.ffn_gate_exps.weight": ((2, 2), bytes(16), F32)}
    assert "no model of type qwen3 has" in said(write_gguf(tmp_path / "c", "qwen3", strange))


def test_every_cut_of_the_head_is_noticed(tmp_path: Path) -> None:
    tensors: Values = {"token_embd.weight": ((4, 8), bytes(128), F32)}
    whole = write_gguf(tmp_path / "whole", "qwen3", tensors).read_bytes()
    head = len(whole) - 128 - 31
    for length in range(head):
        (tmp_path / "cut").write_bytes(whole[:length])
        assert "download it again" in said(tmp_path / "cut")


@pytest.mark.parametrize(
    "data",
    [
        b"GGML" + bytes(40),
        b"GGUF" + struct.pack("<IQQ", 1, 0, 0),
        b"GGUF" + struct.pack("<IQQ", 3, 2**60, 0),
        b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 2**60),
        b"GGUF" + struct.pack("<IQQQI", 3, 0, 1, 0, 99),
        b"GGUF" + struct.pack("<IQQQIIQ", 3, 0, 1, 0, 9, 0, 2**60),
        b"GGUF" + struct.pack("<IQQQIIQ", 3, 0, 1, 0, 9, 9, 1),
        b"GGUF" + struct.pack("<IQQQI", 3, 1, 0, 0, 5),
    ],
)
def test_bytes_that_are_no_gguf(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.gguf").write_bytes(data)
    assert "download it again" in said(tmp_path / "x.gguf")


@needs_exporter
@pytest.mark.parametrize("model_type", ["qwen3", "qwen2", "llama"])
def test_weights_come_out_as_they_went_in(tmp_path: Path, model_type: str) -> None:
    shapes = qwen3_shapes(tied=model_type != "llama")
    if model_type != "qwen3":
        shapes = {name: shape for name, shape in shapes.items() if "_norm.weight" not in name}
    if model_type == "qwen2":
        shapes |= {
            f"model.layers.{n}.self_attn.{part}_proj.bias": (256 if part == "q" else 128,)
            for n in range(2)
            for part in "qkv"
        }
    tied = model_type != "llama"
    folder, gguf, values = files(tmp_path, model_type, shapes, tie_word_embeddings=tied)
    out = asyncio.run(unpack_gguf(read_source(folder, gguf=gguf), tmp_path / "out", python=PYTHON))
    tensors = read_tensors(out)
    assert set(tensors) == set(shapes)
    for name, tensor in tensors.items():
        assert tensor.shape == shapes[name]
        with tensor.file.open("rb") as file:
            file.seek(tensor.offset)
            assert file.read(tensor.size) == values[name], name
    assert {file.name for file in out.iterdir()} == {"config.json", "tokenizer.json", SINGLE}
    assert read_source(out).gguf is None


@needs_exporter
def test_model_of_other_shapes_is_refused_in_the_child(tmp_path: Path) -> None:
    folder, gguf, _ = files(tmp_path, "qwen3", qwen3_shapes(), intermediate_size=256)
    with pytest.raises(
        InputError, match=r"it holds model\.layers\.0\.mlp\.gate_proj\.weight as \(512, 256\)"
    ):
        asyncio.run(unpack_gguf(read_source(folder, gguf=gguf), tmp_path / "out", python=PYTHON))


def test_child_that_says_nothing_is_quoted(tmp_path: Path) -> None:
    folder, gguf, _ = files(tmp_path, "qwen3", qwen3_shapes())
    fake = tmp_path / "python"
    fake.write_text("#!/bin/sh\necho no such module >&2\nexit 3\n", encoding="utf-8")
    fake.chmod(0o755)
    with pytest.raises(ProgramError, match="status 3: no such module"):
        asyncio.run(unpack_gguf(read_source(folder, gguf=gguf), tmp_path / "out", python=str(fake)))
