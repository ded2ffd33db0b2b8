"""Which tensors of a checkpoint belong to what, by the names that transformers gives them.

llmexport 0.0.5 quantises the linear layers of the language model's layers and its output layer itself, in
blocks along their inputs; encoders of images and sounds it leaves to MNN's converter (its llmexport.py,
unload_param and export_vision).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from devicehub.export.tensors import Tensor


class Part(StrEnum):
    """What a tensor belongs to."""

    TEXT = "text"
    VISUAL = "visual"
    AUDIO = "audio"
    OTHER = "other"
    """Speech output, heads that predict several tokens, projectors."""


_PARTS: Final = {
    Part.VISUAL: {
        *("visual", "vision_tower", "vision_model", "vision", "vit", "vpm", "image_newline", "embed_vision")
    },
    Part.AUDIO: {"audio_tower", "audio_encoder", "audio_model", "audio", "apm", "conformer", "embed_audio"},
    Part.OTHER: {
        *("talker", "token2wav", "mtp", "mtp_layers", "multi_modal_projector", "mm_projector", "mlp1"),
        *("resampler", "connector", "aligner", "audio_projection_layer", "audio_adapter"),
    },
}  # fmt: skip
_LAYER: Final = re.compile(r"(?:^|\.)(?:layers|h|blocks)\.(\d+)\.(.+)$")
_NO_LINEAR: Final = re.compile(r"norm|embed|rotary|conv1d", re.IGNORECASE)
_OUTPUT: Final = re.compile(r"(?:^|\.)(?:lm_head|output_layer|embed_out)\.weight$|^output\.weight$")
_EMBEDDING: Final = re.compile(
    r"(?:^|\.)(?:embed_tokens|wte|word_embeddings|tok_embeddings|token_embeddings)\.weight$"
)
_FUSED_EXPERTS: Final = re.compile(r"\.experts\.(gate_up_proj|down_proj)(?:\.weight)?$")


@dataclass(frozen=True)
class Linear:
    """A linear layer that llmexport quantises, or one of the experts in a tensor of several.

    Attributes:
        inputs: the width that blocks divide.
        bias: it has one.
    """

    name: str
    outputs: int
    inputs: int
    bias: bool

    @property
    def weights(self) -> int:
        """How many weights it has."""
        return self.outputs * self.inputs


@dataclass(frozen=True)
class Layout:
    """A checkpoint's tensors, sorted.

    Attributes:
        linears: of the language model's layers.
        embedding: None where no tensor has a name that is known for it.
        output: the output layer; None where the checkpoint has none, as tied models.
        layers: how many the language model has.
        experts: layers hold mixtures of experts.
        elements: how many values each part has.
    """

    linears: tuple[Linear, ...]
    embedding: Tensor | None
    output: Tensor | None
    layers: int
    experts: bool
    elements: Mapping[Part, int]


def part_of(name: str) -> Part:
    """What a tensor belongs to."""
    pieces = set(name.split("."))
    return next((part for part, words in _PARTS.items() if pieces & words), Part.TEXT)


def lay_out(tensors: Iterable[Tensor], *, hidden: int) -> Layout:
    """Sort a checkpoint's tensors.

    Args:
        tensors: all of it.
        hidden: the width of the language model, which tells the two widths of fused experts apart.
    """
    every = list(tensors)
    elements = dict.fromkeys(Part, 0)
    for tensor in every:
        elements[part_of(tensor.name)] += tensor.elements
    text = [tensor for tensor in every if part_of(tensor.name) is Part.TEXT and tensor.elements]
    names = {tensor.name for tensor in text}
    linears: list[Linear] = []
    numbers: set[int] = set()
    for tensor in text:
        layer = _LAYER.search(tensor.name)
        if layer is None:
            continue
        numbers.add(int(layer[1]))
        linears += _linears_of(tensor, layer[2], names, hidden)
    return Layout(
        linears=tuple(linears),
        embedding=_first(text, _EMBEDDING),
        output=_first(text, _OUTPUT),
        layers=len(numbers),
        experts=any(".experts." in tensor.name for tensor in text),
        elements=elements,
    )


def _linears_of(tensor: Tensor, name: str, names: set[str], hidden: int) -> Sequence[Linear]:
    fused = _FUSED_EXPERTS.search(tensor.name)
    if fused is not None and len(tensor.shape) == 3:
        count, first, second = tensor.shape
        narrow = first if second == hidden else second
        inputs = hidden if fused[1] == "gate_up_proj" else narrow
        outputs = first * second // inputs if inputs else 0
        return [Linear(f"{tensor.name}[{number}]", outputs, inputs, False) for number in range(count)]
    if len(tensor.shape) != 2 or not name.endswith(".weight") or _NO_LINEAR.search(name):
        return []
    outputs, inputs = tensor.shape
    return [Linear(tensor.name, outputs, inputs, tensor.name.removesuffix("weight") + "bias" in names)]


def _first(tensors: Iterable[Tensor], pattern: re.Pattern[str]) -> Tensor | None:
    return next((one for one in tensors if len(one.shape) == 2 and pattern.search(one.name)), None)
