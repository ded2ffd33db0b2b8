"""Reads what a recipe may take beside a checkpoint: adapter, GPTQ folder, head, text to calibrate with."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from devicehub.errors import InputError
from devicehub.export.tensors import is_pointer, read_header, read_json
from devicehub.manifest import require_folder, unreadable
from devicehub.units import MIB

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devicehub.profiles.exporter import Value

_MOST_TEXT: Final = 256 * MIB
_PACKED: Final = re.compile(r"model\.layers\.\d+\.\w+\.\w+\.qweight$")
"""The names that llmexport matches with its own; it passes over any other without a word (utils/gptq.py)."""


@dataclass(frozen=True)
class Adapter:
    """A LoRA: `adapter_config.json` and `adapter_model.safetensors`, as peft writes them.

    Attributes:
        base: the model that it was trained on, as its config names it; may be empty.
        kind: of peft, in upper case, as LORA.
        widths: by the name of each layer that it changes the inputs and outputs, so far as its tensors tell.
    """

    folder: Path
    base: str
    kind: str
    widths: Mapping[str, tuple[int, int]]


@dataclass(frozen=True)
class Gptq:
    """Weights that GPTQ has quantised: `quantize_config.json`, or quantization_config in `config.json`.

    Attributes:
        group: weights that share a scale; 0 is a whole row.
        act_order: columns were sorted by activation (desc_act).
        shapes: (words of 32 bits, outputs) of the packed weights that llmexport finds, by layer.
    """

    folder: Path
    bits: int
    group: int
    symmetric: bool
    act_order: bool
    shapes: Mapping[str, tuple[int, int]]


@dataclass(frozen=True)
class EagleHead:
    """An EAGLE-3 head: `config.json` and its weights; widths in values."""

    folder: Path
    hidden: int
    vocab: int


@dataclass(frozen=True)
class Companions:
    """All that was given beside a checkpoint; None and 0 for what was not.

    Attributes:
        calibration_lines: that hold text.
        quant_config: settings of single layers by llmexport's name of them.
    """

    adapter: Adapter | None = None
    gptq: Gptq | None = None
    eagle: EagleHead | None = None
    calibration_lines: int = 0
    quant_config: Mapping[str, Any] | None = None


def read_companions(options: Mapping[str, Value]) -> Companions:
    """Read what llmexport's options name beside the checkpoint.

    Raises:
        InputError: one of them is missing, or not what it should be.
    """
    for name in ("tokenizer_path", "mnnconvert"):
        _check_there(name, options)
    text, settings = _path(options, "calib_data"), _path(options, "quant_config")
    adapter, gptq, eagle = (_path(options, name) for name in ("lora_path", "gptq_path", "eagle_path"))
    return Companions(
        adapter=read_adapter(adapter) if adapter else None,
        gptq=read_gptq(gptq) if gptq else None,
        eagle=read_eagle(eagle) if eagle else None,
        calibration_lines=len(read_lines(text)) if text else 0,
        quant_config=read_json(settings) if settings else None,
    )


def read_adapter(folder: Path) -> Adapter:
    """Read an adapter's folder.

    Raises:
        InputError: it is none, or not whole.
    """
    require_folder(folder, remedy="give the adapter's folder")
    config = read_json(folder / "adapter_config.json")
    file = folder / "adapter_model.safetensors"
    if is_pointer(file):
        raise InputError(file, "is a git-lfs pointer, not the file itself", remedy="run `git lfs pull`")
    shapes = {tensor.name: tensor.shape for tensor in read_header(file)}
    widths: dict[str, tuple[int, int]] = {}
    for name, shape in shapes.items():
        # base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight: rank x inputs
        # ... .lora_B.weight: outputs x rank
        layer, found, _ = name.partition(".lora_A.")
        other = shapes.get(name.replace(".lora_A.", ".lora_B."))
        if found and other is not None and len(shape) == len(other) == 2:
            widths[layer.removeprefix("base_model.model.")] = (shape[1], other[0])
    return Adapter(
        folder=folder,
        base=_text(config.get("base_model_name_or_path")),
        kind=_text(config.get("peft_type")).upper(),
        widths=widths,
    )


def read_gptq(folder: Path) -> Gptq:
    """Read how a GPTQ folder is quantised.

    Raises:
        InputError: it is none.
    """
    require_folder(folder, remedy="give the GPTQ folder")
    file = folder / "quantize_config.json"
    if file.is_file():
        config = read_json(file)
    else:
        file = folder / "config.json"
        inner = read_json(file).get("quantization_config")
        config = inner if isinstance(inner, dict) else {}
    bits, group = config.get("bits"), config.get("group_size")
    if type(bits) is not int or type(group) is not int or config.get("quant_method", "gptq") != "gptq":
        problem = "does not say how GPTQ quantised: bits and group_size are not there"
        raise InputError(file, problem, remedy="give the folder that holds quantize_config.json")
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise InputError(folder, "holds no weights in safetensors", remedy="download it again")
    if pointer := next(filter(is_pointer, files), None):
        raise InputError(pointer, "is a git-lfs pointer, not the file itself", remedy="run `git lfs pull`")
    return Gptq(
        folder=folder,
        bits=bits,
        group=max(group, 0),  # -1 is a whole row
        symmetric=config.get("sym") is not False,
        act_order=config.get("desc_act") is True,
        shapes={
            tensor.name.removesuffix(".qweight"): (tensor.shape[0], tensor.shape[1])
            for file in files
            for tensor in read_header(file)
            if _PACKED.match(tensor.name) and len(tensor.shape) == 2
        },
    )


def read_eagle(folder: Path) -> EagleHead:
    """Read what an EAGLE-3 head was made for.

    Raises:
        InputError: it is none, or not whole.
    """
    require_folder(folder, remedy="give the head's folder")
    config = read_json(folder / "config.json")
    hidden, vocab = config.get("hidden_size"), config.get("vocab_size")
    if type(hidden) is not int or type(vocab) is not int or type(config.get("draft_vocab_size")) is not int:
        problem = "is no EAGLE-3 head: hidden_size, vocab_size or draft_vocab_size is not there"
        raise InputError(folder / "config.json", problem, remedy="give the folder of an EAGLE-3 head")
    weights = folder / "model.safetensors"
    if weights.is_file():
        read_header(weights)
    elif not (folder / "pytorch_model.bin").is_file():
        raise InputError(
            folder, "holds neither model.safetensors nor pytorch_model.bin", remedy="download it again"
        )
    return EagleHead(folder, hidden, vocab)


def read_lines(file: Path) -> tuple[str, ...]:
    """The lines of a calibration text that hold something.

    Raises:
        InputError: it cannot be read, is not UTF-8, is too large, or holds none.
    """
    try:
        with file.open("rb") as stream:
            # Not by its size: a device has none, and no end.
            data = stream.read(_MOST_TEXT + 1)
        if len(data) > _MOST_TEXT:
            raise InputError(file, "has more than 256 MiB", remedy="take some hundred lines of it")
        text = data.decode()
    except OSError as error:
        raise unreadable(file, error) from error
    except UnicodeDecodeError as error:
        raise InputError(file, "is not UTF-8", remedy="save it as UTF-8") from error
    if is_pointer(file):
        raise InputError(file, "is a git-lfs pointer, not the file itself", remedy="run `git lfs pull`")
    lines = tuple(line for line in text.splitlines() if line.strip())
    if not lines:
        raise InputError(file, "holds no text", remedy="give a text of one sample per line")
    return lines


def _path(options: Mapping[str, Value], name: str) -> Path | None:
    value = options.get(name)
    return Path(value) if isinstance(value, str) and value else None


def _check_there(name: str, options: Mapping[str, Value]) -> None:
    path = _path(options, name)
    if path is None:
        return
    if name == "tokenizer_path":
        require_folder(path, remedy="give the folder of a tokenizer, or leave it out")
    elif not path.is_file():
        problem = "is no file: the wheel's converter would be taken without a word"
        raise InputError(path, problem, remedy="give MNNConvert's path, or leave mnnconvert out")
    elif len(str(path).split()) > 1:
        # llmexport joins its command with spaces for a shell.
        raise InputError(path, "has a space in it, which llmexport cannot take", remedy="link it elsewhere")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
