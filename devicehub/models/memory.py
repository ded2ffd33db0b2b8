"""How much of a phone's memory a model takes, as far as its files and its config tell."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from devicehub.units import KIB

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devicehub.models.catalog import Model

_TOKENS: Final = 2048
"""The engine's default of `max_all_tokens`."""
_QUERY_GROUPS: Final = 4
"""Heads that share one key and value where the export does not tell: current models have 4 to 8."""
_KEY_BYTES: Final = {1: 1.0, 2: 1.0, 3: 0.5, 4: 0.5, 5: 0.5, 6: 0.5}
"""By `attention_mode % 8`: int8, and 3 or 4 bits with their scales."""
_VALUE_BYTES: Final = {2: 1.0, 4: 0.5, 6: 0.5}
_SPARSE: Final = re.compile(r"moe|expert|^ple_", re.IGNORECASE)
_SPARSE_NAME: Final = re.compile(r"moe|[-_]a\d+(?:\.\d+)?b", re.IGNORECASE)
_WEIGHT: Final = "llm.mnn.weight"
_EXTRA_KIB: Final = 64 * 1024
"""Code, tokenizer and the buffers of one pass."""


def memory_needed_kib(model: Model, config: Mapping[str, Any]) -> int:
    """Weights + KV cache + 64 MiB for the engine, of one launch.

    Weights are the `.mnn` and `.weight` files. Embeddings in files of their own are read from storage row by
    row, and under `use_mmap` the kernel can take the weights back, so neither counts. The KV cache is
    `layer_nums` x tokens x width x (bytes of a key + bytes of a value): the tokens are `max_all_tokens`, or
    what `max_new_tokens` asks beyond; the width is `key_value_shape`'s, else a quarter of `hidden_size`.

    Args:
        model: its files and its llm_config.json count.
        config: the config.json that the run uses.

    Raises:
        InputError: the model's llm_config.json cannot be read any more.
    """
    weights = 0
    if config.get("use_mmap") is not True:
        weights = sum(file.size for file in model.manifest.files if file.path.endswith((".mnn", ".weight")))
    facts = model.llm_config
    return (weights + _kv_cache_bytes(facts, {**config, **facts})) // KIB + _EXTRA_KIB


def decode_reads_bytes(model: Model, config: Mapping[str, Any]) -> int | None:
    """What decoding one token must read of the weights: all of them; None where a part may do.

    Mixtures of experts read the experts that they choose, per-layer embeddings one row, and speculative
    decoding gives several tokens for one reading.

    Args:
        model: its name, files and llm_config.json count.
        config: the config.json that the run uses.

    Raises:
        InputError: the model's config.json or llm_config.json cannot be read any more.
    """
    facts = model.llm_config
    words = [*facts, *(value for value in facts.values() if isinstance(value, str))]
    if config.get("speculative_type") or _SPARSE_NAME.search(model.name) or any(map(_SPARSE.search, words)):
        return None
    name = str(model.config.get("llm_weight", _WEIGHT))
    return next((file.size for file in model.manifest.files if file.path == name), None)


def _kv_cache_bytes(facts: Mapping[str, Any], config: Mapping[str, Any]) -> int:
    tokens = max(_whole(config.get("max_all_tokens")) or _TOKENS, _whole(config.get("max_new_tokens")) or 0)
    key, value = _element_bytes(config)
    return int(_whole(facts.get("layer_nums")) * tokens * _width(facts) * (key + value))


def _width(facts: Mapping[str, Any]) -> int:
    # [2, 1, 0, 8, 128]: key and value, batch, tokens so far, heads, size of a head.
    shape = facts.get("key_value_shape")
    if isinstance(shape, list) and len(shape) >= 2:
        return _whole(shape[-1]) * _whole(shape[-2])
    return _whole(facts.get("hidden_size")) // _QUERY_GROUPS


def _element_bytes(config: Mapping[str, Any]) -> tuple[float, float]:
    mode = _whole(config.get("attention_mode", 8)) % 8
    plain = 2 if config.get("precision", "low") == "low" else 4
    return _KEY_BYTES.get(mode, plain), _VALUE_BYTES.get(mode, plain)


def _whole(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
