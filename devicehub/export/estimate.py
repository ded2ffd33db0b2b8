"""How large an export will be, and what making it takes, from the shapes of its source alone.

llmexport 0.0.5 writes for each block of weights a scale, and where it is not symmetric an offset, as fp32
(utils/mnn_converter.py, build_weight); an embedding that is not tied goes into a file of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devicehub.export.blocks import UNQUANTISED, Quantisation, halved
from devicehub.export.layout import Part
from devicehub.export.refusals import CALIBRATED
from devicehub.units import MIB

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devicehub.export.layout import Linear
    from devicehub.export.source import Source
    from devicehub.profiles.exporter import Value

_BF16_BYTES: Final = 2
_RUNNING: Final = 1.5
"""Of the weights in fp32: activations, the libraries, and the checkpoint's own pages."""
_FP32_BYTES: Final = 4
_GRAPH: Final = 64_000
"""Of each layer, in llm.mnn, and as JSON beside it."""
_ENCODER_BITS: Final = 8
"""Of images; llmexport has 4, 8 or 16 by the kind of model (utils/vision.py)."""
_AUDIO_BITS: Final = 16
_LIBRARIES: Final = 450 * MIB
"""What torch, transformers and llmexport take with a model of no size."""
_WORK_PER_WEIGHT: Final = 32
"""Bytes that quantising a layer takes for each of its weights, beside them; 22 to 29 were seen."""
_AWQ_TOKENS: Final = 512
"""With which AWQ tries how far weights may be clipped, many rows at once (utils/awq_quantizer.py)."""
_AWQ_ROWS: Final = (256, 64)
_MOST_AT_ONCE: Final = 256 * MIB
"""Weights that llmexport quantises in one go (utils/torch_utils.py)."""


@dataclass(frozen=True)
class Estimate:
    """What an export comes to, before it is made.

    Attributes:
        bytes: of the exported folder.
        bits_per_weight: of layers, output layer and a file of the embedding, with their scales.
        ram_bytes: that the exporter has in memory at most.
        disk_bytes: that are needed while it works.
    """

    bytes: int
    bits_per_weight: float
    ram_bytes: int
    disk_bytes: int


def estimate(source: Source, options: Mapping[str, Value]) -> Estimate:
    """What an export of this source with these options of llmexport comes to."""
    asked = Quantisation.of(options)
    weights = sum(linear.weights for linear in source.linears)
    ends = source.vocab * source.hidden
    rest = max(source.layout.elements[Part.TEXT] - weights - ends * (1 if source.tied else 2), 0)
    size = sum(
        matrix_bytes(linear.outputs, linear.inputs, asked.bits, asked.block, symmetric=asked.symmetric)
        + (_FP32_BYTES * linear.outputs if linear.bias else 0)
        for linear in source.linears
    )
    weights += ends
    size += matrix_bytes(
        source.vocab, source.hidden, asked.lm_bits, asked.lm_block, symmetric=asked.symmetric
    )
    if not asked.ties(source.tied):
        weights += ends
        size += matrix_bytes(
            source.vocab, source.hidden, asked.embedding_bits, asked.block, symmetric=asked.symmetric
        )
    bits_per_weight = 8 * size / weights
    encoders = _encoder_bytes(source, options)
    size += encoders + rest * _FP32_BYTES + _GRAPH * source.layers + _tokenizer_bytes(source)
    unpacked = source.bytes if source.gguf is not None else 0
    others = sum(count for part, count in source.layout.elements.items() if part is not Part.TEXT)
    return Estimate(
        bytes=size,
        bits_per_weight=bits_per_weight,
        ram_bytes=_ram_bytes(source, options),
        # Encoders pass through ONNX in fp32; the graph of the language model holds no weights there.
        disk_bytes=size + others * _FP32_BYTES + unpacked + 64 * MIB,
    )


def memory_in_float(source: Source) -> int:
    """Bytes of memory that running the source itself takes, in fp32 by torch."""
    return int(source.parameters * _FP32_BYTES * _RUNNING)


def matrix_bytes(outputs: int, inputs: int, bits: int, block: int, *, symmetric: bool) -> int:
    """What a matrix takes in an export; a block of 0 is a whole row, others are halved until they divide."""
    count = outputs * inputs
    if bits == UNQUANTISED:
        return count * _BF16_BYTES
    size = min(halved(inputs, block) or inputs, inputs)
    scales = outputs * (inputs // size) * _FP32_BYTES * (1 if symmetric else 2)
    return (count * bits + 7) // 8 + scales


def _encoder_bytes(source: Source, options: Mapping[str, Value]) -> int:
    asked = options.get("visual_quant_bit", _ENCODER_BITS)
    visual_bits = asked if isinstance(asked, int) else _ENCODER_BITS
    elements = source.layout.elements
    bits = elements[Part.VISUAL] * visual_bits + elements[Part.AUDIO] * _AUDIO_BITS
    return (bits + elements[Part.OTHER] * _ENCODER_BITS) // 8


def _tokenizer_bytes(source: Source) -> int:
    return 24 * source.vocab


def _ram_bytes(source: Source, options: Mapping[str, Value]) -> int:
    in_float = any(options.get(name) is True for name in CALIBRATED)
    loaded = source.parameters * _FP32_BYTES if in_float else source.bytes
    largest = max([source.vocab * source.hidden, *(linear.weights for linear in source.linears)])
    work = min(largest, _MOST_AT_ONCE) * _WORK_PER_WEIGHT
    if options.get("awq") is True:
        work = max(work, *(_awq_bytes(linear) for linear in source.linears))
    return _LIBRARIES + loaded + work


def _awq_bytes(linear: Linear) -> int:
    """What AWQ holds at once of one layer: each token's product with each of some rows, not yet summed."""
    many, few = _AWQ_ROWS
    rows = many if linear.outputs % many == 0 else few
    return rows * _AWQ_TOKENS * linear.inputs * _FP32_BYTES
