from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING

import pytest

from devicehub.demo_model import demo_model_dir
from devicehub.errors import InputError
from devicehub.models.check import check_model
from tests.models.make_folder import CONFIG, TIED, UNTIED, make_model

if TYPE_CHECKING:
    from pathlib import Path

CORE = ("config.json", "llm.mnn", "llm.mnn.weight", "llm_config.json", "tokenizer.mtok")


def test_whole_folder_pushes_what_the_engine_opens(tmp_path: Path) -> None:
    model = make_model(tmp_path / "m")
    for name in ("llm.mnn.json", "export_args.json", "README.md", ".gitattributes", ".export.log"):
        (model / name).write_text("{}")
    for name in ("onnx/llm.onnx", "tmp_1f/mnn_cachefile.bin", "visual/extra.bin", "qnn/graphllm0.bin"):
        (model / name).parent.mkdir(exist_ok=True)
        (model / name).write_text("x")
    found = check_model(model)
    assert found.files == (*CORE[:4], "qnn/graphllm0.bin", "tokenizer.mtok", "visual/extra.bin")
    assert "llm.mnn.json" in found.left_out
    assert "tmp_1f/mnn_cachefile.bin" in found.left_out
    assert found.warnings == ()


def test_comment_in_config_names_the_line(tmp_path: Path) -> None:
    model = make_model(tmp_path / "m")
    (model / "config.json").write_text('{\n  "llm_model": "llm.mnn", // the graph\n  "thread_num": 4\n}')
    with pytest.raises(InputError, match=r"config\.json:2: a comment.*ignores such a file without a word"):
        check_model(model)


@pytest.mark.parametrize("text", ['{\n"thread_num": 4,\n}', '{"a": [1,\n\n]}'])
def test_trailing_comma_is_named(tmp_path: Path, text: str) -> None:
    model = make_model(tmp_path / "m")
    (model / "config.json").write_text(text)
    with pytest.raises(InputError, match=r"config\.json:\d: a trailing comma"):
        check_model(model)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "the file is empty"),
        (b"[]", "is not a JSON object"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        (b'{"a": "\xff"}', "is not UTF-8"),
        (b'{"a": 1', "is not valid JSON"),
        (b"[" * 100_000, "nested too deeply|not valid JSON"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
    ],
)
def test_config_that_mnn_would_silently_ignore(tmp_path: Path, data: bytes, said: str) -> None:
    model = make_model(tmp_path / "m")
    (model / "config.json").write_bytes(data)
    with pytest.raises(InputError, match=said):
        check_model(model)


@pytest.mark.parametrize("name", CORE)
def test_each_missing_file_is_named(tmp_path: Path, name: str) -> None:
    model = make_model(tmp_path / "m")
    (model / name).unlink()
    with pytest.raises(InputError, match=name.replace(".", r"\.")):
        check_model(model)


@pytest.mark.parametrize("name", ["llm.mnn", "llm.mnn.weight", "tokenizer.mtok"])
def test_empty_files_and_lfs_pointers(tmp_path: Path, name: str) -> None:
    model = make_model(tmp_path / "m")
    (model / name).write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n")
    with pytest.raises(InputError, match="is a git-lfs pointer"):
        check_model(model)
    (model / name).write_bytes(b"")
    with pytest.raises(InputError, match="is empty"):
        check_model(model)


def test_default_tokenizer_txt_beside_a_mtok(tmp_path: Path) -> None:
    config = {key: value for key, value in CONFIG.items() if key != "tokenizer_file"}
    with pytest.raises(InputError, match=r'add "tokenizer_file": "tokenizer\.mtok"'):
        check_model(make_model(tmp_path / "m", config))


def test_llm_config_wins_over_config(tmp_path: Path) -> None:
    config = {**CONFIG, "tokenizer_file": "absent.txt"}
    check_model(make_model(tmp_path / "m", config, {**TIED, "tokenizer_file": "tokenizer.mtok"}))


def test_weights_that_end_before_the_embedding(tmp_path: Path) -> None:
    model = make_model(tmp_path / "m")
    (model / "llm.mnn.weight").write_bytes(bytes(999))
    with pytest.raises(InputError, match=r"is truncated: 999 bytes.*byte 1000"):
        check_model(model)


def _untied(folder: Path) -> Path:
    """The demo model, its embedding in a file of its own."""
    shutil.copytree(demo_model_dir(), folder)
    llm_config = json.loads((folder / "llm_config.json").read_text())
    del llm_config["tie_embeddings"]
    (folder / "llm_config.json").write_text(json.dumps(llm_config))
    (folder / "embeddings_bf16.bin").write_bytes(bytes(1536 * 128 * 2))
    check_model(folder)
    return folder


def test_weights_of_an_untied_model_that_end_before_its_last_layer(tmp_path: Path) -> None:
    model = _untied(tmp_path / "m")
    os.truncate(model / "llm.mnn.weight", 1579009)
    with pytest.raises(InputError, match="is truncated: 1579009 bytes, and the model points at byte 1579010"):
        check_model(model)


def test_graph_that_was_copied_in_part(tmp_path: Path) -> None:
    model = _untied(tmp_path / "m")
    os.truncate(model / "llm.mnn", 50_000)
    with pytest.raises(InputError, match=r"llm\.mnn: is truncated"):
        check_model(model)


def test_embedding_that_ends_with_a_row_before_the_last(tmp_path: Path) -> None:
    model = _untied(tmp_path / "m")
    os.truncate(model / "embeddings_bf16.bin", 1535 * 128 * 2)
    with pytest.raises(InputError, match="is truncated: 1535 rows, and the model can say 1536 tokens"):
        check_model(model)


def test_block_that_does_not_divide_the_width(tmp_path: Path) -> None:
    llm_config = {"hidden_size": 896, "tie_embeddings": [500, 900, 100, 4, 256]}
    with pytest.raises(InputError, match="quant_block 256 does not divide hidden_size 896"):
        check_model(make_model(tmp_path / "m", llm_config=llm_config))


def test_untied_model_needs_its_embedding_file(tmp_path: Path) -> None:
    model = make_model(tmp_path / "m", llm_config=UNTIED)
    with pytest.raises(InputError, match=r"embeddings_bf16\.bin: is missing"):
        check_model(model)
    (model / "embeddings_bf16.bin").write_bytes(bytes(128 * 2 * 10 + 1))
    with pytest.raises(InputError, match="no whole number of rows of 128"):
        check_model(model)
    (model / "embeddings_bf16.bin").write_bytes(bytes(128 * 2 * 10))
    assert "embeddings_bf16.bin" in check_model(model).files


def test_tied_model_may_name_an_embedding_file_that_was_never_written(tmp_path: Path) -> None:
    check_model(make_model(tmp_path / "m", {**CONFIG, "embedding_file": "embeddings_int4.bin"}))


@pytest.mark.parametrize("value", ["/data/llm.mnn", "../llm.mnn", "a/../../llm.mnn", "", 3, None, ["x"]])
def test_file_keys_that_the_engine_cannot_open(tmp_path: Path, value: object) -> None:
    with pytest.raises(InputError, match=r"config\.json: llm_model (names|is not)"):
        check_model(make_model(tmp_path / "m", {**CONFIG, "llm_model": value}))


def test_speculative_model_needs_its_second_model(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r'mtp\.mnn: is missing.*remove "speculative_type"'):
        check_model(make_model(tmp_path / "m", {**CONFIG, "speculative_type": "mtp"}))
    check_model(make_model(tmp_path / "n", {**CONFIG, "speculative_type": "lookahead"}))


def test_model_that_has_lost_its_eyes_is_told_so(tmp_path: Path) -> None:
    found = check_model(make_model(tmp_path / "m", llm_config={**TIED, "is_visual": True}))
    assert any("visual.mnn is missing" in warning and "images" in warning for warning in found.warnings)


def test_qnn_config_without_its_graph_is_told_so(tmp_path: Path) -> None:
    model = make_model(tmp_path / "m")
    (model / "config_qnn.json").write_text(json.dumps({**CONFIG, "llm_model": "qnn/llm.mnn"}))
    assert any("qnn/llm.mnn is missing" in warning for warning in check_model(model).warnings)
    (model / "qnn").mkdir()
    (model / "qnn" / "llm.mnn").write_bytes(b"graph")
    found = check_model(model)
    assert found.warnings == ()
    assert {"config_qnn.json", "qnn/llm.mnn"} < set(found.files)


def test_folders_that_are_no_models_say_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such folder"):
        check_model(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="the folder is empty"):
        check_model(tmp_path / "empty")
    model = make_model(tmp_path / "outer" / "inner")
    with pytest.raises(InputError, match=r"add .*inner instead"):
        check_model(tmp_path / "outer")
    with pytest.raises(InputError, match="is not a folder; give the folder that holds it"):
        check_model(model / "config.json")
    checkpoint = tmp_path / "checkpoint"
    checkpoint.mkdir()
    (checkpoint / "model.safetensors").write_text("x")
    with pytest.raises(InputError, match="export it first"):
        check_model(checkpoint)


def test_file_name_that_the_phone_cannot_take(tmp_path: Path) -> None:
    model = make_model(tmp_path / "m")
    (model / "spk\ndict.mnn").write_text("x")
    with pytest.raises(InputError, match="holds control characters"):
        check_model(model)
