"""One measured row, whichever tool printed it."""

from __future__ import annotations

import math
import re

import msgspec


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """Counters of one perf block, table row or PERF line; None is what the tool did not say or gave as nan.

    Attributes:
        tool: llm_demo, llm_bench or mnn_chat; of a custom workload the command's program.
        source: where it was printed: stdout or logcat; of a custom workload also stderr and result, joined
            by `+` where a record's figures stand in several places.
        backend: as the tool names it; llm_bench names the one that was asked for, not the one that ran.
        prefill_s: over all prompts of the launch; so are the other times and counts.
        decode_s: without sampling.
        load_ms: loading the model.
        tuning_ms: what llm_demo calls tuning; nothing on OpenCL.
        pixels_mp: megapixels of the pictures that were read.
        audio_input_s: length of the sounds that were read.
        total_tok_s: one figure for prefill and decode together, from older llm_bench.
        test: the row's own name, `pp512`.
    """

    tool: str
    source: str
    model: str | None = None
    backend: str | None = None
    threads: int | None = None
    precision: str | None = None
    test: str | None = None
    prompt_tokens: int | None = None
    decode_tokens: int | None = None
    prefill_tok_s: float | None = None
    decode_tok_s: float | None = None
    prefill_tok_s_std: float | None = None
    decode_tok_s_std: float | None = None
    total_tok_s: float | None = None
    prefill_s: float | None = None
    decode_s: float | None = None
    sample_s: float | None = None
    vision_s: float | None = None
    audio_s: float | None = None
    pixels_mp: float | None = None
    audio_input_s: float | None = None
    load_ms: float | None = None
    tuning_ms: float | None = None
    model_size_bytes: int | None = None


NUMBER = r"[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+|nan(?:\(\w*\))?|inf(?:inity)?)"
"""As printf writes a double: bionic and glibc write `nan`, `-nan`, `inf`."""


def finite(text: str | None) -> float | None:
    """Read a number; None for nan, inf and what is no number."""
    if text is None or not re.fullmatch(NUMBER, text.strip(), re.IGNORECASE):
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def whole(text: str | None) -> int | None:
    """Read a count; None for what is none, and for one beyond 64 bits."""
    if text is None or not re.fullmatch(r"\d{1,18}", text.strip()):
        return None
    return int(text)
