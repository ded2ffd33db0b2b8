"""What is right: exports as they are, and the deploy guide's examples as far as they hold today."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from devicehub.demo_model import demo_model_dir
from devicehub.findings import Severity
from devicehub.lint.folder import lint_folder
from devicehub.models.provenance import PROVENANCE, AcceptanceFacts, Provenance, SourceFacts
from tests.models.make_folder import TIED, UNTIED, make_model

if TYPE_CHECKING:
    from pathlib import Path

    from devicehub.findings import Finding

DEFAULT: dict[str, Any] = {
    "llm_model": "llm.mnn",
    "llm_weight": "llm.mnn.weight",
    "backend_type": "cpu",
    "thread_num": 4,
    "precision": "low",
    "memory": "low",
    "sampler_type": "mixed",
    "temperature": 0.8,
    "top_k": 40,
    "top_p": 0.9,
    "min_p": 0.05,
    "tfs_z": 1.0,
    "typical": 0.95,
    "repetition_penalty": 1.0,
    "presence_penalty": 0.0,
    "frequency_penalty": 0.0,
    "penalty_window": 0,
    "n_gram": 8,
    "ngram_factor": 1.0,
    "tokenizer_file": "tokenizer.mtok",
}
"""What llmexport writes whatever the model."""
FACTS: dict[str, Any] = {
    "model_type": "qwen3",
    "layer_nums": 6,
    "attention_mask": "float",
    "attention_type": "full",
    "is_mrope": False,
    "jinja": {"chat_template": "{{ messages }}", "eos": "<|im_end|>"},
}

MIXED = """{
  "llm_model": "llm.mnn",
  "llm_weight": "llm.mnn.weight",
  "backend_type": "cpu",
  "thread_num": 4,
  "precision": "low",
  "memory": "low",
  "sampler_type": "mixed",
  "mixed_samplers": ["penalty", "topK", "topP", "min_p", "temperature"],
  "penalty": 1.1,
  "temperature": 0.6,
  "topP": 0.95,
  "topK": 20,
  "min_p": 0
}
"""
EXTREME_SPEED = """{
  "llm_model": "llm.mnn",
  "llm_weight": "llm.mnn.weight",
  "backend_type": "opencl",
  "thread_num": 4,
  "precision": "low",
  "memory": "low",
  "use_mmap": true,
  "quant_qkv": 4,
  "prefer_decode": 1,
  "sampler_type": "penalty",
  "penalty": 1.1,
  //   "speculative_type": "lookahead",
  //   "speculative_steps": 4,
  "embedding_file": "embeddings_int4.bin"
}
"""
WIDE = {**TIED, "hidden_size": 2048}


def told(findings: list[Finding], root: Path) -> list[tuple[str, str, str]]:
    return [(str(one.severity), one.slug, one.place.removeprefix(f"{root}/")) for one in findings]


def guide(folder: Path, text: str) -> list[tuple[str, str, str]]:
    model = make_model(folder, llm_config=WIDE)
    (model / "config.json").write_text(text)
    return told(lint_folder(model), model)


@pytest.mark.parametrize("engine", [None, "3.5.0", "3.6.1"])
def test_a_real_export_is_right(engine: str | None) -> None:
    assert lint_folder(demo_model_dir(), engine=engine) == []


@pytest.mark.parametrize(
    ("more", "facts", "files"),
    [
        ({}, TIED, {}),
        ({}, UNTIED, {"embeddings_bf16.bin": 256}),
        (
            {"embedding_file": "embeddings_int4.bin"},
            {"hidden_size": 128, "tie_embeddings": [0, 100, 20, 4, 64]},
            {"embeddings_int4.bin": 120},
        ),
        ({"precision": "normal"}, TIED, {}),
        (
            {"mllm": {"backend_type": "cpu", "thread_num": 4, "precision": "normal", "memory": "low"}},
            {**TIED, "is_visual": True, "image_mean": [0.5], "num_grid_per_side": 48},
            {"visual.mnn": 9, "visual.mnn.weight": 9},
        ),
        ({"speculative_type": "eagle", "hidden_states": True}, TIED, {"eagle.mnn": 9, "eagle_fc.mnn": 9}),
    ],
)
def test_what_llmexport_writes_is_right(
    tmp_path: Path, more: dict[str, Any], facts: dict[str, Any], files: dict[str, int]
) -> None:
    model = make_model(tmp_path / "m", DEFAULT | more, FACTS | facts)
    (model / "export_args.json").write_text(json.dumps({"quant_bit": 4, "omni_epochs": 20}))
    for name, size in files.items():
        (model / name).write_bytes(bytes(size))
    assert lint_folder(model, engine="3.6.1") == []


def test_a_name_that_llmexport_leaves_dangling_is_a_note(tmp_path: Path) -> None:
    model = make_model(tmp_path / "m", {**DEFAULT, "embedding_file": "embeddings_int4.bin"}, FACTS | TIED)
    assert told(lint_folder(model), model) == [
        ("note", "embedding_dangling", "config.json: embedding_file"),
    ]


def test_the_mixed_example_lacks_its_tokenizer_only(tmp_path: Path) -> None:
    assert guide(tmp_path / "m", MIXED) == [("error", "tokenizer_default", "config.json")]
    named = MIXED.replace('"min_p": 0', '"min_p": 0, "tokenizer_file": "tokenizer.mtok"')
    assert guide(tmp_path / "n", named) == []


def test_the_extreme_speed_example_is_told_what_became_of_it(tmp_path: Path) -> None:
    assert guide(tmp_path / "m", EXTREME_SPEED) == [
        ("error", "json_comment", "config.json:13"),
        ("error", "json_comment", "config.json:14"),
        ("error", "tokenizer_default", "config.json"),
        ("warning", "key_deprecated", "config.json: prefer_decode"),
        ("warning", "key_deprecated", "config.json: quant_qkv"),
        ("note", "mmap_writes", "config.json: use_mmap"),
        ("note", "embedding_dangling", "config.json: embedding_file"),
    ]


def test_its_note_on_threads_and_its_way_of_speculating_are_judged_too(tmp_path: Path) -> None:
    text = EXTREME_SPEED.replace("//", "").replace('"thread_num": 4', '"thread_num": 64')
    found = guide(tmp_path / "m", text)
    assert ("warning", "tuning_none", "config.json: thread_num") in found
    assert ("warning", "key_deprecated", "config.json: speculative_steps") in found
    on_cpu = guide(tmp_path / "n", text.replace("opencl", "cpu"))
    assert ("warning", "kv_mode_coarse", "config.json: quant_qkv") in on_cpu
    make_model(tmp_path / "small", llm_config={**TIED, "hidden_size": 128})
    (tmp_path / "small" / "config.json").write_text(text.replace("opencl", "cpu"))
    small = told(lint_folder(tmp_path / "small"), tmp_path / "small")
    assert ("error", "kv_mode_garbles", "config.json: quant_qkv") in small


def test_a_broken_config_does_not_hide_what_else_is_wrong(tmp_path: Path) -> None:
    model = make_model(
        tmp_path / "m", llm_config={"hidden_size": 896, "tie_embeddings": [500, 900, 101, 4, 256]}
    )
    (model / "config.json").write_text('{"tokenizer_file": "absent.mtok",}')
    (model / "llm.mnn").write_bytes(b"")
    slugs = {one.slug for one in lint_folder(model) if one.severity is Severity.ERROR}
    assert slugs == {"json_comma", "file_empty", "file_missing", "weight_truncated", "block_garbles"}


def test_a_config_that_says_nothing_at_all_leaves_the_folder_to_be_judged(tmp_path: Path) -> None:
    model = make_model(tmp_path / "m")
    (model / "config.json").write_text("{{{")
    (model / "llm.mnn.weight").unlink()
    assert [one.slug for one in lint_folder(model)] == ["json_syntax", "file_missing", "tokenizer_default"]


def test_llm_config_wins_where_both_say_something(tmp_path: Path) -> None:
    model = make_model(tmp_path / "m", {**DEFAULT, "thread_num": 4}, {**TIED, "thread_num": 64})
    found = {one.slug: one.place for one in lint_folder(model)}
    assert found == {
        "threads_too_many": f"{model}/llm_config.json: thread_num",
        "key_overridden": f"{model}/config.json: thread_num",
    }


def test_the_npus_configuration_is_judged_as_well(tmp_path: Path) -> None:
    model = make_model(tmp_path / "m", DEFAULT | {"thread_num": 40})
    shutil.copytree(model, model / "qnn", ignore=lambda *_: ["config.json", "llm_config.json"])
    npu = {**DEFAULT, "thread_num": 40, "llm_model": "qnn/llm.mnn", "chunk_limits": [128, 1], "top_k": 0}
    (model / "config_qnn.json").write_text(json.dumps(npu))
    assert told(lint_folder(model), model) == [
        ("error", "top_k_zero", "config_qnn.json: top_k"),
        ("warning", "threads_too_many", "config.json: thread_num"),
    ]


def test_a_loop_of_links_ends(tmp_path: Path) -> None:
    model = make_model(tmp_path / "m", DEFAULT)
    (model / "again").symlink_to(model)
    (model / "self").symlink_to("self")
    assert {one.slug for one in lint_folder(model)} == {"folder_unreadable"}


def test_the_weights_of_a_part_are_measured_too(tmp_path: Path) -> None:
    model = tmp_path / "m"
    shutil.copytree(demo_model_dir(), model)
    facts = json.loads((model / "llm_config.json").read_text())
    (model / "llm_config.json").write_text(json.dumps({**facts, "is_visual": True}))
    shutil.copy(model / "llm.mnn", model / "visual.mnn")
    shutil.copy(model / "llm.mnn.weight", model / "visual.mnn.weight")
    assert lint_folder(model) == []
    os.truncate(model / "visual.mnn.weight", 99)
    assert told(lint_folder(model), model) == [("error", "weight_truncated", "visual.mnn.weight")]


def test_the_release_that_made_a_model_is_held_against_the_engines(tmp_path: Path) -> None:
    model = make_model(tmp_path / "m", DEFAULT)
    made = Provenance(
        devicehub="0.1.0",
        source=SourceFacts(name="Qwen3", folder="/x", sha256="0", files=()),
        recipe="default",
        options={},
        argv=(),
        versions={"MNN": "3.6.1"},
        seconds=1.0,
        peak_bytes=1,
        exported_s=1.0,
        acceptance=AcceptanceFacts(cosine_mean=None, cosine_lowest=None, positions=0, skipped="not asked"),
    )
    (model / PROVENANCE).write_bytes(msgspec.json.encode(made))
    assert lint_folder(model, engine="3.6.1") == []
    assert lint_folder(model, engine="3.10.0") == []
    [found] = lint_folder(model, engine="3.6.0")
    assert (found.slug, found.place) == ("exporter_newer", str(model / PROVENANCE))
    assert found.why.startswith("was written with MNN 3.6.1, and the engine is 3.6.0")
    assert lint_folder(model, engine="of my own") == []
