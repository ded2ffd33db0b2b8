"""`dumpapp benchmark`: BenchmarkDumperPlugin.kt over BenchmarkService.kt and llm_session.cpp's runBenchmark.

Each round prefills the prompt's tokens and then decodes from one token, as llm_bench does; the first round is
not counted. The number of threads is printed and has no effect: the app hands it on and its native side does
not use it.
"""

from __future__ import annotations

import asyncio
import functools
import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devicehub.sim.app import log
from devicehub.sim.app.session import LoadError, Session

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from devicehub.sim.app.dumpapp import Printer
    from devicehub.sim.app.plugins import ModelsPlugin
    from devicehub.sim.app.runtime import Runtime
    from devicehub.sim.app.worker import Worker

_TOKEN: Final = 500
_LONGEST_MESSAGE: Final = 256
_USAGE: Final = """\
Usage: dumpapp benchmark <command> [args]

Commands:
  list                          List available models
  run <modelId> [options]       Run benchmark on a model
  status                        Show benchmark status
  stop                          Stop running benchmark

Options for 'run':
  --backend <cpu|opencl>        Backend (default: cpu)
  --prompt <n>                  Prompt tokens (default: 128)
  --gen <n>                     Generate tokens (default: 128)
  --repeat <n>                  Repeat count (default: 3)
  --threads <n>                 Thread count (default: 4)

Examples:
  dumpapp benchmark list
  dumpapp benchmark run ModelScope/MNN/Qwen3___5-0___8B-MNN
  dumpapp benchmark run ModelScope/MNN/Qwen3___5-0___8B-MNN --backend opencl"""
_NUMBERS: Final = ("prompt", "gen", "repeat", "threads")


@dataclass
class _Options:
    backend: str = "cpu"
    prompt: int = 128
    gen: int = 128
    repeat: int = 3
    threads: int = 4


class BenchmarkPlugin:
    """The plugin."""

    def __init__(self, runtime: Runtime, worker: Worker, models: ModelsPlugin) -> None:
        self._runtime = runtime
        self._worker = worker
        self._models = models
        self._session: Session | None = None
        self._backend = "cpu"
        self._running = False
        self._stopping = False

    async def run(self, words: Sequence[str], out: Printer) -> None:
        """Carry out a command line without the plugin's name."""
        match list(words):
            case ["list", *_]:
                self._print_list(out)
            case ["run"]:
                out.line("Usage: dumpapp benchmark run <modelId> [options]")
            case ["run", model_id, *rest]:
                await self._run(model_id, _parse_options(rest), out)
            case ["status", *_]:
                self._print_status(out)
            case ["stop", *_]:
                self._stopping = True
                out.line("Stop requested")
            case _:
                _print(out, *_USAGE.splitlines())

    def _print_list(self, out: Printer) -> None:
        ids = self._models.ids()
        if not ids:
            out.line("No models available")
            return
        _print(out, f"Available models ({len(ids)}):", *(f"  {name}  [downloaded]" for name in ids))

    def _print_status(self, out: Printer) -> None:
        session = self._session
        _print(
            out,
            "Benchmark status:",
            f"  running: {str(self._running).lower()}",
            f"  model_initialized: {str(session is not None).lower()}",
            f"  current_model: {session.model_id if session else 'none'}",
            f"  current_backend: {self._backend}",
        )

    async def _run(self, model_id: str, options: _Options, out: Printer) -> None:
        number = 3 if options.backend.lower() == "opencl" else 0
        _print(
            out,
            "=== LLM Benchmark ===",
            f"Model:   {model_id}",
            f"Backend: {options.backend} (id={number})",
            f"Prompt:  {options.prompt} tokens",
            f"Gen:     {options.gen} tokens",
            f"Repeat:  {options.repeat}",
            f"Threads: {options.threads}",
            "",
        )
        load = functools.partial(self._load, model_id, options.backend)
        if self._running or not await self._worker.do(load):
            out.line("[ERROR] Failed to start benchmark (model not found or already running)")
            return
        self._running, self._stopping = True, False
        loop = asyncio.get_running_loop()

        def show(percent: int, text: str) -> None:
            if not self._stopping:
                loop.call_soon_threadsafe(_show, out, percent, text[:_LONGEST_MESSAGE])

        show(0, f"Running test 1/1: pp{options.prompt}+tg{options.gen}")
        try:
            rows = await self._worker.do(functools.partial(self._measure, model_id, options, number, show))
        finally:
            self._running = False
        if self._stopping:
            rows = ["[ERROR] code=100: Benchmark stopped by user"]
        _print(out, "", *rows)

    def _load(self, model_id: str, backend: str) -> bool:
        path = self._runtime.config_of(model_id)
        if path is None:
            log.error("BenchmarkService", f"Config path not found for model: {model_id}")
            return False
        session = Session(self._runtime.engine, model_id, path, backend=backend)
        try:
            session.load()
        except LoadError as error:
            log.error("BenchmarkService", f"Model load failed with exception: {error}")
            self._session = None
            return False
        self._session, self._backend = session, backend
        return True

    def _measure(
        self, model_id: str, options: _Options, number: int, show: Callable[[int, str], None]
    ) -> list[str]:
        assert self._session is not None
        model = self._session.model
        prefill: list[int] = []
        decode: list[int] = []
        sizes = f"(prompt={options.prompt}, generate={options.gen})"
        for round_ in range(options.repeat + 1):
            percent = round_ * 100 // options.repeat if options.repeat else 0
            show(percent, f"Running test {round_}/{options.repeat} {sizes}" if round_ else "Warming up...")
            began = time.monotonic()
            prefill_us = decode_us = 0
            if options.prompt > 0:
                prefill_us = model.run_tokens([_TOKEN] * options.prompt, 1).prefill_us
            if options.gen > 0:
                decode_us = model.run_tokens([_TOKEN], options.gen).decode_us
            if not round_:
                continue
            prefill.append(prefill_us)
            decode.append(decode_us)
            text = (
                f"BenchmarkService: Native Progress [{options.prompt}p+{options.gen}g] ({percent}%):"
                f" Running test {round_}/{options.repeat} {sizes} runTime:{time.monotonic() - began:.3f}s,"
                f" prefillTime:{prefill_us / 1e6:.3f}s, decodeTime:{decode_us / 1e6:.3f}s,"
                f" prefillSpeed:{_speed(options.prompt, prefill_us):.2f} tok/s,"
                f" decodeSpeed:{_speed(options.gen, decode_us):.2f} tok/s"
            )
            log.native(text)
            show(percent, text)
        show(100, "Benchmark completed!")
        both = [first + second for first, second in zip(prefill, decode, strict=True)]
        rows = [
            "=== Result ===",
            f"Model:    {model_id}",
            f"Backend:  {'OpenCL' if number == 3 else 'CPU'}",
            f"Threads:  {options.threads}",
            f"Prompt:   pp{options.prompt}",
            f"Generate: tg{options.gen}",
        ]
        rows += _figures("Prefill:  ", options.prompt, prefill) + _figures("Decode:   ", options.gen, decode)
        return rows + _figures("Combined: ", options.prompt + options.gen, both)


def _figures(name: str, tokens: int, times_us: list[int]) -> list[str]:
    if not times_us:
        return []
    speeds = [_java_speed(tokens, time_us) for time_us in times_us]
    spread = statistics.stdev(speeds) if len(speeds) > 1 else 0.0
    return [f"{name}{statistics.mean(speeds):.2f} \N{PLUS-MINUS SIGN} {spread:.2f} tok/s"]


def _java_speed(tokens: int, time_us: int) -> float:
    # Java's division gives Infinity, which its format prints so; nothing here takes no time at all.
    return 1e6 * tokens / max(time_us, 1)


def _speed(tokens: int, time_us: int) -> float:
    return tokens * 1e6 / time_us if time_us > 0 else 0.0


def _parse_options(words: Sequence[str]) -> _Options:
    options = _Options()
    rest = list(words)
    while rest:
        name = rest.pop(0).removeprefix("--")
        if name == "backend" and rest:
            options.backend = rest.pop(0)
        elif name in _NUMBERS and rest:
            value = rest.pop(0)
            if value.removeprefix("-").isdecimal():
                setattr(options, name, int(value))
    return options


def _show(out: Printer, percent: int, text: str) -> None:
    out.line(f"[{percent}%] {text}")
    out.flush()


def _print(out: Printer, *rows: str) -> None:
    for row in rows:
        out.line(row)
