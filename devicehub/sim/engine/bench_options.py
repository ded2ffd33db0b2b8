"""llm_bench's command line, as its newest sources read it. Pure.

The reader is a C++ program's: text that is no number is 0, a list ends where its stream does, a name ends at
the first white space, and some arguments end the program.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_T = TypeVar("_T")

DEPRECATED: Final = (
    "[llm_bench] -kv true is deprecated: use `-pg <pp>,<tg>` instead (`-p A -n B -kv true` == `-pg A,B`).\n"
)
CPU: Final = 0
OPENCL: Final = 3
BACKENDS: Final = {"metal": 1, "cuda": 2, "opencl": OPENCL, "hexagon": 10}
_INT: Final = re.compile(r"\s*([+-]?\d+)", re.ASCII)
_LOWEST, _HIGHEST = -(2**31), 2**31 - 1
_USAGE: Final = """\
usage: {program} [options]

options:
  -h, --help
  -m, --model <filename>                    (default: ./Qwen2.5-1.5B-Instruct/config.json)
  -a, --backends <cpu,opencl,metal,hexagon> (default: cpu)
  -c, --precision <n>                       (default: 2) | Note: (0:Normal(for cpu bakend, 'Normal' is \
'High'),1:High,2:Low)
  -t, --threads <n>                         (default: 4)
  -p, --n-prompt <n>                        (default: 512) | Note: prefill-only test (ppN), no KV-cache reuse
  -n, --n-gen <n>                           (default: 128) | Note: decode-only test (tgN), starts from a \
1-token context
  -pg <pp,tg>                               (default: 0,0) | Note: prefill pp tokens then generate tg \
tokens reusing that KV-cache (llama-bench -pg); reports prefill and decode speed separately
  -mmp, --mmap <0|1>                        (default: 0)
  -rep, --n-repeat <n>                      (default: 5)
  -kv, --kv-cache <true|false>              (default: false) | Note: DEPRECATED, use -pg instead. \
`-p A -n B -kv true` == `-pg A,B`
  -fp, --file-print <stdout|filename>       (default: stdout)
  -scn, --sme-core-num <n>                  (default: 2) | Note: Specify the number of smeCoreNum to use.
  -load, --loading-time <true|false>        (default: true)
  -dyo, --dynamicOption <n>                 (default: 0) | Note: if set 8, trades higher memory usage for \
better decoding performance
  -mr, --mixedSme2NeonRatio <n>             (default: 41) | Note: This parameter is intended to optimize \
multi-threaded inference performance on backends that support Arm SME instructions. The optimal ratio may \
vary across different models; we recommend trying values such as 41, 49, 33.
  -qa, --quant-attention <n>               (default: 0) | Note: KV cache quantization mode (0=no-quant, \
1=QK-int8, 2=QKV-int8, 3=QK-TQ3, 4=QKV-TQ3, 5=QK-TQ4, 6=QKV-TQ4)
  -fa, --flash-attention <0|1>              (default: 1) | Note: 1=enable flash attention, 0=disable
  -j, --json <filename>                     (default: llm_bench.json) | Note: if set, output result to a \
JSON file
  --profile                                 Enable operator-level profiling to print detailed timing \
statistics
"""


class BadArgumentError(ValueError):
    """An argument that llm_bench refuses."""


class TerminatedError(ValueError):
    """An exception that llm_bench does not catch: it aborts, with these lines on stderr."""

    def __init__(self, kind: str, what: str) -> None:
        super().__init__(f"terminate called after throwing an instance of '{kind}'\n  what():  {what}\n")


class CrashedError(ValueError):
    """An argument with which llm_bench reads memory that is not its own."""


@dataclass(frozen=True)
class Configuration:
    """One row of the table: a model, how it is run, and what is measured.

    Attributes:
        prompt: tokens of the prompt; with `generate` 0 only prefill is measured.
        generate: tokens to decode; with `prompt` 0 they follow a prompt of one token.
        shared: the tokens are decoded right after the prompt, and both speeds are told.
    """

    model: str
    backend: int
    precision: int
    memory: int
    power: int
    threads: int
    dynamic_option: int
    sme_ratio: int
    sme_cores: int
    quant_kv: int
    flash_attention: int
    prompt: int
    generate: int
    shared: bool


@dataclass
class Options:
    """What the arguments say; each list is the default's where its option is not given."""

    model: list[str] = field(default_factory=list)
    backends: list[int] = field(default_factory=list)
    precision: list[int] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)
    power: list[int] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)
    dynamic_option: list[int] = field(default_factory=list)
    sme_ratio: list[int] = field(default_factory=list)
    sme_cores: list[int] = field(default_factory=list)
    quant_kv: list[int] = field(default_factory=list)
    flash_attention: list[int] = field(default_factory=list)
    prompt: list[int] = field(default_factory=list)
    generate: list[int] = field(default_factory=list)
    pairs: list[tuple[int, int]] = field(default_factory=list)
    repeat: list[int] = field(default_factory=list)
    mmap: bool = False
    kv: str = "false"
    load: str = "false"
    table_file: str | None = None
    json_file: str | None = None
    profile: bool = False
    help: bool = False

    @property
    def has_pairs(self) -> bool:
        """Whether `-pg` was given anything to measure."""
        return bool(self.pairs) and self.pairs != [(0, 0)]

    def configurations(self) -> list[Configuration]:
        """All combinations, in llm_bench's order."""
        return [
            Configuration(*way, prompt=prompt, generate=generate, shared=shared)
            for way in self._ways()
            for prompt, generate, shared in self._tests()
        ]

    def _ways(self) -> list[tuple[str, int, int, int, int, int, int, int, int, int, int]]:
        return [
            (model, backend, precision, memory, power, threads, dynamic, ratio, cores, quant, flash)
            for model in self.model
            for backend in self.backends
            for precision in self.precision
            for memory in self.memory
            for power in self.power
            for threads in self.threads
            for dynamic in self.dynamic_option
            for ratio in self.sme_ratio
            for cores in self.sme_cores
            for quant in self.quant_kv
            for flash in self.flash_attention
        ]

    def _tests(self) -> list[tuple[int, int, bool]]:
        if self.kv == "true":
            return [(one, other, True) for one in self.prompt if one for other in self.generate if other]
        tests = [(prompt, 0, False) for prompt in self.prompt if prompt]
        tests += [(0, generate, False) for generate in self.generate if generate]
        return tests + [(*pair, True) for pair in self.pairs if pair != (0, 0)]


_DEFAULTS: Final[dict[str, list[object]]] = {
    "model": ["./Qwen2.5-1.5B-Instruct"],
    "backends": [CPU],
    "precision": [2],
    "memory": [2],
    "power": [0],
    "threads": [4],
    "dynamic_option": [0],
    "sme_ratio": [41],
    "sme_cores": [2],
    "quant_kv": [0],
    "flash_attention": [1],
    "prompt": [512],
    "generate": [128],
    "repeat": [5],
}
_LISTS: Final = {
    ("-m", "--model"): "model",
    ("-a", "--backends"): "backends",
    ("-c", "--precision"): "precision",
    ("--memory",): "memory",
    ("--power",): "power",
    ("-t", "--threads"): "threads",
    ("-dyo", "--dynamicOption"): "dynamic_option",
    # The usage spells it otherwise; so it is read.
    ("-mr", "--miexdSme2NeonRatio"): "sme_ratio",
    ("-scn", "--sme-core-num"): "sme_cores",
    ("-qa", "-qatten", "--quant-attention"): "quant_kv",
    ("-fa", "--flash-attention"): "flash_attention",
    ("-p", "--n-prompt"): "prompt",
    ("-n", "--n-gen"): "generate",
    ("-rep", "--n-repeat"): "repeat",
}
_LIST_OF: Final = {name: field_name for names, field_name in _LISTS.items() for name in names}
_TEXTS: Final = {
    "-kv": "kv",
    "--kv-cache": "kv",
    "-load": "load",
    "--loading-time": "load",
    "-fp": "table_file",
    "--file-print": "table_file",
}


def usage(program: str) -> str:
    """What llm_bench prints when asked for help, or when it does not understand."""
    return _USAGE.format(program=program)


def parse(arguments: Sequence[str], warn: Callable[[str], None]) -> Options:
    """Read the arguments after the program's name.

    Args:
        arguments: as the shell gave them.
        warn: takes what stands on stderr before anything else can go wrong.

    Raises:
        BadArgumentError: the argument that is not understood, or whose value is missing.
        TerminatedError: an exception of the C++ library.
        CrashedError: an empty value where one is read without looking.
    """
    options = Options()
    rest = list(arguments)
    while rest:
        name = rest.pop(0)
        if name.startswith("--"):
            name = name.replace("_", "-")
        if name in ("-h", "--help"):
            options.help = True
            return options
        if name == "--profile":
            options.profile = True
        elif name in ("-j", "--json"):
            # An empty name is one: it does not begin with a dash.
            given = bool(rest) and not rest[0].startswith("-")
            options.json_file = rest.pop(0) if given else options.json_file or "llm_bench.json"
        else:
            _take_value(options, name, rest, warn)
    for field_name, values in _DEFAULTS.items():
        if not getattr(options, field_name):
            setattr(options, field_name, list(values))
    options.pairs = options.pairs or [(0, 0)]
    return options


def _take_value(options: Options, name: str, rest: list[str], warn: Callable[[str], None]) -> None:
    known = name in _LIST_OF or name in _TEXTS or name in ("-pg", "-mmp", "--mmap")
    if not known or not rest:
        raise BadArgumentError(name)
    value = rest.pop(0)
    if name == "-pg":
        pair = _words(value)
        if len(pair) != 2:
            raise BadArgumentError(name)
        options.pairs.append((_stoi(pair[0]), _stoi(pair[1])))
    elif name in ("-mmp", "--mmap"):
        options.mmap = _first(_integers(value)) != 0
    elif name in _TEXTS:
        setattr(options, _TEXTS[name], _first(_words(value)))
        if _TEXTS[name] == "kv" and options.kv == "true":
            warn(DEPRECATED)
    else:
        getattr(options, _LIST_OF[name]).extend(_list_values(_LIST_OF[name], value))


def _list_values(field_name: str, value: str) -> Sequence[object]:
    if field_name == "model":
        return _words(value)
    if field_name == "backends":
        return [BACKENDS.get(word, CPU) for word in _words(value)]
    numbers = _integers(value)
    return sorted(numbers, reverse=True) if field_name == "threads" else numbers


def _pieces(value: str) -> list[str]:
    pieces = value.split(",")
    return pieces[:-1] if pieces[-1] == "" else pieces


def _words(value: str) -> list[str]:
    return [(piece.split() or [""])[0] for piece in _pieces(value)]


def _integers(value: str) -> list[int]:
    numbers = [_INT.match(piece) for piece in _pieces(value)]
    return [min(max(int(match[1]), _LOWEST), _HIGHEST) if match else 0 for match in numbers]


def _first(values: Sequence[_T]) -> _T:
    if not values:
        raise CrashedError
    return values[0]


def _stoi(text: str) -> int:
    match = _INT.match(text)
    if match is None:
        raise TerminatedError("std::invalid_argument", "stoi")
    if not _LOWEST <= int(match[1]) <= _HIGHEST:
        raise TerminatedError("std::out_of_range", "stoi")
    return int(match[1])
