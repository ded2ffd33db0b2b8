"""The virtual llm_demo prints the rows of a real one, for good and for damaged models."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Final

import pytest

from tests.shared_data import SHARED_DATA, needs_shared_data
from tests.sim.engine.runs import Bench, bench, needs_demo_model

__all__ = ["bench"]

pytestmark = [needs_demo_model, needs_shared_data]

Damage = Callable[[Bench], None]

LONG: Final = b"word " * 600 + b"\n"
ENGINE_ROW: Final = re.compile(r"\[Error\]: LLM in error state\. Status: -?\d+$")
MASKS: Final = (
    (re.compile(r"^config path is \S+$"), "config path is X"),
    (re.compile(r"^prompt file is \S+$"), "prompt file is X"),
    (re.compile(r"^main, \d+, cost time: [\d.]+ ms$"), "main, N, cost time: T ms"),
    (re.compile(r"\bonForward, \d+"), "onForward, N"),
    (re.compile(r"\btmp_[0-9a-f]+"), "tmp_H"),
    (re.compile(r"(not found: )\S+/"), r"\1DIR/"),
    (re.compile(r"(extract IDST Convolution: )\S+"), r"\1OP"),
    (re.compile(r"i8sdot:.*"), "..."),
    (re.compile(r" = \d[\d.]*"), " = T"),
    (re.compile(r"-nan"), "nan"),
)


def rows(output: str) -> list[str]:
    """Its rows in order of first appearance, without figures and without the model's text."""
    lines = output.splitlines()
    begin = next((i for i, line in enumerate(lines) if line.startswith("prompt file is ")), len(lines))
    block = next((i for i, line in enumerate(lines) if line == "#" * 33), len(lines))
    text = [line for line in lines[begin + 1 : block] if ENGINE_ROW.match(line)]
    kept = [*lines[: begin + 1], *text, *lines[block:]]
    for pattern, replacement in MASKS:
        kept = [pattern.sub(replacement, line) for line in kept]
    return list(dict.fromkeys(kept))


def nothing(bench: Bench) -> None:
    """Leave the model as it is."""


def comment_in_config(bench: Bench) -> None:
    (bench.model / "config.json").write_text('{"llm_model": "llm.mnn", // main file\n}', encoding="utf-8")


def no_model(bench: Bench) -> None:
    (bench.model / "llm.mnn").unlink()


def pointer(bench: Bench) -> None:
    (bench.model / "llm.mnn").write_bytes(
        b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"
    )


def half_a_weight(bench: Bench) -> None:
    weight = bench.model / "llm.mnn.weight"
    os.truncate(weight, weight.stat().st_size // 2)


def opencl(bench: Bench) -> None:
    bench.write(backend_type="opencl")


def top_k_zero(bench: Bench) -> None:
    bench.write(sampler_type="mixed", top_k=0)


def out_of_time(bench: Bench) -> None:
    bench.prompts = LONG * 3
    bench.write(timeout_ms=1)


@needs_shared_data
@pytest.mark.parametrize(
    ("log", "damage", "arguments", "status"),
    [
        ("demo_ok_two_prompts", nothing, ["p.txt", "24"], 0),
        ("demo_prefill_only", nothing, ["p.txt", "0"], 0),
        ("demo_config_with_comment", comment_in_config, ["p.txt", "8"], 0),
        ("demo_missing_model", no_model, ["p.txt", "8"], 0),
        ("demo_lfs_pointer", pointer, ["p.txt", "8"], 0),
        ("demo_truncated_weight", half_a_weight, ["p.txt", "8"], 0),
        ("demo_backend_fallback_opencl", opencl, ["p.txt", "8"], 0),
        ("demo_top_k_zero_segv", top_k_zero, ["p.txt", "8"], -11),
        ("demo_missing_prompt_file", nothing, ["nope.txt", "8"], 1),
        ("demo_timeout", out_of_time, ["p.txt"], 0),
    ],
)
async def test_rows_are_those_of_a_native_run(
    bench: Bench, log: str, damage: Damage, arguments: list[str], status: int
) -> None:
    assert SHARED_DATA is not None
    damage(bench)
    done = await bench.run(*arguments)
    native = (SHARED_DATA / "mnn_runs" / f"{log}.log").read_text(encoding="utf-8")
    assert rows(done.stdout.decode(errors="replace")) == rows(native)
    assert done.status == status
