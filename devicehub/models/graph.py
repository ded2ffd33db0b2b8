"""What a graph as MNN stores it says about the files beside it. Pure.

`llm.mnn` is a FlatBuffer of the table Net in MNN's schema/default/MNN.fbs; fields are numbered as they stand
there. A linear layer is a Convolution2D, whose `external` names its place in llm.mnn.weight: offset, then the
bytes of weights, scales and bias.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

_NET_CODE: Final = 0
"""bizCode: a text that converters write first, which is at the end of the file."""
_NET_OPS: Final = 3
_OP_MAIN_TYPE: Final = 1
_OP_MAIN: Final = 2
_OP_NAME: Final = 3
_OP_EXTERNAL_PATH: Final = 7
_CONVOLUTION: Final = 9
"""Of the union OpParameter."""
_CONVOLUTION_COMMON: Final = 0
_CONVOLUTION_EXTERNAL: Final = 6
_COMMON_OUTPUTS: Final = 10
_MOST_FIELDS: Final = 64


@dataclass(frozen=True)
class Graph:
    """What was read.

    Attributes:
        is_cut: it points behind its own end.
        weight_end: where the last layer's weights end in llm.mnn.weight, in bytes; 0 where none lie there.
        tokens: how many tokens the output layer tells apart; 0 where that is not known.
    """

    is_cut: bool = False
    weight_end: int = 0
    tokens: int = 0


def read_graph(data: bytes) -> Graph | None:
    """What a graph's bytes say; None for what is no graph."""
    try:
        root = _follow(data, 0)
        fields = struct.unpack_from("<H", data, _vtable(data, root))[0]
    except (struct.error, ValueError):
        return None
    if fields % 2 or not 4 <= fields <= 4 + 2 * _MOST_FIELDS:
        return None
    end = tokens = 0
    try:
        _text(data, root, _NET_CODE)
        for op in _tables(data, root, _NET_OPS):
            layer_end, outputs = _read_layer(data, op)
            end = max(end, layer_end)
            if outputs and b"lm_head" in _text(data, op, _OP_NAME):
                tokens = outputs
    except (struct.error, ValueError):
        return Graph(is_cut=True)
    return Graph(weight_end=end, tokens=tokens)


def _read_layer(data: bytes, op: int) -> tuple[int, int]:
    """Where a linear layer's weights end, and how many outputs it has; zeros for any other operator."""
    kind, main = _field(data, op, _OP_MAIN_TYPE), _field(data, op, _OP_MAIN)
    if kind is None or main is None or data[kind] != _CONVOLUTION:
        return 0, 0
    layer = _follow(data, main)
    common = _field(data, layer, _CONVOLUTION_COMMON)
    outputs = None if common is None else _field(data, _follow(data, common), _COMMON_OUTPUTS)
    count = 0 if outputs is None else struct.unpack_from("<i", data, outputs)[0]
    external = _field(data, layer, _CONVOLUTION_EXTERNAL)
    if external is None or _field(data, op, _OP_EXTERNAL_PATH) is not None:
        return 0, count
    place = _follow(data, external)
    length = struct.unpack_from("<I", data, place)[0]
    return sum(struct.unpack_from(f"<{min(length, 4)}q", data, place + 4)), count


def _tables(data: bytes, table: int, number: int) -> list[int]:
    field = _field(data, table, number)
    if field is None:
        return []
    place = _follow(data, field)
    length = struct.unpack_from("<I", data, place)[0]
    if place + 4 + 4 * length > len(data):
        raise ValueError
    return [_follow(data, place + 4 + 4 * index) for index in range(length)]


def _text(data: bytes, table: int, number: int) -> bytes:
    field = _field(data, table, number)
    if field is None:
        return b""
    place = _follow(data, field)
    length = struct.unpack_from("<I", data, place)[0]
    if place + 4 + length > len(data):
        raise ValueError
    return data[place + 4 : place + 4 + length]


def _field(data: bytes, table: int, number: int) -> int | None:
    """Where a table has a field; None where it has its default."""
    vtable = _vtable(data, table)
    if 4 + 2 * number >= struct.unpack_from("<H", data, vtable)[0]:
        return None
    offset = struct.unpack_from("<H", data, vtable + 4 + 2 * number)[0]
    if not offset:
        return None
    if table + offset >= len(data):
        raise ValueError
    return int(table + offset)


def _vtable(data: bytes, table: int) -> int:
    return _inside(data, table - int(struct.unpack_from("<i", data, table)[0]))


def _follow(data: bytes, place: int) -> int:
    """Where an offset points, which is counted from its own place."""
    return _inside(data, place + int(struct.unpack_from("<I", data, place)[0]))


def _inside(data: bytes, place: int) -> int:
    if not 0 <= place < len(data):
        raise ValueError
    return place
