"""Small GGUF files, written as llama.cpp's converter does."""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

F32: Final = 0
Q8_0: Final = 8
_ALIGNMENT: Final = 32
_OWN: Final = {
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "lm_head": "output",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}

Values = dict[str, tuple[tuple[int, ...], bytes, int]]
"""By name: shape, data, type."""


def own_name(name: str) -> str:
    """llama.cpp's name of a tensor of transformers."""
    stem, _, kind = name.rpartition(".")
    if stem in _OWN:
        return f"{_OWN[stem]}.{kind}"
    _, _, number, rest = stem.split(".", 3)
    return f"blk.{number}.{_OWN[rest]}.{kind}"


def write_gguf(
    file: Path, architecture: str, tensors: Values, settings: Mapping[str, int] | None = None
) -> Path:
    """A file of version 3 with these tensors by their own names, and these whole numbers as settings."""
    pairs = _text("general.architecture") + struct.pack("<I", 8) + _text(architecture)
    # A list of texts and one of numbers stand in every real file: its tokens and their scores.
    pairs += _text("tokenizer.ggml.tokens") + struct.pack("<IIQ", 9, 8, 2) + _text("a") + _text("b")
    pairs += _text("tokenizer.ggml.scores") + struct.pack("<IIQ2f", 9, 6, 2, 0.5, 1.5)
    for key, number in (settings or {}).items():
        pairs += _text(key) + struct.pack("<II", 4, number)
    infos, body = b"", b""
    for name, (shape, data, kind) in tensors.items():
        body += bytes(-len(body) % _ALIGNMENT)
        infos += _text(name) + struct.pack(
            f"<I{len(shape)}QIQ", len(shape), *reversed(shape), kind, len(body)
        )
        body += data
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), 3 + len(settings or {})) + pairs + infos
    file.write_bytes(head + bytes(-len(head) % _ALIGNMENT) + body)
    return file


def quantise_q8_0(values: Sequence[float]) -> tuple[bytes, list[float]]:
    """Blocks of 32 values with one scale (llama.cpp's Q8_0), and the values that they stand for."""
    data, back = b"", []
    for at in range(0, len(values), 32):
        block = values[at : at + 32]
        scale = struct.unpack("<e", struct.pack("<e", max(abs(value) for value in block) / 127))[0]
        whole = [round(value / scale) if scale else 0 for value in block]
        data += struct.pack("<e32b", scale, *whole)
        back += [scale * number for number in whole]
    return data, back


def interleaved(data: bytes, shape: tuple[int, ...], heads: int) -> bytes:
    """The rows of a llama's queries or keys in the order into which llama.cpp's converter brings them."""
    rows, size = shape[0], len(data) // shape[0]
    half = rows // heads // 2
    order = [
        head * 2 * half + part * half + row for head in range(heads) for row in range(half) for part in (0, 1)
    ]
    assert len(order) == rows == math.prod(shape) // shape[1]
    return b"".join(data[row * size : (row + 1) * size] for row in order)


def _text(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()
