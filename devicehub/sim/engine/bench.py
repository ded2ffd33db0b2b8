"""What llm_bench does, as MNN's newest sources have it; the wheel is 3.6.1 or newer.

It differs from the real one in this: the number of threads is limited, since MNN's threads spin and a virtual
phone shares its host.
"""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

from devicehub.sim.engine.bench_options import (
    OPENCL,
    BadArgumentError,
    Configuration,
    CrashedError,
    TerminatedError,
    parse,
    usage,
)
from devicehub.sim.engine.bench_table import NO_SIZE, Measured, Table, UnfilledColumnError, to_json
from devicehub.sim.engine.paths import host_config, host_path
from devicehub.sim.engine.profile import TITLE
from devicehub.sim.engine.program import Program
from devicehub.sim.engine.report import no_outputs
from devicehub.sim.engine.wheel import Status, make_profiler

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devicehub.sim.engine.bench_options import Options
    from devicehub.sim.engine.profile import Profiler
    from devicehub.sim.engine.stdio import Stdio
    from devicehub.sim.engine.wheel import WheelModel

_TOKEN: Final = 16
_LEVELS: Final = {0: "normal", 1: "high", 2: "low"}
_BACKENDS: Final = {0: "cpu", 1: "metal", 2: "cuda", 3: "opencl", 10: "hexagon"}
_LOADS: Final = 3
_REFUSED: Final = 255
_BY_NAME_VARIABLE: Final = "MNN_LLM_BENCH_PROFILE_NAME"
_COOL_S: Final = 0.005


class LlmBench(Program):
    """One run of the program."""

    _options: Options
    _profiler: Profiler | None = None

    def run(self, argv: Sequence[str]) -> int:
        """Run to the end; the exit status.

        Raises:
            SimError: the wheel cannot be used.
        """
        try:
            self._options = parse(argv[1:], _warn)
        except BadArgumentError as bad:
            _warn(f"error: invalid parameter for argument: {bad}\n")
            self._stdio.plain(usage(argv[0]))
            self._stdio.engine("Parse arguments error\n")
            return _REFUSED
        except TerminatedError as error:
            _abort(self._stdio, error)
        except CrashedError:
            self._stdio.die(signal.SIGSEGV)
        if self._options.help:
            self._stdio.plain(usage(argv[0]))
            return 0
        return self._measure_all()

    def _measure_all(self) -> int:
        options = self._options
        out = _Output(self._stdio, options.table_file)
        json_file = self._make_json_file()
        table = Table(options)
        rows: list[Measured] = []
        for configuration in options.configurations():
            measured = self._measure(configuration)
            if not rows:
                out.write(table.header())
            rows.append(measured)
            try:
                out.write(table.row(measured))
            except UnfilledColumnError as error:
                out.write(error.written)
                self._stdio.engine("llm bench print fields error\n")
            time.sleep(_COOL_S)
        self._print_profile()
        self._stdio.plain("\n")
        out.close()
        if json_file is not None and rows:
            _write_quietly(json_file, to_json(rows, mmap=options.mmap), "wb")
        return 0

    def _print_profile(self) -> None:
        if not self._options.profile:
            return
        self._stdio.plain(TITLE)
        profiler = self._profiler or make_profiler()
        rows = profiler.rows_by_name() if _BY_NAME_VARIABLE in os.environ else []
        for row in rows + profiler.rows_by_type():
            self._stdio.engine(row)

    def _make_json_file(self) -> Path | None:
        """The real one opens it first and writes it at its exit."""
        if self._options.json_file is None:
            return None
        file = Path(self._options.json_file)
        try:
            file.write_bytes(b"")
        except OSError:
            self._stdio.engine(f"Failed to open {self._options.json_file} for writing\n")
            return None
        return file

    def _measure(self, it: Configuration) -> Measured:
        name, size = self._look_at(it.model)
        measured = Measured(it, name, size)
        self._open_model.make_executor(it.backend)
        with host_config(it.model) as config_path:
            model = self._open_model(config_path)
        self._configure(model, it)
        if self._options.profile:
            self._profiler = self._profiler or make_profiler()
            model.profile(self._profiler)
        for _ in range(_LOADS if self._options.load == "true" else 1):
            began = time.perf_counter()
            model.load()
            if self._options.load == "true":
                measured.loading_s.append(round(time.perf_counter() - began, 6))
        model.tune()
        if model.context().status == Status.INTERNAL_ERROR:
            self._stdio.engine(no_outputs(1, decoding=True))
        model.set_config({"async": False})
        if it.generate > 0:
            model.set_config({"max_new_tokens": 1})
        if it.prompt < 0:
            _abort(
                self._stdio,
                TerminatedError("std::length_error", "cannot create std::vector larger than max_size()"),
            )
        for repetition in range(self._options.repeat[0] + 1):
            measure = self._measure_both if it.shared else self._measure_one
            measure(model, measured, keep=repetition > 0)
        return measured

    def _look_at(self, config: str) -> tuple[bytes, int]:
        """The name of the model and the size of its weights, by the configuration's place and text alone."""
        if Path(config).is_dir():
            _abort(
                self._stdio,
                TerminatedError(
                    "std::__ios_failure", "basic_filebuf::underflow error reading the file: Is a directory"
                ),
            )
        folder, slash, _ = config.rpartition("/")
        if not slash:
            self._stdio.engine("Invalid model config path\n")
        name = os.fsencode(folder.rpartition("/")[2])
        weights = host_path(f"{folder}/{_weight_name(config)}") if slash else ""
        if not Path(weights).exists() or not weights:
            self._stdio.engine(b"File not exist: " + os.fsencode(weights) + b"\n")
            return name, NO_SIZE
        return name, Path(weights).stat().st_size if os.access(weights, os.R_OK) else NO_SIZE

    def _configure(self, model: WheelModel, it: Configuration) -> None:
        used = min(it.threads, self._threads)
        self._note(f"virtual engine: threads asked {it.threads}, used {used}")
        dynamic = _remainder(it.dynamic_option, 8)
        quant = _remainder(it.quant_kv, 8)
        # One by one: MNN checks, and complains about, the whole configuration at each change.
        for key, value in (
            ("async", False),
            ("reuse_kv", False),
            ("precision", _LEVELS.get(it.precision, "")),
            ("memory", _LEVELS.get(it.memory, "")),
            ("power", _LEVELS.get(it.power, "")),
            ("backend_type", _BACKENDS[it.backend]),
            ("thread_num", used),
            ("dynamic_option", dynamic if it.prompt <= 300 and it.prompt != 0 else dynamic + 8),
            ("attention_mode", quant + 8 if it.flash_attention else quant),
            ("use_mmap", self._options.mmap),
            ("tmp_path", "tmp"),
            ("cpu_sme2_neon_division_ratio", it.sme_ratio),
            ("cpu_sme_core_num", it.sme_cores),
        ):
            model.set_config({key: value})

    def _measure_both(self, model: WheelModel, measured: Measured, *, keep: bool) -> None:
        it = measured.configuration
        if it.backend == OPENCL:
            model.begin_prefill()
        self._respond(model, it.prompt, it.generate)
        if not keep:
            return
        context = model.context()
        measured.prefill_us.append(context.prefill_us)
        measured.decode_us.append(context.decode_us)
        # The token that ends an answer is counted and was not decoded.
        measured.decoded.append(context.gen_seq_len - model.stopped())

    def _measure_one(self, model: WheelModel, measured: Measured, *, keep: bool) -> None:
        it = measured.configuration
        total_us = 0
        if it.prompt:
            if it.backend == OPENCL:
                model.begin_prefill()
            took_us = self._respond(model, it.prompt, 1 if it.generate > 0 else 0)
            prefill_us = model.context().prefill_us
            total_us += prefill_us if prefill_us > 0 else took_us
        if it.generate:
            if it.backend == OPENCL:
                model.begin_decode()
            took_us = self._respond(model, 1, it.generate)
            decode_us = model.context().decode_us
            total_us += decode_us if decode_us > 0 else _scaled(model, took_us, it.generate)
        if keep:
            measured.samples_us.append(total_us)

    def _respond(self, model: WheelModel, prompt: int, limit: int) -> int:
        """Answer a prompt of so many tokens; how long it took, in microseconds."""
        took_us = model.respond_silently([_TOKEN] * prompt, limit)
        context = model.context()
        if context.status == Status.INTERNAL_ERROR:
            self._stdio.engine(no_outputs(prompt, decoding=context.gen_seq_len > 0))
        return took_us


class _Output:
    """Where the table goes: the program's stdout, or the end of a file."""

    def __init__(self, stdio: Stdio, file: str | None) -> None:
        self._stdio = stdio
        self._file = None if file is None else Path(file)
        self._held = b""
        self._usable = self._file is None or _write_quietly(self._file, b"", "ab")

    def write(self, data: bytes) -> None:
        if not self._usable:
            # The real one writes to a file that it could not open.
            self._stdio.die(signal.SIGSEGV)
        if self._file is None:
            self._stdio.plain(data)
        else:
            self._held += data

    def close(self) -> None:
        if self._file is not None:
            _write_quietly(self._file, self._held, "ab")


def _weight_name(config: str) -> str:
    try:
        values = json.loads(Path(config).read_bytes())
    except (OSError, ValueError):
        values = None
    name = values.get("llm_weight") if isinstance(values, dict) else None
    return name if isinstance(name, str) else "llm.mnn.weight"


def _scaled(model: WheelModel, took_us: int, asked: int) -> int:
    """The time for all tokens asked for, where the engine's clock told none and the answer ended early."""
    decoded = model.context().gen_seq_len
    if model.stopped() and decoded > 0:
        decoded -= 1
    decoded = max(decoded, 1)
    return (took_us * asked + decoded - 1) // decoded if decoded < asked else took_us


def _remainder(value: int, modulus: int) -> int:
    """C's `%`: its sign is that of the value."""
    return abs(value) % modulus * (-1 if value < 0 else 1)


def _write_quietly(file: Path, data: bytes, mode: str) -> bool:
    try:
        with file.open(mode) as stream:
            stream.write(data)
    except OSError:
        return False
    return True


def _warn(text: str) -> None:
    os.write(2, text.encode(errors="surrogateescape"))


def _abort(stdio: Stdio, error: TerminatedError) -> NoReturn:
    _warn(str(error))
    stdio.die(signal.SIGABRT)
