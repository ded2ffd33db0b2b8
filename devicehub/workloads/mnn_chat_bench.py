"""MnnLlmChat's own benchmark: what `dumpapp benchmark run` takes, and what it prints.

It measures as llm_bench does without `-kv`: prompt and decoding apart, the first round dropped. `--threads`
is printed and never reaches the engine (`LlmSession::runBenchmark` has no use for it): no record names it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from devicehub.errors import InputError
from devicehub.workloads.record import Record, finite, whole

if TYPE_CHECKING:
    from collections.abc import Mapping

BACKENDS: Final = ("cpu", "opencl")
APP_LIMIT_S: Final = 600.0
"""The app itself gives up then."""
_KEYS: Final = {
    "backend_type": "backend",
    "backend": "backend",
    "prompt": "prompt",
    "gen": "gen",
    "repeat": "repeat",
    "thread_num": "threads",
    "threads": "threads",
}
_HIGHEST: Final = {"prompt": 1_000_000, "gen": 1_000_000, "repeat": 1000, "threads": 256}


@dataclass(frozen=True)
class AppBenchmark:
    """The options of one benchmark, with the app's defaults; tokens and rounds are counts."""

    backend: str = "cpu"
    prompt: int = 128
    gen: int = 128
    repeat: int = 3
    threads: int = 4

    def argv(self, model_id: str) -> tuple[str, ...]:
        """The dumpapp command."""
        return (
            *("benchmark", "run", model_id),
            *("--backend", self.backend),
            *("--prompt", str(self.prompt)),
            *("--gen", str(self.gen)),
            *("--repeat", str(self.repeat)),
            *("--threads", str(self.threads)),
        )


def benchmark_from(settings: Mapping[str, Any]) -> AppBenchmark:
    """The benchmark that `--set key=value` asks for.

    Raises:
        InputError: a key that the app's benchmark does not take, or a value that it cannot have.
    """
    chosen: dict[str, Any] = {}
    for key, value in settings.items():
        name = _KEYS.get(key)
        if name is None:
            raise InputError(
                f"--set {key}",
                "is nothing that the app's benchmark takes",
                remedy="it takes " + ", ".join(KEYS),
            )
        chosen[name] = _backend(key, value) if name == "backend" else _count(key, value, _HIGHEST[name])
    return AppBenchmark(**chosen)


KEYS: Final = ("backend", "prompt", "gen", "repeat", "threads")
"""What `--set` may name."""


def _backend(key: str, value: object) -> str:
    if value not in BACKENDS:
        raise InputError(f"--set {key}={value}", "is no backend of the app", remedy="cpu or opencl")
    return str(value)


def _count(key: str, value: object, highest: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= highest:
        raise InputError(f"--set {key}={value}", f"must be a whole number from 1 to {highest}")
    return value


@dataclass(frozen=True)
class BenchmarkReading:
    """What a benchmark came to.

    Attributes:
        record: None where it gave no figures.
        problem: the app's own words where it failed; None where it did not.
    """

    record: Record | None
    problem: str | None

    @property
    def cause(self) -> str:
        """The slug of `failures` that its problem stands for."""
        if "Failed to start" in (self.problem or ""):
            return "load_failed"
        return "generation_timeout" if "did not complete" in (self.problem or "") else "generation_error"


# The app formats for the phone's language: `12,34` in German, other digits in Arabic.
_SPEED: Final = re.compile(r"(Prefill|Decode|Combined): +(\S+) ± (\S+) tok/s\s*")
_FAILED: Final = re.compile(r"\[ERROR\] (.*)|\[TIMEOUT\] (.*)|FAILED: (.*)")


def read_benchmark(output: bytes) -> BenchmarkReading:
    """Read the output of `benchmark run`."""
    fields: dict[str, str] = {}
    speeds: dict[str, tuple[float | None, float | None]] = {}
    problem: str | None = None
    in_result = False
    for line in output.decode("utf-8", "replace").splitlines():
        failed = _FAILED.fullmatch(line)
        if failed:
            problem = next(text for text in failed.groups() if text is not None).strip() or "no reason given"
            continue
        in_result = in_result or line.strip() == "=== Result ==="
        speed = _SPEED.fullmatch(line) if in_result else None
        if speed:
            speeds[speed[1]] = (_local_number(speed[2]), _local_number(speed[3]))
            continue
        name, separator, value = line.partition(":")
        if separator and in_result:
            fields[name] = value.strip()
    return BenchmarkReading(_record(fields, speeds) if speeds and problem is None else None, problem)


def _local_number(text: str) -> float | None:
    """A number as any language writes it, without thousands."""
    plain = "".join(str(int(sign)) if sign.isdecimal() else sign for sign in text)
    return finite(plain.replace("\N{ARABIC DECIMAL SEPARATOR}", ".").replace(",", "."))


def _record(fields: Mapping[str, str], speeds: Mapping[str, tuple[float | None, float | None]]) -> Record:
    prompt = fields.get("Prompt", "").removeprefix("pp")
    decode = fields.get("Generate", "").removeprefix("tg")
    prefill_speed, prefill_spread = speeds.get("Prefill", (None, None))
    decode_speed, decode_spread = speeds.get("Decode", (None, None))
    return Record(
        tool="mnn_chat",
        source="dumpapp",
        model=fields.get("Model") or None,
        backend=fields.get("Backend", "").lower() or None,
        test=f"pp{prompt}+tg{decode}" if prompt and decode else None,
        prompt_tokens=whole(prompt),
        decode_tokens=whole(decode),
        prefill_tok_s=prefill_speed,
        decode_tok_s=decode_speed,
        prefill_tok_s_std=prefill_spread,
        decode_tok_s_std=decode_spread,
        total_tok_s=speeds.get("Combined", (None, None))[0],
    )
