"""The engine's own times against the agent's clock; a false alarm would make a good run untrusted."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from devicehub.measure.clockwork import find_stall
from devicehub.runs.model import Launch, RunHeader
from devicehub.workloads.record import Record
from tests.store.samples import record

DEMO = Record(
    tool="llm_demo",
    source="stdout",
    prefill_s=2.0,
    decode_s=30.0,
    sample_s=0.4,
    vision_s=0.0,
    audio_s=0.0,
    load_ms=3000.0,
    tuning_ms=100.0,
)
BENCH = Record(
    tool="llm_bench",
    source="stdout",
    prompt_tokens=512,
    decode_tokens=128,
    prefill_tok_s=256.0,
    decode_tok_s=16.0,
    prefill_tok_s_std=2.0,
    decode_tok_s_std=0.1,
    model_size_bytes=1_000_000_000,
)


def header(workload: str, **changes: Any) -> RunHeader:
    fields: dict[str, Any] = {"workload": workload, "virtual": False, "options": {"repeats": 5}}
    head: RunHeader = replace(record(), **(fields | changes))
    return head


def launch(row: Record, duration_s: float | None, **changes: Any) -> Launch:
    fields: dict[str, Any] = {"verdict": "succeeded", "cause": None, "text": None, "exit_status": 0}
    return Launch(records=[row], duration_s=duration_s, **(fields | changes))


def test_demo_whose_times_fill_its_launch() -> None:
    assert find_stall(launch(DEMO, 36.0), header("demo")) is None
    assert find_stall(launch(DEMO, 40.0), header("demo")) is None


def test_demo_that_stood_still() -> None:
    assert find_stall(launch(DEMO, 60.0), header("demo")) == (
        "the launch took 60.0 s, of which the engine's own times explain 37.0 s: "
        "it stood still, or something held it up"
    )


def test_engine_that_counts_more_time_than_there_was() -> None:
    assert find_stall(launch(DEMO, 30.0), header("demo")) == (
        "the engine counted 35.5 s in a launch of 30.0 s: the clock that it goes by was set"
    )
    assert find_stall(launch(BENCH, 40.0), header("bench")) is not None


def test_bench_of_a_gigabyte_from_slow_flash() -> None:
    # Six repetitions of 10 s, and what nobody times.
    assert find_stall(launch(BENCH, 61.0), header("bench")) is None
    assert find_stall(launch(BENCH, 75.0), header("bench")) is None


def test_bench_that_stood_still() -> None:
    assert find_stall(launch(BENCH, 150.0), header("bench")) is not None


@pytest.mark.parametrize(
    ("row", "changes", "options"),
    [
        (replace(DEMO, load_ms=None), {}, {"workload": "demo"}),
        (replace(DEMO, decode_s=None), {}, {"workload": "demo"}),
        (DEMO, {"cold": True}, {"workload": "demo"}),
        (DEMO, {"verdict": "failed"}, {"workload": "demo"}),
        (DEMO, {"duration_s": None}, {"workload": "demo"}),
        (DEMO, {}, {"workload": "app"}),
        (DEMO, {}, {"workload": "custom"}),
        (BENCH, {}, {"workload": "bench", "options": {"repeats": 5, "extra": ["-pg", "64,16"]}}),
        (BENCH, {}, {"workload": "bench", "options": {}}),
        (replace(BENCH, model_size_bytes=None), {}, {"workload": "bench"}),
        (replace(BENCH, decode_tok_s=None), {}, {"workload": "bench"}),
    ],
)
def test_nothing_is_said_of_what_is_not_told(
    row: Record, changes: dict[str, Any], options: dict[str, Any]
) -> None:
    found = replace(launch(row, 900.0), **changes)
    assert find_stall(found, header(**options)) is None


def test_slow_start_of_a_virtual_engine() -> None:
    assert find_stall(launch(DEMO, 60.0), header("demo", virtual=True)) is None
    assert find_stall(launch(DEMO, 80.0), header("demo", virtual=True)) is not None


@given(
    st.integers(1, 5),
    st.floats(1, 2000),
    st.floats(0.5, 200),
    st.lists(st.floats(0.8, 1.25), min_size=6, max_size=6),
    st.floats(0.15, 4),
    st.floats(1e8, 1e10),
    st.floats(1, 2.5),
)
def test_healthy_bench_of_any_phone_is_no_stall(
    repeats: int,
    prefill: float,
    decode: float,
    factors: list[float],
    flash_gb_s: float,
    size: float,
    first: float,
) -> None:
    speeds = factors[:repeats]
    mean = sum(speeds) / repeats
    deviation = (sum((speed - mean) ** 2 for speed in speeds) / repeats) ** 0.5
    once_s = 512 / prefill + 128 / decode
    duration_s = (
        sum(once_s / speed for speed in speeds) + once_s / mean * first + size / flash_gb_s / 1e9 + 0.5
    )
    row = replace(
        BENCH,
        prefill_tok_s=prefill * mean,
        decode_tok_s=decode * mean,
        prefill_tok_s_std=prefill * deviation,
        decode_tok_s_std=decode * deviation,
        model_size_bytes=round(size),
    )
    assert find_stall(launch(row, duration_s), header("bench", options={"repeats": repeats})) is None


@given(st.floats(0.1, 600), st.floats(0.01, 60), st.floats(0, 1), st.floats(0, 0.02))
def test_healthy_demo_of_any_phone_is_no_stall(
    decode_s: float, load_s: float, start_s: float, share: float
) -> None:
    assume(decode_s < 600)
    row = replace(DEMO, decode_s=round(decode_s, 2), load_ms=load_s * 1000)
    duration_s = (decode_s + 2.5 + load_s) * (1 + share) + start_s + load_s / 4
    assert find_stall(launch(row, duration_s), header("demo")) is None
