"""What llm_bench writes: its table, and its JSON file. Pure."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from devicehub.sim.engine.report import NAN
from devicehub.units import GIB, MIB

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devicehub.sim.engine.bench_options import Configuration, Options

NO_SIZE: Final = 2**64 - 1
"""The size of a file that could not be opened."""
_BACKENDS: Final = {1: "METAL", 2: "CUDA", 3: "OPENCL", 10: "HEXAGON"}
_LEVELS: Final = {2: "Low", 0: "Normal"}
_LEFT: Final = {"model": 30, "test": 13}
_RIGHT: Final = {"modelSize": 10, "threads": 5, "mmap": 4, "t/s": 10}
_SHORTEST_COLUMN: Final = 10


@dataclass
class Measured:
    """One configuration and what was measured; a repetition is one item of each list, times in microseconds.

    Attributes:
        name: the name of the folder that holds the configuration.
        size: of the weight file, NO_SIZE where it could not be opened.
        samples_us: for a configuration that measures one speed.
        prefill_us, decode_us, decoded: for one that measures both.
    """

    configuration: Configuration
    name: bytes
    size: int
    samples_us: list[int] = field(default_factory=list)
    prefill_us: list[int] = field(default_factory=list)
    decode_us: list[int] = field(default_factory=list)
    decoded: list[int] = field(default_factory=list)
    loading_s: list[float] = field(default_factory=list)

    def speeds(self) -> list[float]:
        """Of a configuration that measures one."""
        tokens = self.configuration.prompt + self.configuration.generate
        return [_speed(tokens, us) for us in self.samples_us]

    def prefill_speeds(self) -> list[float]:
        """Of a configuration that measures both."""
        return [_speed(self.configuration.prompt, us) for us in self.prefill_us]

    def decode_speeds(self) -> list[float]:
        """Of a configuration that measures both; only tokens that were decoded count."""
        return [_speed(tokens, us) for tokens, us in zip(self.decoded, self.decode_us, strict=True)]


class Table:
    """The Markdown table; its columns depend on the options."""

    def __init__(self, options: Options) -> None:
        self._mmap = options.mmap
        last = "test"
        if options.kv == "true":
            last, speed = "llm_demo", "speed(tok/s)"
        else:
            speed = "speed(tok/s)" if options.has_pairs else "t/s"
        columns = {
            "memory": len(options.memory) > 1,
            "dynamicOption": len(options.dynamic_option) > 1,
            "divisionRatioSme2Neon": options.sme_ratio != [41],
            "quantKv": options.quant_kv[0] != 0,
            "flashAttention": options.flash_attention != [1],
            "smeCoreNum": options.sme_cores != [2],
            "mmap": options.mmap,
        }
        self._columns = ["model", "modelSize", "backend", "threads", "precision"]
        self._columns += [name for name, shown in columns.items() if shown]
        self._columns += [last, speed]
        if options.load == "true":
            self._columns.append("loadingTime(s)")

    def header(self) -> bytes:
        """The two rows above the first."""
        names = b"".join(b" %s |" % _pad(name.encode(), *_width(name)) for name in self._columns)
        rules = "".join(
            f" {'-' * (width - 1)}{'-' if left else ':'} |" for width, left in map(_width, self._columns)
        )
        return b"|" + names + b"\n|" + rules.encode() + b"\n"

    def row(self, measured: Measured) -> bytes:
        """The row of one configuration.

        Raises:
            ValueError: there is a column that llm_bench itself cannot fill; holds what it wrote before.
        """
        row = b"|"
        for name in self._columns:
            value = self._cell(name, measured)
            if value is None:
                raise UnfilledColumnError(row)
            width, left = _width(name)
            # llm_bench allows for the two bytes of its plus-minus sign here, and nowhere else.
            row += b" %s |" % _pad(value, width + (name == "t/s"), left)
        return row + b"\n"

    def _cell(self, name: str, measured: Measured) -> bytes | None:
        it = measured.configuration
        texts = {
            "modelSize": _size(measured.size),
            "backend": _BACKENDS.get(it.backend, "CPU"),
            "threads": str(it.threads),
            "precision": _LEVELS.get(it.precision, "High"),
            "memory": _LEVELS.get(it.memory, "High"),
            "divisionRatioSme2Neon": str(it.sme_ratio),
            "quantKv": str(it.quant_kv),
            "flashAttention": "on" if it.flash_attention else "off",
            "smeCoreNum": str(it.sme_cores),
            "mmap": "true" if self._mmap else "false",
            "test": _test_name(it),
            "llm_demo": f"prompt={it.prompt}<br>decode={it.generate}",
            "t/s": _spread(measured.speeds()),
            "speed(tok/s)": _spread(measured.prefill_speeds()) + "<br>" + _spread(measured.decode_speeds())
            if it.shared
            else _spread(measured.speeds()),
            "loadingTime(s)": _spread(measured.loading_s),
        }
        if name == "model":
            return measured.name
        return texts[name].encode() if name in texts else None


class UnfilledColumnError(ValueError):
    """A column that llm_bench shows in the header and cannot fill."""

    def __init__(self, written: bytes) -> None:
        super().__init__(written)
        self.written = written


def to_json(rows: Sequence[Measured], *, mmap: bool) -> bytes:
    """The JSON file's one line; its head is the first configuration's alone."""
    first = rows[0]
    it = first.configuration
    backend = _BACKENDS.get(it.backend, "CPU") if it.backend != 2 else "CPU"
    head: dict[str, object] = {
        "model": first.name.decode(errors="surrogateescape"),
        "modelSize": first.size / GIB,
        "backend": backend,
        "threads": it.threads,
        "useMmap": mmap,
        "precision": it.precision,
        "memory": it.memory,
        "power": it.power,
        "quantKv": it.quant_kv,
        "flashAttention": it.flash_attention,
    }
    results = ",".join(_object(_result(row)) for row in rows)
    text = f'{_object(head)[:-1]},"results":[{results}]}}\n'
    return text.encode(errors="surrogateescape")


def mean(values: Sequence[float]) -> float:
    """The mean; 0 of nothing."""
    return sum(values) / len(values) if values else 0.0


def deviation(values: Sequence[float]) -> float:
    """The standard deviation as llm_bench computes it: rounding may make it not a number."""
    count = len(values)
    if count <= 1:
        return 0.0
    average = mean(values)
    variance = sum(value * value for value in values) / (count - 1) - average * average * count / (count - 1)
    return math.sqrt(variance) if variance >= 0 else math.nan


def _result(row: Measured) -> dict[str, object]:
    it = row.configuration
    result: dict[str, object] = {}
    if it.prompt > 0 and it.generate == 0:
        result = {"type": "prefill", "prompt_len": it.prompt} | _tps(row.prefill_speeds() or row.speeds(), "")
    elif it.generate > 0 and it.prompt == 0:
        result = {"type": "decode", "generate_len": it.generate}
        result |= _tps(row.decode_speeds() or row.speeds(), "")
    elif it.prompt > 0 and it.generate > 0:
        result = {"type": "prefill_and_decode", "prompt_len": it.prompt, "generate_len": it.generate}
        result |= _tps(row.prefill_speeds(), "prefill_") | _tps(row.decode_speeds(), "decode_")
    if row.loading_s:
        result |= {"loading_time": mean(row.loading_s), "loading_time_std": deviation(row.loading_s)}
    return result


def _tps(speeds: Sequence[float], prefix: str) -> dict[str, object]:
    return {f"{prefix}tps": mean(speeds), f"{prefix}std": deviation(speeds)} if speeds else {}


def _object(values: dict[str, object]) -> str:
    return "{" + ",".join(f'"{key}":{_json(value)}' for key, value in values.items()) + "}"


def _json(value: object) -> str:
    # The tool's JSON writer leaves out a number that is none: `"tps":,`.
    if isinstance(value, float):
        digits, e, exponent = repr(value).partition("e")
        return f"{digits}{e}{int(exponent) if e else ''}" if math.isfinite(value) else ""
    return json.dumps(value, ensure_ascii=False)


def _speed(tokens: int, us: int) -> float:
    return 1e6 * tokens / us if us > 0 else 0.0


def _spread(values: Sequence[float]) -> str:
    return f"{_figure(mean(values))} ± {_figure(deviation(values))}"


def _figure(value: float) -> str:
    return NAN if math.isnan(value) else f"{value:.2f}"


def _size(size: int) -> str:
    return f"{size / MIB:.2f} MiB" if size < GIB else f"{size / GIB:.2f} GiB"


def _test_name(it: Configuration) -> str:
    if it.prompt > 0 and it.generate == 0:
        return f"pp{it.prompt}"
    if it.generate > 0 and it.prompt == 0:
        return f"tg{it.generate}"
    return f"pp{it.prompt}+tg{it.generate}"


def _width(name: str) -> tuple[int, bool]:
    """The bytes of a column, and whether its values stand at its left edge."""
    if name in _RIGHT:
        return _RIGHT[name], False
    return _LEFT.get(name, max(len(name), _SHORTEST_COLUMN)), True


def _pad(value: bytes, width: int, left: bool) -> bytes:
    return value.ljust(width) if left else value.rjust(width)
