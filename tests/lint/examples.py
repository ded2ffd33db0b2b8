"""The least that is wrong, for each slug: a configuration, or what is done to a folder that was right."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.models.make_folder import CONFIG, TIED

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"


@dataclass(frozen=True)
class Bad:
    """A configuration that is wrong in one way.

    Attributes:
        severity: of its finding.
        key: that the finding's place names.
        files: in the model's folder, where that matters.
    """

    severity: str
    key: str
    config: dict[str, Any]
    llm_config: dict[str, Any] = field(default_factory=dict)
    files: frozenset[str] | None = None


FILES = frozenset({"llm.mnn", "llm.mnn.weight", "tokenizer.txt", "embeddings_bf16.bin"})
NARROW = {"hidden_size": 128}
WIDE = {"hidden_size": 4096, "key_value_shape": [2, 1, 0, 8, 128]}

SETTINGS: dict[str, Bad] = {
    "key_unknown": Bad("warning", "thread_nun", {"thread_nun": 4}),
    "key_deprecated": Bad("warning", "prefer_decode", {"prefer_decode": True}),
    "key_never_read": Bad("warning", "cpu_core_ids", {"cpu_core_ids": [4, 5]}),
    "wrong_type": Bad("warning", "thread_num", {"thread_num": "4"}),
    "json_number": Bad("error", "typical", {"typical": float("nan")}),
    "out_of_range": Bad("warning", "top_p", {"top_p": 1.5}),
    "value_unknown": Bad("warning", "dynamic_option", {"dynamic_option": 5}),
    "backend_unknown": Bad("warning", "backend_type", {"backend_type": "gpu"}),
    "sampler_unknown": Bad("warning", "sampler_type", {"sampler_type": "beam"}),
    "level_unknown": Bad("warning", "precision", {"precision": "fp16"}),
    "alias_shadowed": Bad("warning", "topK", {"topK": 20, "top_k": 40}),
    "key_overridden": Bad("warning", "bos", {"bos": "a"}, {"bos": "b"}),
    "fact_overridden": Bad("note", "hidden_size", {"hidden_size": 64}, NARROW),
    "top_k_zero": Bad("error", "top_k", {"top_k": 0}),
    "mixed_samplers_empty": Bad("error", "mixed_samplers", {"mixed_samplers": []}),
    "temperature_garbles": Bad("error", "temperature", {"temperature": 0}),
    "speculation_draft_model": Bad("error", "speculative_type", {"speculative_type": "draftmodel"}),
    "speculation_unknown": Bad("error", "speculative_type", {"speculative_type": "ngram"}),
    "speculation_file": Bad("error", "speculative_type", {"speculative_type": "mtp"}, files=FILES),
    "file_key": Bad("error", "llm_model", {"llm_model": "/data/llm.mnn"}, files=FILES),
    "file_missing": Bad("error", "llm_model", {"llm_model": "other.mnn"}, files=FILES),
    "embedding_dangling": Bad("note", "embedding_file", {"embedding_file": "embeddings_int4.bin"}, TIED),
    "tuning_none": Bad("warning", "thread_num", {"backend_type": "opencl", "thread_num": 64}),
    "tuning_conflict": Bad("warning", "thread_num", {"backend_type": "opencl", "thread_num": 6}),
    "threads_too_many": Bad("warning", "thread_num", {"thread_num": 64}),
    "kv_mode_garbles": Bad("error", "attention_mode", {"attention_mode": 11}, NARROW),
    "kv_mode_coarse": Bad("warning", "attention_mode", {"attention_mode": 14}, WIDE),
    "kv_mode_partly": Bad("warning", "attention_mode", {"attention_mode": 2}),
    "kv_mode_lowered": Bad("note", "attention_mode", {"attention_mode": 10, "reuse_kv": True}),
    "attention_mode_unknown": Bad("warning", "attention_mode", {"attention_mode": 7}),
    "attention_mode_ignored": Bad(
        "warning", "attention_mode", {"attention_mode": 10, "backend_type": "opencl"}
    ),
    "chunk_limits_ignored": Bad("warning", "chunk_limits", {"chunk_limits": 128}),
    "chunk_limits_cpu": Bad("warning", "chunk_limits", {"chunk_limits": [128, 1]}),
    "chunk_ignored": Bad(
        "warning", "chunk", {"chunk": 64, "chunk_limits": [128, 1], "llm_model": "qnn/llm.mnn"}
    ),
    "tmp_path_overridden": Bad("note", "tmp_path", {"tmp_path": "tmp"}),
    "mmap_unused": Bad("note", "mmap_size", {"mmap_size": 512}),
    "mmap_writes": Bad("note", "use_mmap", {"use_mmap": True}),
    "mmap_multimodal": Bad("warning", "use_mmap", {"use_mmap": True}, {"is_visual": True}),
    "mmap_gemma4": Bad("warning", "use_mmap", {"use_mmap": True}, {"model_type": "gemma4_text"}),
}
"""By slug."""


def _write(name: str, data: bytes) -> Callable[[Path], None]:
    def change(model: Path) -> None:
        (model / name).write_bytes(data)

    return change


def _configure(name: str = "config.json", **values: Any) -> Callable[[Path], None]:
    def change(model: Path) -> None:
        before = json.loads((model / name).read_text()) if (model / name).exists() else CONFIG
        (model / name).write_text(json.dumps({**before, **values}))

    return change


def _remove(name: str) -> Callable[[Path], None]:
    return lambda model: (model / name).unlink()


def _empty(model: Path) -> None:
    for file in model.iterdir():
        file.unlink()


def _dangling_link(model: Path) -> None:
    (model / "sub").mkdir()
    (model / "sub" / "link").symlink_to("nowhere")


def _unreadable(model: Path) -> None:
    # Also root gets an input/output error for its first byte.
    (model / "spare.bin").symlink_to("/proc/self/mem")


def _untie(model: Path) -> None:
    facts = json.loads((model / "llm_config.json").read_text())
    del facts["tie_embeddings"]
    (model / "llm_config.json").write_text(json.dumps(facts))
    (model / "embeddings_bf16.bin").write_bytes(bytes(128 * 2 + 1))


FOLDERS: dict[str, tuple[str, str, Callable[[Path], None]]] = {
    "not_a_model": ("error", "", _empty),
    "folder_unreadable": ("error", "sub/link", _dangling_link),
    "file_name": ("error", "a\nb", _write("a\nb", b"x")),
    "json_comment": ("error", "config.json:1", _write("config.json", b"{} // x")),
    "json_comma": ("error", "config.json:1", _write("config.json", b'{"a": 1,}')),
    "json_bom": ("error", "config.json", _write("config.json", b"\xef\xbb\xbf{}")),
    "json_number": ("error", "config.json:2", _write("config.json", b'{\n"top_p": NaN}')),
    "json_syntax": ("error", "config.json:1", _write("config.json", b'{"a": 1')),
    "json_encoding": ("error", "config.json:1", _write("config.json", b'{"a": "\xff"}')),
    "json_shape": ("error", "config.json", _write("config.json", b"[]")),
    "json_key_twice": (
        "warning",
        "llm_config.json:2",
        _write("llm_config.json", b'{"bos": "",\n"bos": "x"}'),
    ),
    "json_more": ("error", "config.json", _write("config.json", b"//\n" * 21 + b"{}")),
    "lfs_pointer": ("error", "spare.bin", _write("spare.bin", POINTER)),
    "file_missing": ("error", "llm.mnn", _remove("llm.mnn")),
    "file_empty": ("error", "llm.mnn", _write("llm.mnn", b"")),
    "file_key": ("error", "config.json", _configure(llm_model="../llm.mnn")),
    "tokenizer_default": ("error", "config.json", _write("config.json", b"{}")),
    "graph_truncated": ("error", "llm.mnn", lambda model: os.truncate(model / "llm.mnn", 50_000)),
    "weight_truncated": ("error", "llm.mnn.weight", lambda model: os.truncate(model / "llm.mnn.weight", 999)),
    "embedding_truncated": ("error", "embeddings_bf16.bin", _untie),
    "file_unreadable": ("error", "spare.bin", _unreadable),
    "block_garbles": (
        "error",
        "",
        _configure("llm_config.json", tie_embeddings=[500, 900, 100, 4, 96]),
    ),
    "block_too_large": ("error", "export_args.json", _configure("export_args.json", quant_block=256)),
    "weights_skipped": ("warning", "export_args.json", _configure("export_args.json", skip_weight=True)),
    "smooth_garbles": ("warning", "export_args.json", _configure("export_args.json", smooth=True, act_bit=8)),
    "lora_dropped": ("warning", "export_args.json", _configure("export_args.json", lora_split=True)),
    "part_missing": ("warning", "visual.mnn", _configure("llm_config.json", is_visual=True)),
    "qnn_graph_missing": ("warning", "qnn/llm.mnn", _configure("config_qnn.json", llm_model="qnn/llm.mnn")),
}
"""By slug: severity, the place within the folder, and what makes it so."""


def _exported_by(option: str) -> Callable[[Path], None]:
    return _write("export_args.json", json.dumps({option: False}).encode())


ENGINES: dict[str, tuple[str, str, str, Callable[[Path], None]]] = {
    "tokenizer_too_new": ("error", "config.json: tokenizer_file", "3.4.1", _write("export_args.json", b"{}")),
    "exporter_newer": ("warning", "export_args.json", "3.6.0", _exported_by("disable_transformer_c4")),
    "exporter_unreleased": ("note", "export_args.json", "3.6.1", _exported_by("disable_fuse_ln_proj")),
}
"""By slug: severity, the place within the folder, the engine's version, and what makes it so."""
