"""Small checkpoints written byte by byte: what is read of them takes neither torch nor numpy."""

from __future__ import annotations

import json
import math
import random
import struct
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_WIDTHS: Final = {"F32": 4, "BF16": 2, "F16": 2, "I32": 4}

Shapes = dict[str, tuple[int, ...]]


def write_safetensors(
    file: Path,
    shapes: Mapping[str, tuple[int, ...]],
    *,
    dtype: str = "BF16",
    data: Mapping[str, bytes] | None = None,
) -> Path:
    """A safetensors file; tensors that `data` does not hold get values of which none is zero."""
    random_bytes = random.Random(7)
    entries, body = {}, bytearray()
    for name, shape in shapes.items():
        size = math.prod(shape) * _WIDTHS[dtype]
        values = (data or {}).get(name)
        if values is None:
            values = bytes(byte | 1 for byte in random_bytes.randbytes(size))
        assert len(values) == size, name
        entries[name] = {
            "dtype": dtype,
            "shape": list(shape),
            "data_offsets": [len(body), len(body) + size],
        }
        body += values
    header = json.dumps({**entries, "__metadata__": {"format": "pt"}}).encode()
    file.write_bytes(struct.pack("<Q", len(header)) + header + body)
    return file


def qwen3_shapes(
    *,
    tied: bool = True,
    hidden: int = 256,
    intermediate: int = 512,
    layers: int = 2,
    vocab: int = 64,
    head_dim: int = 64,
) -> Shapes:
    """The tensors of a Qwen3 with four heads, two of them for keys and values."""
    queries, keys = 4 * head_dim, 2 * head_dim
    shapes: Shapes = {"model.embed_tokens.weight": (vocab, hidden), "model.norm.weight": (hidden,)}
    for number in range(layers):
        at = f"model.layers.{number}"
        shapes |= {
            f"{at}.self_attn.q_proj.weight": (queries, hidden),
            f"{at}.self_attn.k_proj.weight": (keys, hidden),
            f"{at}.self_attn.v_proj.weight": (keys, hidden),
            f"{at}.self_attn.o_proj.weight": (hidden, queries),
            f"{at}.self_attn.q_norm.weight": (head_dim,),
            f"{at}.self_attn.k_norm.weight": (head_dim,),
            f"{at}.mlp.gate_proj.weight": (intermediate, hidden),
            f"{at}.mlp.up_proj.weight": (intermediate, hidden),
            f"{at}.mlp.down_proj.weight": (hidden, intermediate),
            f"{at}.input_layernorm.weight": (hidden,),
            f"{at}.post_attention_layernorm.weight": (hidden,),
        }
    if not tied:
        shapes["lm_head.weight"] = (vocab, hidden)
    return shapes


def make_checkpoint(
    folder: Path,
    *,
    shapes: Shapes | None = None,
    data: Mapping[str, bytes] | None = None,
    config: Mapping[str, Any] | None = None,
    tied: bool = True,
    dtype: str = "BF16",
    **widths: int,
) -> Path:
    """A checkpoint's folder as transformers writes it, without a tokenizer that works."""
    folder.mkdir(parents=True)
    shapes = shapes if shapes is not None else qwen3_shapes(tied=tied, **widths)
    write_safetensors(folder / "model.safetensors", shapes, dtype=dtype, data=data)
    base = {
        "model_type": "qwen3",
        "architectures": ["Qwen3ForCausalLM"],
        "hidden_size": shapes["model.embed_tokens.weight"][1],
        "intermediate_size": widths.get("intermediate", 512),
        "head_dim": widths.get("head_dim", 64),
        "tie_word_embeddings": tied,
    }
    (folder / "config.json").write_text(json.dumps(base | dict(config or {})), encoding="utf-8")
    (folder / "tokenizer.json").write_text("{}", encoding="utf-8")
    return folder
