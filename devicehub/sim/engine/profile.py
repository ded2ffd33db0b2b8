"""llm_bench's table of operators: the wheel tells of each operator before and after it ran."""

from __future__ import annotations

import ctypes
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

TITLE: Final = "\n========== Operator Profile Results ==========\n"
_BY_TYPE: Final = ("Node Type", "Avg(ms)", "%", "Called times", "Flops Rate")
_BY_NAME: Final = ("Node Name", "Op Type", "Avg(ms)", "%", "Flops Rate")
_INVOKER: Final = ctypes.CFUNCTYPE(ctypes.c_bool, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
_MANAGER: Final = ctypes.CFUNCTYPE(ctypes.c_bool, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int)


class _Function(ctypes.Structure):
    """std::function of libstdc++: room for what is called, then who copies it and who calls it."""

    _fields_ = (("data", ctypes.c_char * 16), ("manager", _MANAGER), ("invoker", _INVOKER))


@dataclass
class _Sum:
    cost_ms: float = 0.0
    calls: int = 0
    flops: float = 0.0


class Profiler:
    """Adds up what the operators of all configurations cost.

    Args:
        operator: the wheel's functions that give an operator's name, type and floating point operations.
    """

    def __init__(self, name_of: Any, type_of: Any, flops_of: Any) -> None:
        self._name_of, self._type_of, self._flops_of = name_of, type_of, flops_of
        for function in (name_of, type_of, flops_of):
            function.argtypes = [ctypes.c_void_p]
        name_of.restype = type_of.restype = ctypes.c_void_p
        flops_of.restype = ctypes.c_float
        self._types: dict[bytes, _Sum] = {}
        self._names: dict[bytes, tuple[bytes, _Sum]] = {}
        self._began_ns = 0
        manager = _MANAGER(lambda _target, _source, _operation: False)
        self.before = _Function(b"", manager, _INVOKER(self._begin))
        self.after = _Function(b"", manager, _INVOKER(self._end))

    def _begin(self, _functor: int, _inputs: int, operator: int) -> bool:
        info = _pointer_at(operator)
        flops = self._flops_of(info)
        by_type, by_name = self._sums(info)
        by_type.calls += 1
        by_type.flops += flops
        by_name.flops += flops
        self._began_ns = time.perf_counter_ns()
        return True

    def _end(self, _functor: int, _outputs: int, operator: int) -> bool:
        cost_ms = (time.perf_counter_ns() - self._began_ns) / 1e6
        for total in self._sums(_pointer_at(operator)):
            total.cost_ms += cost_ms
        return True

    def _sums(self, info: int) -> tuple[_Sum, _Sum]:
        kind, name = _text(self._type_of(info)), _text(self._name_of(info))
        return self._types.setdefault(kind, _Sum()), self._names.setdefault(name, (kind, _Sum()))[1]

    def rows_by_type(self) -> list[bytes]:
        """What is printed of the types, the cheapest first."""
        ordered = sorted(self._types.items(), key=lambda item: (item[1].cost_ms, item[0]))
        rows = [
            (kind, _number(it.cost_ms), self._share(it), _number(it.calls), self._flops_share(it))
            for kind, it in ordered
        ]
        total = f"total time : {self._total_ms():f} ms, total mflops : {self._total_flops():f} \n"
        return [*_table(b"Sort by time cost !", _BY_TYPE, rows), total.encode()]

    def rows_by_name(self) -> list[bytes]:
        """What is printed of each operator, by name."""
        rows = [
            (name, kind, _number(it.cost_ms), self._share(it), self._flops_share(it))
            for name, (kind, it) in sorted(self._names.items())
        ]
        return _table(b"Sort by node name !", _BY_NAME, rows)

    def _total_ms(self) -> float:
        return sum(it.cost_ms for it in self._types.values())

    def _total_flops(self) -> float:
        return sum(it.flops for it in self._types.values())

    def _share(self, it: _Sum) -> bytes:
        return _number(it.cost_ms / (self._total_ms() or 1.0) * 100)

    def _flops_share(self, it: _Sum) -> bytes:
        return _number(it.flops / (self._total_flops() or 1.0) * 100)


def _table(title: bytes, header: Sequence[str], rows: Sequence[Sequence[bytes]]) -> list[bytes]:
    cells = [[name.encode() for name in header], *rows]
    widths = [max(len(row[column]) for row in cells) + 1 for column in range(len(header))]
    lines = [
        b"".join(cell.ljust(width) + b"\t" for cell, width in zip(row, widths, strict=True)) for row in cells
    ]
    return [line + b"\n" for line in (title, *lines)]


def _number(value: float) -> bytes:
    return f"{value:f}".encode()


def _pointer_at(place: int) -> int:
    return ctypes.c_void_p.from_address(place).value or 0


def _text(string: int) -> bytes:
    # A std::string of either ABI begins with the pointer to its characters.
    return ctypes.string_at(_pointer_at(string))
