from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from devicehub.errors import InputError
from devicehub.export.source import Source, read_source
from tests.export.checkpoints import make_checkpoint, qwen3_shapes, write_safetensors

if TYPE_CHECKING:
    from pathlib import Path

EMBEDDING = "model.embed_tokens.weight"


def said(folder: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_source(folder)
    assert caught.value.remedy
    return str(caught.value)


def changed(tmp_path: Path, **config: Any) -> Source:
    return read_source(make_checkpoint(tmp_path / "changed", config=config))


def test_what_an_export_must_know_is_read(tmp_path: Path) -> None:
    source = read_source(make_checkpoint(tmp_path / "qwen3"))
    assert (source.model_type, source.architectures) == ("qwen3", ("Qwen3ForCausalLM",))
    assert (source.hidden, source.intermediate, source.head_dim, source.vocab) == (256, 512, 64, 64)
    assert (source.layers, len(source.linears), source.dtype) == (2, 14, "BF16")
    assert sorted(source.widths) == [256, 512]
    assert source.tied
    assert not any((source.has_visual, source.has_audio, source.remote_code, source.speculative_layers))
    assert source.bytes == 2 * source.parameters
    assert source.zeros.share == 0


def test_tied_is_what_the_values_say(tmp_path: Path) -> None:
    rows = bytes(range(1, 129)) * 256
    shapes = qwen3_shapes(tied=False)
    same = make_checkpoint(
        tmp_path / "same", shapes=shapes, data={EMBEDDING: rows, "lm_head.weight": rows}, tied=False
    )
    assert read_source(same).tied
    other = make_checkpoint(
        tmp_path / "other", shapes=shapes, data={EMBEDDING: rows, "lm_head.weight": rows[::-1]}, tied=False
    )
    assert not read_source(other).tied


def test_absent_output_layer_of_a_model_that_is_not_tied(tmp_path: Path) -> None:
    folder = make_checkpoint(tmp_path / "cut", config={"tie_word_embeddings": False})
    assert "there is no lm_head.weight" in said(folder)


def test_figures_of_the_language_model_within_a_model_of_several_parts(tmp_path: Path) -> None:
    shapes = {
        "model.language_model." + name.removeprefix("model."): shape for name, shape in qwen3_shapes().items()
    }
    folder = make_checkpoint(tmp_path / "vl")
    write_safetensors(
        folder / "model.safetensors", shapes | {"model.visual.blocks.0.attn.qkv.weight": (48, 16)}
    )
    config = {"model_type": "qwen3_vl", "tie_word_embeddings": True, "text_config": {"hidden_size": 256}}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    source = read_source(folder)
    assert (source.hidden, source.layers, source.model_type) == (256, 2, "qwen3_vl")
    assert source.has_visual
    assert not source.has_audio
    assert len(source.linears) == 14


def test_code_is_named_by_tokenizers_too(tmp_path: Path) -> None:
    assert changed(tmp_path, auto_map={"AutoConfig": "own.Config"}).remote_code
    folder = make_checkpoint(tmp_path / "tokenizer")
    assert not read_source(folder).remote_code
    (folder / "tokenizer_config.json").write_text(
        '{"auto_map": {"AutoTokenizer": "own.T"}}', encoding="utf-8"
    )
    assert read_source(folder).remote_code


@pytest.mark.parametrize(
    ("config", "hidden"),
    [({"hidden_size": None, "n_embd": 256}, 256), ({"hidden_size": 0, "d_model": [256, 128]}, 256)],
)
def test_width_by_other_names(tmp_path: Path, config: dict[str, Any], hidden: int) -> None:
    assert changed(tmp_path, **config).hidden == hidden


def test_folders_that_are_no_checkpoint_are_named(tmp_path: Path) -> None:
    assert "check the path" in said(tmp_path / "absent") or "no such" in said(tmp_path / "absent")
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "holds no config.json" in said(empty)
    exported = tmp_path / "exported"
    exported.mkdir()
    (exported / "llm.mnn").touch()
    assert "is an MNN model already" in said(exported)
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text('{"base_model_name_or_path": "org/base"}', encoding="utf-8")
    assert "is an adapter (LoRA) for org/base, not a model" in said(adapter)
    assert f"export the base with --recipe lora --set lora_path={adapter}" in said(adapter)


def test_gguf_alone_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "model-q4_k_m.gguf"
    file.write_bytes(b"GGUF")
    for place in (file, tmp_path):
        assert "a GGUF alone is no source" in said(place)


def test_quantised_weights_are_refused(tmp_path: Path) -> None:
    gptq = make_checkpoint(tmp_path / "gptq", config={"quantization_config": {"quant_method": "gptq"}})
    assert f"--set gptq_path={gptq}" in said(gptq)
    awq = make_checkpoint(tmp_path / "awq", config={"quantization_config": {"quant_method": "awq"}})
    assert "quantised already (awq)" in said(awq)


def test_checkpoint_that_is_not_whole(tmp_path: Path) -> None:
    whole = make_checkpoint(tmp_path / "whole")
    for name, sentence in (("tokenizer.json", "holds no tokenizer"), ("model.safetensors", "holds neither")):
        folder = shutil.copytree(whole, tmp_path / f"without-{name}")
        (folder / name).unlink()
        assert sentence in said(folder)
    (whole / "tokenizer.json").write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    assert "git-lfs pointers stand in the place of tokenizer.json" in said(whole)


def test_config_without_a_width(tmp_path: Path) -> None:
    assert "has no hidden_size" in said(make_checkpoint(tmp_path / "none", config={"hidden_size": True}))


def test_tensors_of_no_language_model(tmp_path: Path) -> None:
    folder = make_checkpoint(tmp_path / "other")
    write_safetensors(folder / "model.safetensors", {"encoder.weight": (4, 4)})
    assert "no layers among them" in said(folder)
    write_safetensors(folder / "model.safetensors", {"model.layers.0.mlp.up_proj.weight": (4, 4)})
    assert "no embedding among them" in said(folder)
