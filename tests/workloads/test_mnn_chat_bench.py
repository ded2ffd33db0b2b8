"""The app's own benchmark as MNN's BenchmarkDumperPlugin.kt (4d40bdbd) takes and prints it."""

from __future__ import annotations

import pytest

from devicehub.errors import InputError
from devicehub.workloads.mnn_chat_bench import AppBenchmark, benchmark_from, read_benchmark

# BenchmarkDumperPlugin.kt:102-150 and 178-206
HEAD = """=== LLM Benchmark ===
Model:   local//m/Tiny
Backend: cpu (id=0)
Prompt:  16 tokens
Gen:     8 tokens
Repeat:  2
Threads: 4

[0%] Warming up...
[50%] BenchmarkService: Native Progress [16p+8g] (50%): Running test 1/2, prefillSpeed:9.00 tok/s
[100%] Benchmark completed!

"""
RESULT = """=== Result ===
Model:    local//m/Tiny
Backend:  CPU
Threads:  4
Prompt:   pp16
Generate: tg8
Prefill:  123.45 ± 1.50 tok/s
Decode:   20.10 ± 0.25 tok/s
Combined: 40.00 ± 0.10 tok/s
"""


def test_a_result() -> None:
    reading = read_benchmark((HEAD + RESULT).encode())
    record = reading.record
    assert record is not None
    assert reading.problem is None
    assert (record.tool, record.source, record.backend, record.test) == (
        "mnn_chat",
        "dumpapp",
        "cpu",
        "pp16+tg8",
    )
    assert (record.prompt_tokens, record.decode_tokens) == (16, 8)
    assert (record.prefill_tok_s, record.prefill_tok_s_std) == (123.45, 1.5)
    assert (record.decode_tok_s, record.decode_tok_s_std, record.total_tok_s) == (20.1, 0.25, 40.0)
    # Printed, and without effect: LlmSession::runBenchmark takes the number and never uses it.
    assert record.threads is None


def in_digits_from(zero: str, point: str) -> str:
    return "".join(chr(ord(zero) + int(sign)) if sign.isdigit() else sign for sign in PLAIN).replace(
        ".", point
    )


PLAIN = "12.50 ± 0.25"
GERMAN = PLAIN.replace(".", ",")
ARABIC = in_digits_from("\N{ARABIC-INDIC DIGIT ZERO}", "\N{ARABIC DECIMAL SEPARATOR}")
HINDI = in_digits_from("\N{DEVANAGARI DIGIT ZERO}", ".")


@pytest.mark.parametrize("text", [PLAIN, GERMAN, ARABIC, HINDI])
def test_numbers_in_the_phones_own_language(text: str) -> None:
    reading = read_benchmark(f"=== Result ===\nDecode:   {text} tok/s\n".encode())
    assert reading.record is not None
    assert (reading.record.decode_tok_s, reading.record.decode_tok_s_std) == (12.5, 0.25)


@pytest.mark.parametrize("text", ["NaN ± 0.00", "Infinity ± NaN", "- ± x", "1.000,50 ± 0"])
def test_figures_that_are_none(text: str) -> None:
    reading = read_benchmark(f"=== Result ===\nDecode:   {text} tok/s\n".encode())
    assert reading.record is not None
    assert reading.record.decode_tok_s is None


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ("[ERROR] Failed to start benchmark (model not found or already running)", "load_failed"),
        ("[ERROR] code=30: Test instance failed: x", "generation_error"),
        ("[TIMEOUT] Benchmark did not complete within 10 minutes", "generation_timeout"),
        ("=== Result ===\nFAILED: null", "generation_error"),
        ("", "generation_error"),
    ],
)
def test_a_benchmark_that_failed(line: str, cause: str) -> None:
    reading = read_benchmark((HEAD + line).encode())
    assert (reading.record, reading.cause) == (None, cause)


def test_speeds_of_the_progress_are_no_result() -> None:
    assert read_benchmark((HEAD + "Decode:   9.00 ± 0.00 tok/s\n").encode()).record is None


def test_the_command() -> None:
    # BenchmarkDumperPlugin.kt:88-98
    assert AppBenchmark(backend="opencl", prompt=64, gen=32, repeat=5, threads=2).argv("local//m/x") == (
        *("benchmark", "run", "local//m/x", "--backend", "opencl", "--prompt", "64", "--gen", "32"),
        *("--repeat", "5", "--threads", "2"),
    )


def test_what_set_may_name() -> None:
    assert benchmark_from({}) == AppBenchmark()
    assert benchmark_from({"backend_type": "opencl", "thread_num": 2, "gen": 1}) == AppBenchmark(
        backend="opencl", threads=2, gen=1
    )


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("precision", "low"),
        ("backend", "vulkan"),
        ("prompt", 0),
        ("gen", True),
        ("repeat", "3"),
        ("threads", 1e3),
    ],
)
def test_what_the_app_does_not_take_is_refused(key: str, value: object) -> None:
    with pytest.raises(InputError, match=f"--set {key}"):
        benchmark_from({key: value})
