"""Reads what a GGUF file holds, as far as an export must know it: architecture, tensors, their shapes.

A file is, little-endian: `GGUF`, version (u32), number of tensors (u64), number of settings (u64); each
setting a key, a type (u32) and a value; each tensor a name, its number of axes (u32), their lengths, inner
first (u64), its type (u32) and its offset (u64). A text is its length (u64) and its bytes; a list its type
(u32), its length (u64) and its values (ggml-org/ggml, docs/gguf.md).
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from devicehub.errors import InputError
from devicehub.export.tensors import Tensor, is_pointer
from devicehub.manifest import unreadable
from devicehub.units import MIB

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

UNPACKED: Final = "GGUF"
"""The type of a tensor that is yet to be unpacked."""
MODEL_TYPES: Final = {"llama": "llama", "qwen2": "qwen2", "qwen3": "qwen3"}
"""Architectures, as GGUF names them, that come out as they went in, and what config.json calls them."""
_MAGIC: Final = b"GGUF"
_VERSIONS: Final = (2, 3)
_MOST_ENTRIES: Final = 1_000_000
_MOST_TEXT: Final = 64 * MIB
_MOST_LIST: Final = 100_000_000
_NUMBERS: Final = {
    0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d",
}  # fmt: skip
_TEXT: Final = 8
_LIST: Final = 9
_MOST_AXES: Final = 4
_BYTES: Final = 2
"""Of a value once it is unpacked."""
_NAMES: Final = {
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_ENDS: Final = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}
_UNUSED: Final = ("rope_freqs.weight",)
"""What transformers computes from config.json."""


@dataclass(frozen=True)
class Gguf:
    """A GGUF file.

    Attributes:
        architecture: as `general.architecture` says.
        shapes: of its tensors by its own names, the outermost axis first.
    """

    file: Path
    architecture: str
    shapes: Mapping[str, tuple[int, ...]]

    @property
    def model_type(self) -> str:
        """What config.json calls this architecture."""
        return MODEL_TYPES[self.architecture]


class _BrokenError(Exception):
    """The bytes are no GGUF; the sentence says how."""


def read_gguf(file: Path) -> Gguf:
    """Read a file's head.

    Raises:
        InputError: it cannot be read, is none, or holds a model that cannot be unpacked.
    """
    again = "download it again"
    if is_pointer(file):
        raise InputError(file, "is a git-lfs pointer, not the file itself", remedy="run `git lfs pull`")
    try:
        with file.open("rb") as stream:
            settings, shapes = _read(stream)
    except OSError as error:
        raise unreadable(file, error) from error
    except _BrokenError as error:
        raise InputError(file, str(error), remedy=again) from error
    architecture = settings.get("general.architecture")
    if settings.get("split.count", 1) not in (0, 1):
        remedy = "join its parts with llama.cpp's gguf-split --merge"
        raise InputError(file, "is one part of several", remedy=remedy)
    if architecture not in MODEL_TYPES:
        problem = (
            f"holds a model of architecture {architecture}; only {', '.join(MODEL_TYPES)} can be unpacked"
        )
        raise InputError(file, problem, remedy="take the checkpoint in safetensors")
    return Gguf(file, str(architecture), shapes)


def gguf_tensors(gguf: Gguf) -> Mapping[str, Tensor]:
    """Its tensors as they will be once they are unpacked, by the names that transformers gives them.

    Raises:
        InputError: one of them has no such name.
    """
    found: dict[str, Tensor] = {}
    for own, shape in gguf.shapes.items():
        if own in _UNUSED:
            continue
        name = _transformers_name(own)
        if name is None:
            problem = f"holds {own}, which no model of type {gguf.model_type} has"
            raise InputError(gguf.file, problem, remedy="take the checkpoint in safetensors")
        found[name] = Tensor(name, UNPACKED, shape, gguf.file, 0, math.prod(shape) * _BYTES)
    return found


def _transformers_name(own: str) -> str | None:
    # "blk.3.attn_q.weight": "model.layers.3.self_attn.q_proj.weight"
    stem, _, kind = own.rpartition(".")
    if kind not in ("weight", "bias"):
        return None
    if stem in _ENDS:
        return f"{_ENDS[stem]}.{kind}"
    block, _, rest = stem.removeprefix("blk.").partition(".")
    if not stem.startswith("blk.") or not block.isdecimal() or rest not in _NAMES:
        return None
    return f"model.layers.{int(block)}.{_NAMES[rest]}.{kind}"


def _read(stream: BinaryIO) -> tuple[dict[str, Any], dict[str, tuple[int, ...]]]:
    if stream.read(len(_MAGIC)) != _MAGIC:
        raise _BrokenError("is no GGUF file")
    version = _number(stream, "<I")
    if version not in _VERSIONS:
        raise _BrokenError(f"has version {version} of GGUF; 2 and 3 are known")
    tensors, settings = _number(stream, "<Q"), _number(stream, "<Q")
    if max(tensors, settings) > _MOST_ENTRIES:
        raise _BrokenError("is no GGUF file: it counts more entries than any has")
    found = {}
    for _ in range(settings):
        key = _text(stream)
        found[key] = _value(stream, _number(stream, "<I"))
    shapes = {}
    for _ in range(tensors):
        name = _text(stream)
        axes = _number(stream, "<I")
        if axes > _MOST_AXES:
            raise _BrokenError(f"gives {name} {axes} axes")
        shapes[name] = tuple(_number(stream, "<Q") for _ in range(axes))[::-1]
        _exactly(stream, 4 + 8)  # type, offset
    return found, shapes


def _value(stream: BinaryIO, kind: int) -> Any:
    """A setting's value; None for a list, which is passed over."""
    if kind in _NUMBERS:
        return _number(stream, _NUMBERS[kind])
    if kind == _TEXT:
        return _text(stream)
    if kind != _LIST:
        raise _BrokenError(f"has a setting of type {kind}, which GGUF does not know")
    inner, count = _number(stream, "<I"), _number(stream, "<Q")
    if count > _MOST_LIST:
        raise _BrokenError("has a list that is longer than any")
    if inner in _NUMBERS:
        _exactly(stream, count * struct.calcsize(_NUMBERS[inner]))
    elif inner == _TEXT:
        for _ in range(count):
            _text(stream)
    else:
        raise _BrokenError(f"has a list of type {inner}")
    return None


def _text(stream: BinaryIO) -> str:
    length = _number(stream, "<Q")
    if length > _MOST_TEXT:
        raise _BrokenError("has a text that is longer than any")
    return _exactly(stream, length).decode(errors="replace")


def _number(stream: BinaryIO, form: str) -> Any:
    return struct.unpack(form, _exactly(stream, struct.calcsize(form)))[0]


def _exactly(stream: BinaryIO, size: int) -> bytes:
    data = stream.read(size)
    if len(data) != size:
        raise _BrokenError("is cut off within its head")
    return data
