"""What llmexport's own description of a graph says about its linear layers, against their shapes.

`llm.mnn.json` names for each where it stands in `llm.mnn.weight`: `"external": [offset, bytes of header
and weights, bytes of scales, bytes of bias, 0]`; the header is a byte, the two sizes, and the map of values
(llmexport 0.0.5, utils/mnn_converter.py and torch_utils.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

_INT8_TYPE: Final = 1
_HALF_TYPE: Final = 3
_HALF_BITS: Final = 16
_SCALE_BYTES: Final = 4


@dataclass(frozen=True)
class Linear:
    """One linear layer of an export; sizes in bytes, `bits` of one weight."""

    name: str
    outputs: int
    inputs: int
    bits: int
    symmetric: bool
    groups_told: int
    """How many groups of weights the engine is told of; 0 lets it take one per row of symmetric ones."""
    offset: int
    weight_bytes: int
    scale_bytes: int
    wide_sizes: bool
    half_scales: bool = False

    @property
    def header_bytes(self) -> int:
        """How much stands before the weights."""
        if self.bits == _HALF_BITS:
            return 0
        return 1 + (8 if self.wide_sizes else 4) + 1 + (1 << self.bits)

    @property
    def groups(self) -> int:
        """How many groups have a scale of their own."""
        scale = _SCALE_BYTES // 2 if self.half_scales else _SCALE_BYTES
        return self.scale_bytes // (scale if self.symmetric else 2 * scale)

    @property
    def block(self) -> int:
        """Weights per group; 0 where there is no such number."""
        per_row, rest = divmod(self.groups, self.outputs) if self.outputs else (0, 1)
        if rest or not per_row or self.inputs % per_row:
            return 0
        return self.inputs // per_row

    def problem(self) -> str:
        """Why the engine would read other weights than were written; empty where nothing is wrong."""
        expected = self.header_bytes + self.outputs * self.inputs * self.bits // 8
        if self.weight_bytes != expected:
            return f"{self.name} has {self.weight_bytes} bytes of weights, and its shape wants {expected}"
        if self.bits == _HALF_BITS:
            return ""
        if not self.block:
            return f"{self.name} has {self.groups} scales for {self.outputs} rows of {self.inputs} weights"
        if not self.symmetric and not self.groups_told:
            # A block larger than a row: the engine then takes the scales for those of whole rows.
            return f"{self.name} has rows of {self.inputs} weights, less than the block that was asked for"
        return ""


def read_linears(description: Any) -> list[Linear]:
    """The linear layers of a decoded `llm.mnn.json`; what cannot be understood is passed over."""
    ops = description.get("oplists") if isinstance(description, dict) else None
    found = [_read_linear(op) for op in ops] if isinstance(ops, list) else []
    return [linear for linear in found if linear is not None]


def tie_problem(linears: list[Linear], tie: Any) -> str:
    """Why the embedding of a tied model would not be read as its output layer was written; empty if it would.

    Args:
        linears: of the graph.
        tie: `tie_embeddings` of llm_config.json: offset of the weights, offset and bytes of the scales, bits,
            block.
    """
    if not (isinstance(tie, list) and len(tie) >= 5 and all(isinstance(value, int) for value in tie)):
        return ""
    weight_offset, alpha_offset, alpha_size, bits, block = tie[:5]
    if weight_offset <= 0:
        return ""
    at = next((one for one in linears if one.offset + one.header_bytes == weight_offset), None)
    if at is None:
        return f"tie_embeddings points at byte {weight_offset}, where no layer has its weights"
    if (alpha_offset, alpha_size, bits) != (at.offset + at.weight_bytes, at.scale_bytes, at.bits):
        return f"tie_embeddings and {at.name} differ in the place or size of their scales, or in their bits"
    if bits != _HALF_BITS and at.block != (block or at.inputs):
        return (
            f"tie_embeddings has blocks of {block} weights, and {at.name} was written in blocks of {at.block}"
        )
    return ""


def _read_linear(op: Any) -> Linear | None:
    # {"type": "Convolution", "name": "/layers.0/self_attn/q_proj/Linear", "main": {"common": {"outputCount":
    #  256, "inputCount": 256, ...}, "quanParameter": {"type": 1, "aMaxOrBits": 4, "aMin": 1, "readType":
    #  1024, "shapeInt32": false, ...}, "external": [2048, 32790, 8192, 0, 0]}}
    main = op.get("main") if isinstance(op, dict) and op.get("type") == "Convolution" else None
    if not isinstance(main, dict):
        return None
    common, quantised, external = (main.get(key) for key in ("common", "quanParameter", "external"))
    if not (isinstance(common, dict) and isinstance(quantised, dict) and isinstance(external, list)):
        return None
    kind = quantised.get("type")
    bits = _HALF_BITS if kind == _HALF_TYPE else quantised.get("aMaxOrBits") if kind == _INT8_TYPE else None
    figures = [common.get("outputCount"), common.get("inputCount"), bits, *external[:3]]
    if len(figures) != 6 or not all(isinstance(figure, int) and figure >= 0 for figure in figures):
        return None
    outputs, inputs, bits, offset, weight_bytes, scale_bytes = figures
    told = quantised.get("readType")
    return Linear(
        name=str(op.get("name", "")),
        outputs=outputs,
        inputs=inputs,
        bits=bits,
        symmetric=not quantised.get("aMin"),
        groups_told=told if isinstance(told, int) else 0,
        offset=offset,
        weight_bytes=weight_bytes,
        scale_bytes=scale_bytes,
        wide_sizes=bool(quantised.get("shapeInt32")),
        # Exporters newer than 0.0.5 say so, and write scales of 16 bits unless told otherwise.
        half_scales=quantised.get("scaleStorage") == "FP16",
    )
