"""llm_bench: how it is started; its table and its JSON file, of every version.

Columns are found by the header's names: most of them appear only when an option is not the default. The
cell of a speed is `mean ± deviation`, or two of them with `<br>` between, prefill first. The backend is
the one that was asked for. `±` may have suffered from a wrong code page, so any separator counts.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from devicehub.errors import InputError
from devicehub.units import GIB, KIB, MIB
from devicehub.workloads.kinds import Place, Start
from devicehub.workloads.record import NUMBER, Record, finite, whole

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

RESULT_FILE: Final = "llm_bench.json"
"""What a launch writes besides its table."""

_BACKENDS: Final = ("cpu", "opencl", "metal", "cuda", "hexagon")
_LEVELS: Final = {"normal": 0, "high": 1, "low": 2}
_TESTS: Final = frozenset(("-p", "--n-prompt", "-n", "--n-gen", "-pg", "-kv", "--kv-cache"))
_FREE: Final = _TESTS | {"-load", "--loading-time", "-scn", "--sme-core-num", "-mr", "--profile"}
_CELL: Final = re.compile(rf"\s*({NUMBER})(?:\s*[^\d\s.<|]{{1,4}}\s*({NUMBER}))?\s*$", re.IGNORECASE)
_TEST: Final = re.compile(r"\s*(?:pp(\d+))?\s*[+,]?\s*(?:tg(\d+))?\s*(?:@\s*d\d+)?\s*$", re.IGNORECASE)
_LEGACY_TEST: Final = re.compile(r"\s*prompt=(\d+)\s*(?:<br>)?\s*decode=(\d+)\s*$", re.IGNORECASE)
_SIZE: Final = re.compile(rf"\s*({NUMBER})\s*(B|KiB|MiB|GiB|TiB)\s*$", re.IGNORECASE)
_UNITS: Final = {"b": 1, "kib": KIB, "mib": MIB, "gib": GIB, "tib": KIB * GIB}
_PRECISIONS: Final = {0: "normal", 1: "high", 2: "low"}
_OTHER_TOOLS: Final = ({"params", "size"}, {"ngl"}, {"fa", "n_batch"})
_MOST_ROWS: Final = 10_000
_LONGEST_JSON: Final = 4 * MIB

_LARGEST_MODEL: Final = 4 * KIB * GIB
"""A size beyond this is llm_bench's -1 for a file that it could not open."""
_FASTEST_PREFILL: Final = 2e6
_FASTEST_DECODE: Final = 1.5e5
_MEMORY_BYTES_S: Final = 250e9
"""Decoding reads every weight per token; no phone and hardly a desk machine reads faster than this."""
_OPERATIONS_S: Final = 1e15
_CACHED_MODEL: Final = 32 * MIB
"""A model below this may live in the CPU's caches, where the memory's speed is no bound."""
_SPARSE_MODEL: Final = re.compile(r"moe|[-_]a\d+(?:\.\d+)?b", re.IGNORECASE)


@dataclass(frozen=True)
class BenchOptions:
    """What llm_bench is asked to measure.

    Attributes:
        prompt_tokens: of each prompt; 0 measures decoding alone.
        decode_tokens: after each prompt; 0 measures prefill alone.
        repeats: measured repetitions; one more, before them, does not count.
        extra: further arguments; tests among them take the place of the two above.
    """

    prompt_tokens: int = 512
    decode_tokens: int = 128
    repeats: int = 5
    extra: tuple[str, ...] = ()


def start(place: Place, config: Mapping[str, Any], options: BenchOptions) -> Start:
    """The start of one launch: one configuration, its values as flags, which outdo those of config.json.

    Prefill and decoding are measured in one go, as `-p A -n B -kv true`, which every version understands.
    llm_bench itself adds 8 to `dynamic_option` for prompts of more than 300 tokens.

    Raises:
        InputError: a value that llm_bench has no flag for, or would silently take for another.
    """
    argv = [f"{place.engine_dir}/llm_bench", "-m", place.config, *_flags(config)]
    argv += ["-rep", str(_at_least("repeats", options.repeats, 1)), *_tests(options)]
    argv += [*_checked(options.extra), "-j", f"{place.launch_dir}/{RESULT_FILE}"]
    return Start(tuple(argv), (RESULT_FILE,))


def config_for_bench(config: Mapping[str, Any], work_dir: str) -> dict[str, Any]:
    """The final configuration with its weights named so that llm_bench finds them from `work_dir`.

    llm_bench looks for the weight file beside config.json, whatever base_dir says, and tells of a model of
    17179869184 GiB where there is none. A name that climbs to the root and down again means the same file
    from both folders.

    Args:
        config: with base_dir, the model's absolute folder.
        work_dir: absolute; any folder as deep will do.
    """
    base = PurePosixPath(str(config["base_dir"]))
    climb = "../" * (max(len(base.parts), len(PurePosixPath(work_dir).parts)) - 1)
    weight = config.get("llm_weight", "llm.mnn.weight")
    return {**config, "llm_weight": f"{climb}{str(base / str(weight)).lstrip('/')}"}


def _flags(config: Mapping[str, Any]) -> list[str]:
    backend = str(config.get("backend_type", "cpu"))
    if backend not in _BACKENDS:
        raise InputError(
            "backend_type",
            f"{backend} is none that llm_bench knows: it would measure the CPU",
            remedy=f"use one of {', '.join(_BACKENDS)}, or workload demo",
        )
    flags = ["-a", backend, "-t", str(_whole("thread_num", config.get("thread_num", 4)))]
    flags += ["-c", str(_level("precision", config.get("precision", "low")))]
    if (memory := _level("memory", config.get("memory", "low"))) != _LEVELS["low"]:
        flags += ["--memory", str(memory)]
    if power := _level("power", config.get("power", "normal")):
        flags += ["--power", str(power)]
    if dynamic := _whole("dynamic_option", config.get("dynamic_option", 0)):
        flags += ["-dyo", str(dynamic)]
    flags += _attention_flags(config)
    return [*flags, "-mmp", "1"] if config.get("use_mmap") in (True, "true") else flags


def _attention_flags(config: Mapping[str, Any]) -> list[str]:
    mode = _whole("attention_mode", config.get("attention_mode", config.get("quant_qkv", 8)))
    flash, quant = divmod(mode, 8)
    if flash > 1:
        raise InputError(
            "attention_mode", f"llm_bench has no flag for {mode}", remedy="use 0 to 15, or workload demo"
        )
    # -qatten is the older name; newer versions still take it.
    flags = ["-qatten", str(quant)] if quant else []
    return flags if flash else [*flags, "-fa", "0"]


def _tests(options: BenchOptions) -> list[str]:
    if _TESTS & set(options.extra):
        return []
    prompt = _at_least("prompt_tokens", options.prompt_tokens, 0)
    decode = _at_least("decode_tokens", options.decode_tokens, 0)
    if not prompt and not decode:
        raise InputError(
            "llm_bench", "prompt_tokens and decode_tokens are both 0", remedy="measure one of them"
        )
    # Together with -kv true a 0 measures nothing at all.
    both = ["-kv", "true"] if prompt and decode else []
    return ["-p", str(prompt), "-n", str(decode), *both]


def _checked(extra: Sequence[str]) -> Sequence[str]:
    for argument in extra:
        is_flag = argument.startswith("-") and not argument[1:2].isdecimal()
        if is_flag and argument not in _FREE:
            raise InputError(
                f"llm_bench {argument}",
                "the configuration or the hub sets it, or llm_bench has no such flag",
                remedy="use --set for a value of the configuration",
            )
    return extra


def _level(key: str, value: object) -> int:
    if value not in _LEVELS:
        raise InputError(key, f"{value} is not known", remedy=f"use one of {', '.join(_LEVELS)}")
    return _LEVELS[str(value)]


def _whole(key: str, value: object) -> int:
    """The engine takes numbers in quotes as well."""
    number = value if isinstance(value, int) else whole(value) if isinstance(value, str) else None
    if number is None or number < 0:
        raise InputError(key, f"{value} is not a whole number", remedy="give a number of 0 or more")
    return int(number)


def _at_least(name: str, value: int, least: int) -> int:
    if value < least:
        raise InputError(name, f"{value} is too few", remedy=f"use {least} or more")
    return value


@dataclass(frozen=True, slots=True)
class _Speed:
    mean: float | None
    deviation: float | None


class BenchReader:
    """Lines become records; prose around the table is passed over."""

    def __init__(self) -> None:
        self._header: list[str] | None = None
        self.started = False
        """A header of llm_bench was seen, or its JSON."""
        self.other_tool = False
        """A table with the columns of another tool was seen."""
        self.records: list[Record] = []
        self.cut_row: str | None = None
        """The last row, when it is not whole."""

    def take(self, text: str) -> bool:
        """Read one line; whether it was part of a table."""
        line = text.strip().removeprefix("> ")
        if line.startswith("{") and '"results"' in line:
            self._take_json(line)
            return True
        if not line.startswith("|"):
            return False
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if "backend" in cells and cells[0] == "model":
            self._take_header(cells)
        elif self._header is not None and not all(set(cell) <= set("-: ") for cell in cells):
            self._take_row(line, cells)
        return True

    def take_document(self, text: str) -> None:
        """Read a whole JSON file as `-j` writes it, however it was laid out since."""
        self._take_json(text)

    def _take_header(self, cells: list[str]) -> None:
        if "modelSize" in cells or "llm_demo" in cells:
            self._header, self.started = cells, True
        elif any(columns <= set(cells) for columns in _OTHER_TOOLS):
            self._header, self.other_tool = None, True

    def _take_row(self, line: str, cells: list[str]) -> None:
        assert self._header is not None
        if len(cells) != len(self._header) or not line.endswith("|"):
            self.cut_row = line
            return
        self.cut_row = None
        if len(self.records) < _MOST_ROWS:
            self.records.append(_read_row(dict(zip(self._header, cells, strict=True))))

    def _take_json(self, text: str) -> None:
        document = _read_json(text)
        results = document.get("results") if document else None
        if document is None or not isinstance(results, list):
            self.started, self.cut_row = True, text[:200]
            return
        self.started = True
        rows = [row for row in results if isinstance(row, dict)]
        kinds = [(row.get("type"), row.get("prompt_len"), row.get("generate_len")) for row in rows]
        # The header is the first configuration's alone: where a test comes twice, rows belong to several.
        header = document if len(set(map(str, kinds))) == len(kinds) else {"model": document.get("model")}
        self.records += [_read_result(header, row) for row in rows[:_MOST_ROWS]]


def bogus_reason(record: Record) -> str | None:
    """Why a row cannot be true; None where it may be.

    A deviation of 0.00 proves nothing: one repetition prints it too.
    """
    size = record.model_size_bytes
    if size is not None and size > _LARGEST_MODEL:
        return f"a model of {size / GIB:.0f} GiB"
    speeds = [record.prefill_tok_s, record.decode_tok_s, record.total_tok_s]
    known = [speed for speed in speeds if speed is not None]
    if not known or min(known) <= 0:
        return "a speed that is no number above 0"
    if (record.prefill_tok_s or 0) > _FASTEST_PREFILL or (record.decode_tok_s or 0) > _FASTEST_DECODE:
        return f"{max(known):.0f} tok/s"
    if size is None or size < _CACHED_MODEL:
        return None
    if (record.prefill_tok_s or 0) * size * 4 > _OPERATIONS_S:
        return f"prefill at {record.prefill_tok_s:.0f} tok/s with {size / MIB:.0f} MiB of weights"
    sparse = _SPARSE_MODEL.search(record.model or "") or record.backend in ("METAL", "CUDA")
    if not sparse and (record.decode_tok_s or 0) * size > _MEMORY_BYTES_S:
        return f"decode at {record.decode_tok_s:.0f} tok/s with {size / MIB:.0f} MiB of weights"
    return None


def _read_row(row: dict[str, str]) -> Record:
    # "| good | 0.26 MiB | CPU | 2 | Low | pp64+tg16 | 67804.65 ± 5920.40<br>10591.35 ± 351.79 |"
    test = row.get("test") or row.get("llm_demo") or ""
    prompt_tokens, decode_tokens = _read_test(test)
    cell = next((row[name] for name in row if "tok/s" in name or "t/s" in name), "")
    prefill, decode, total = _assign_speeds(_read_speeds(cell), prompt_tokens, decode_tokens)
    load = next((row[name] for name in row if name.startswith("loadingTime")), None)
    load_s = _read_speeds(load)[0].mean if load else None
    return Record(
        tool="llm_bench",
        source="stdout",
        model=row.get("model") or None,
        model_size_bytes=_read_size(row.get("modelSize")),
        backend=row.get("backend") or None,
        threads=whole(row.get("threads")),
        precision=row["precision"].lower() if row.get("precision") else None,
        test=" ".join(test.replace("<br>", " ").split()) or None,
        prompt_tokens=prompt_tokens,
        decode_tokens=decode_tokens,
        prefill_tok_s=prefill.mean,
        prefill_tok_s_std=prefill.deviation,
        decode_tok_s=decode.mean,
        decode_tok_s_std=decode.deviation,
        total_tok_s=total.mean,
        load_ms=None if load_s is None else load_s * 1000,
    )


def _read_test(test: str) -> tuple[int | None, int | None]:
    match = _LEGACY_TEST.match(test) or _TEST.match(test)
    if not match:
        return None, None
    return whole(match[1]), whole(match[2])


def _read_speeds(cell: str) -> list[_Speed]:
    speeds = []
    for part in re.split(r"<br\s*/?>", cell):
        match = _CELL.match(part)
        speeds.append(_Speed(finite(match[1]), finite(match[2])) if match else _Speed(None, None))
    return speeds


def _assign_speeds(
    speeds: list[_Speed], prompt_tokens: int | None, decode_tokens: int | None
) -> tuple[_Speed, _Speed, _Speed]:
    """Which figure is prefill, decode, or both in one."""
    none = _Speed(None, None)
    if len(speeds) > 1:
        return speeds[0], speeds[1], none
    if prompt_tokens and decode_tokens:
        return none, none, speeds[0]
    if decode_tokens:
        return none, speeds[0], none
    return speeds[0], none, none


def _read_size(cell: str | None) -> int | None:
    match = _SIZE.match(cell or "")
    value = finite(match[1]) if match else None
    return None if match is None or value is None else int(value * _UNITS[match[2].lower()])


def _read_json(text: str) -> dict[str, Any] | None:
    if len(text) > _LONGEST_JSON:
        return None
    # A figure that is nan or inf is left out by the tool's JSON writer: `"tps":,"std":`
    repaired = re.sub(r":\s*(?=[,}])", ":null", text)
    repaired = re.sub(r":\s*[-+]?(?:nan|inf(?:inity)?)\b", ":null", repaired, flags=re.IGNORECASE)
    try:
        document = json.loads(repaired)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _read_result(header: dict[str, Any], row: dict[str, Any]) -> Record:
    # {"type":"prefill","prompt_len":64,"tps":62961.27,"std":131.39}
    kind = row.get("type")
    prefill = _figure(row, "prefill_tps") if kind != "prefill" else _figure(row, "tps")
    decode = _figure(row, "decode_tps") if kind != "decode" else _figure(row, "tps")
    load_s, size_gib = _figure(row, "loading_time"), _figure(header, "modelSize")
    prompt_tokens, decode_tokens = _count(row, "prompt_len"), _count(row, "generate_len")
    names = [f"{name}{count}" for name, count in (("pp", prompt_tokens), ("tg", decode_tokens)) if count]
    precision = header.get("precision")
    return Record(
        tool="llm_bench",
        source="stdout",
        model=_text(header, "model"),
        model_size_bytes=None if size_gib is None else int(size_gib * GIB),
        backend=_text(header, "backend"),
        threads=_count(header, "threads"),
        precision=_PRECISIONS.get(precision) if isinstance(precision, int) else None,
        test="+".join(names) or None,
        prompt_tokens=prompt_tokens,
        decode_tokens=decode_tokens,
        prefill_tok_s=prefill,
        prefill_tok_s_std=_figure(row, "std" if kind == "prefill" else "prefill_std"),
        decode_tok_s=decode,
        decode_tok_s_std=_figure(row, "std" if kind == "decode" else "decode_std"),
        load_ms=None if load_s is None else load_s * 1000,
    )


def _figure(row: dict[str, Any], key: str) -> float | None:
    value = row.get(key)
    return finite(repr(float(value))) if isinstance(value, int | float) and abs(value) < 1e300 else None


def _count(row: dict[str, Any], key: str) -> int | None:
    value = row.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63 else None


def _text(row: dict[str, Any], key: str) -> str | None:
    value = row.get(key)
    return value if isinstance(value, str) and value else None
