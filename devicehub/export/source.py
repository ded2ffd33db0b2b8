"""Reads a checkpoint's folder as far as an export must know it, without torch and without its weights."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from devicehub.errors import InputError
from devicehub.export.blanks import count_zeros
from devicehub.export.gguf import UNPACKED, gguf_tensors, read_gguf
from devicehub.export.layout import Layout, Linear, Part, lay_out
from devicehub.export.tensors import Tensor, is_pointer, read_json, read_tensors
from devicehub.manifest import require_folder
from devicehub.units import MIB

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from devicehub.export.blanks import Zeros

CONFIG: Final = "config.json"
_TOKENIZERS: Final = ("tokenizer.json", "tokenizer.model", "ice_text.model", "vocab.json")
_WITH_CODE: Final = (CONFIG, "tokenizer_config.json", "preprocessor_config.json", "processor_config.json")
_TIKTOKEN: Final = "*.tiktoken"
SMALL_FILES: Final = ("*.json", "*.model", "*.txt", "*.tiktoken", "*.jinja", "*.py")
"""What a checkpoint holds beside its weights."""
_CHUNK: Final = 16 * MIB
_TEXT_CONFIGS: Final = ("thinker_config", "text_config", "language_config", "llm_config", "lfm")
"""Where models of several parts keep the figures of their language model, the outer first."""


@dataclass(frozen=True)
class Source:
    """A checkpoint that could be exported.

    Attributes:
        folder: where it lies.
        model_type: as config.json says.
        architectures: names of classes of transformers.
        hidden: width of the language model.
        intermediate: width within its feed-forward layers; 0 where config.json has none, as where `head_dim`
            and `vocab` are.
        tied: its output layer is its embedding.
        dtype: of most of its weights, as safetensors names it.
        tensors: by name.
        layout: what they belong to.
        remote_code: one of its configurations names Python of the folder's, which transformers would run.
        speculative_layers: of a head that predicts several tokens, as config.json counts them.
        gguf: the file that holds its weights, to be unpacked first; `tensors` then are what comes out.
    """

    folder: Path
    model_type: str
    architectures: tuple[str, ...]
    hidden: int
    intermediate: int
    head_dim: int
    vocab: int
    tied: bool
    dtype: str
    tensors: Mapping[str, Tensor]
    layout: Layout
    remote_code: bool
    speculative_layers: int
    gguf: Path | None = None

    @property
    def layers(self) -> int:
        """How many layers the language model has."""
        return self.layout.layers

    @property
    def linears(self) -> tuple[Linear, ...]:
        """The linear layers of its layers, which llmexport quantises."""
        return self.layout.linears

    @property
    def has_visual(self) -> bool:
        """It looks at images."""
        return self.layout.elements[Part.VISUAL] > 0

    @property
    def has_audio(self) -> bool:
        """It listens."""
        return self.layout.elements[Part.AUDIO] > 0

    @cached_property
    def parameters(self) -> int:
        """How many values all its tensors have."""
        return sum(tensor.elements for tensor in self.tensors.values())

    @cached_property
    def bytes(self) -> int:
        """Of all its tensors."""
        return sum(tensor.size for tensor in self.tensors.values())

    @cached_property
    def zeros(self) -> Zeros:
        """Those in its linear layers, from samples; InputError where a file cannot be read."""
        names = dict.fromkeys(linear.name.partition("[")[0] for linear in self.linears)
        return count_zeros([self.tensors[name] for name in names])

    @cached_property
    def widths(self) -> Mapping[int, str]:
        """Each width that blocks of the layers have to divide, and a layer that has it."""
        return {linear.inputs: linear.name for linear in reversed(self.linears)}


def read_source(folder: Path, *, gguf: Path | None = None) -> Source:
    """Read a checkpoint's folder.

    Args:
        folder: where it lies.
        gguf: a file of the same model whose weights are taken in place of the folder's, which may have none.

    Raises:
        InputError: it is none that llmexport can take, or not whole; says what to give instead.
    """
    _check_kind(folder)
    config = read_json(folder / CONFIG)
    text = _text_config(config)
    _check_quantised(folder, config, text)
    _check_tokenizer(folder)
    hidden = _count(text, "hidden_size", "n_embd", "model_dim", "d_model")
    if not hidden:
        problem = "has no hidden_size of a language model"
        raise InputError(folder / CONFIG, problem, remedy="take the checkpoint's own config.json")
    tensors = _unpacked(gguf, folder, config, hidden) if gguf is not None else read_tensors(folder)
    layout = lay_out(tensors.values(), hidden=hidden)
    if not layout.linears or layout.embedding is None:
        what = "layers" if not layout.linears else "embedding"
        problem = f"its tensors are not named as those of a language model: no {what} among them"
        raise InputError(folder, problem, remedy="take the folder of the model, not of a part of it")
    return Source(
        folder=folder,
        model_type=_word(config.get("model_type")),
        architectures=tuple(_word(name) for name in _list(config.get("architectures"))),
        hidden=hidden,
        intermediate=_count(text, "intermediate_size", "ffn_hidden_size", "n_inner"),
        head_dim=_count(text, "head_dim"),
        vocab=layout.embedding.shape[0],
        tied=_is_tied(folder, layout, _tie_flag(config, text)),
        dtype=_usual_dtype(tensors, layout),
        tensors=tensors,
        layout=layout,
        remote_code=any(_names_code(folder / name) for name in _WITH_CODE),
        speculative_layers=_count(config, "num_nextn_predict_layers", "mtp_num_layers"),
        gguf=gguf,
    )


def _unpacked(file: Path, folder: Path, config: Mapping[str, Any], hidden: int) -> Mapping[str, Tensor]:
    """The tensors of a GGUF, which must be of the model that the folder describes."""
    gguf = read_gguf(file)
    tensors = gguf_tensors(gguf)
    remedy = "give the Hugging Face folder of this very model"
    own, model_type = gguf.model_type, _word(config.get("model_type"))
    if own != model_type:
        raise InputError(file, f"is of type {own}; {folder / CONFIG} says {model_type}", remedy=remedy)
    embedding = tensors.get("model.embed_tokens.weight")
    if embedding is None or embedding.shape[-1:] != (hidden,):
        width = embedding.shape[-1] if embedding is not None and embedding.shape else "none"
        problem = f"has an embedding of width {width}; {folder / CONFIG} says {hidden}"
        raise InputError(file, problem, remedy=remedy)
    layers = len({name.split(".")[2] for name in tensors if name.startswith("model.layers.")})
    if layers != _count(config, "num_hidden_layers"):
        problem = f"has {layers} layers; {folder / CONFIG} says {_count(config, 'num_hidden_layers')}"
        raise InputError(file, problem, remedy=remedy)
    return tensors


def _check_kind(folder: Path) -> None:
    """Refuse what is no folder of a checkpoint, each with what it is."""
    remedy = "give the folder of the checkpoint"
    if folder.suffix.lower() == ".gguf" and folder.is_file():
        _refuse_gguf(folder)
    require_folder(folder, remedy=remedy)
    if (folder / "llm.mnn").is_file():
        problem = "is an MNN model already"
        raise InputError(folder, problem, remedy="add it with `devicehub models add`")
    if (folder / CONFIG).is_file():
        return
    if (folder / "adapter_config.json").is_file():
        base = (
            _word(read_json(folder / "adapter_config.json").get("base_model_name_or_path"))
            or "its base model"
        )
        problem = f"is an adapter (LoRA) for {base}, not a model"
        raise InputError(
            folder, problem, remedy=f"export the base with --recipe lora --set lora_path={folder}"
        )
    if gguf := next(iter(sorted(folder.glob("*.gguf"))), None):
        _refuse_gguf(gguf)
    raise InputError(folder, f"holds no {CONFIG}", remedy=remedy)


def _refuse_gguf(file: Path) -> None:
    raise InputError(
        file,
        "a GGUF alone is no source: it holds neither the graph nor the tokenizer that llmexport reads",
        remedy="give the Hugging Face folder of the same model, and this file with --gguf",
    )


def _check_quantised(folder: Path, config: Mapping[str, Any], text: Mapping[str, Any]) -> None:
    settings = config.get("quantization_config") or text.get("quantization_config")
    if (folder / "quantize_config.json").is_file() or isinstance(settings, dict):
        method = _word(settings.get("quant_method")) if isinstance(settings, dict) else "gptq"
        if method == "gptq":
            remedy = f"export the model it was made from with --recipe gptq --set gptq_path={folder}"
        else:
            remedy = "take the checkpoint that it was made from"
        raise InputError(folder, f"its weights are quantised already ({method or 'unknown'})", remedy=remedy)


def _check_tokenizer(folder: Path) -> None:
    small = sorted({file for pattern in SMALL_FILES for file in folder.glob(pattern)})
    if pointers := [file.name for file in small if is_pointer(file)]:
        problem = f"git-lfs pointers stand in the place of {', '.join(pointers)}"
        raise InputError(folder, problem, remedy="run `git lfs pull` there, or download the checkpoint again")
    if not any((folder / name).is_file() for name in _TOKENIZERS) and not any(folder.glob(_TIKTOKEN)):
        problem = f"holds no tokenizer: none of {', '.join(_TOKENIZERS)}"
        raise InputError(folder, problem, remedy="download the checkpoint with all its files")


def _text_config(config: Mapping[str, Any]) -> Mapping[str, Any]:
    for key in _TEXT_CONFIGS:
        inner = config.get(key)
        if isinstance(inner, dict):
            return _text_config(inner)
    return config


def _tie_flag(config: Mapping[str, Any], text: Mapping[str, Any]) -> bool | None:
    flags = [value for one in (config, text) if isinstance(value := one.get("tie_word_embeddings"), bool)]
    return flags[0] if flags else None


def _is_tied(folder: Path, layout: Layout, flag: bool | None) -> bool:
    """Whether embedding and output layer are one, as llmexport decides it: by their values."""
    embedding, output = layout.embedding, layout.output
    assert embedding is not None
    if output is None:
        if flag is False:
            problem = (
                "says that the output layer is not tied to the embedding, and there is no lm_head.weight"
            )
            remedy = "download the checkpoint again: transformers would make that layer up"
            raise InputError(folder / CONFIG, problem, remedy=remedy)
        return True
    if UNPACKED in (embedding.dtype, output.dtype):
        return flag is True
    return flag is True or _same_values(embedding, output)


def _same_values(one: Tensor, other: Tensor) -> bool:
    if (one.dtype, one.shape) != (other.dtype, other.shape):
        return False
    try:
        with one.file.open("rb") as left, other.file.open("rb") as right:
            left.seek(one.offset)
            right.seek(other.offset)
            for at in range(0, one.size, _CHUNK):
                size = min(_CHUNK, one.size - at)
                if left.read(size) != right.read(size):
                    return False
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InputError(one.file, f"cannot be read ({reason})", remedy="check the path") from error
    return True


def _names_code(file: Path) -> bool:
    return file.is_file() and bool(read_json(file).get("auto_map"))


def _usual_dtype(tensors: Mapping[str, Tensor], layout: Layout) -> str:
    names = {linear.name.partition("[")[0] for linear in layout.linears}
    sizes: Counter[str] = Counter()
    for name in names:
        sizes[tensors[name].dtype] += tensors[name].size
    return sizes.most_common(1)[0][0]


def _count(config: Mapping[str, Any], *keys: str) -> int:
    for key in keys:
        value = config.get(key)
        if isinstance(value, list) and value:  # one per layer
            value = value[0]
        if type(value) is int and value > 0:
            return value
    return 0


def _word(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
