from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from devicehub.models.catalog import ModelCatalog
from devicehub.models.memory import decode_reads_bytes, memory_needed_kib
from devicehub.settings import Home
from tests.models.make_folder import TIED, make_model

if TYPE_CHECKING:
    from pathlib import Path

    from devicehub.models.catalog import Model

ENGINE_KIB = 64 * 1024
SHAPED = {**TIED, "layer_nums": 28, "hidden_size": 1024, "key_value_shape": [2, 1, 0, 8, 128]}
CACHE_KIB = 28 * 2048 * 8 * 128 * 4 // 1024


def model(folder: Path, llm_config: dict[str, Any]) -> Model:
    home = Home(folder / "home")
    return ModelCatalog(home).add(make_model(folder / "m", llm_config=llm_config))


def cache_kib(folder: Path, llm_config: dict[str, Any], config: dict[str, Any]) -> int:
    """Without the 1005 bytes of weights, which are less than a KiB."""
    return memory_needed_kib(model(folder, llm_config), config) - ENGINE_KIB


@pytest.mark.parametrize(
    ("config", "kib"),
    [
        ({}, CACHE_KIB),
        ({"precision": "normal"}, CACHE_KIB * 2),
        ({"attention_mode": 10}, CACHE_KIB // 2),
        ({"attention_mode": 9}, CACHE_KIB * 3 // 4),
        ({"attention_mode": 14, "precision": "high"}, CACHE_KIB // 4),
        ({"max_all_tokens": 4096}, CACHE_KIB * 2),
        ({"max_new_tokens": 8192}, CACHE_KIB * 4),
        ({"max_new_tokens": -1, "max_all_tokens": "junk"}, CACHE_KIB),
    ],
)
def test_key_value_cache(tmp_path: Path, config: dict[str, Any], kib: int) -> None:
    assert cache_kib(tmp_path, SHAPED, config) == pytest.approx(kib, abs=1)


def test_width_of_a_key_that_the_export_does_not_tell(tmp_path: Path) -> None:
    assert cache_kib(tmp_path, {**TIED, "layer_nums": 6}, {}) == pytest.approx(
        6 * 2048 * 32 * 4 / 1024, abs=1
    )


def test_model_without_layers_has_no_cache(tmp_path: Path) -> None:
    assert cache_kib(tmp_path, {**TIED, "layer_nums": "many"}, {}) == 0


def test_weights_count_unless_they_are_mapped(tmp_path: Path) -> None:
    folder = make_model(tmp_path / "m")
    (folder / "llm.mnn.weight").write_bytes(bytes(3 * 1024 * 1024))
    (folder / "embeddings_bf16.bin").write_bytes(bytes(1024 * 1024))
    big = ModelCatalog(Home(tmp_path / "home")).add(folder)
    assert memory_needed_kib(big, {}) - memory_needed_kib(big, {"use_mmap": True}) == 3 * 1024


def test_each_token_reads_all_weights(tmp_path: Path) -> None:
    added = model(tmp_path, SHAPED)
    size = next(file.size for file in added.manifest.files if file.path == "llm.mnn.weight")
    assert decode_reads_bytes(added, {}) == size
    assert decode_reads_bytes(added, {"speculative_type": "lookahead"}) is None
    assert decode_reads_bytes(added, {"speculative_type": ""}) == size


@pytest.mark.parametrize("facts", [{"num_experts": 64}, {"model_type": "qwen3_moe"}, {"ple_embed_dim": 256}])
def test_model_that_reads_a_part_of_its_weights(tmp_path: Path, facts: dict[str, Any]) -> None:
    assert decode_reads_bytes(model(tmp_path, {**SHAPED, **facts}), {}) is None


@pytest.mark.parametrize("name", ["Qwen3-30B-A3B-MNN", "LFM2-8B-A1B-MNN", "OLMoE-1B-7B"])
def test_name_that_tells_of_experts(tmp_path: Path, name: str) -> None:
    home = Home(tmp_path / "home")
    added = ModelCatalog(home).add(make_model(tmp_path / name, llm_config=SHAPED))
    assert decode_reads_bytes(added, {}) is None
