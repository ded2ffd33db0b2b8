"""A sweep's table becomes settings that differ, or one sentence."""

from __future__ import annotations

from typing import Any

import pytest

from devicehub.campaign.sweep_grid import MOST_SETTINGS, grid


def test_every_combination_in_the_order_of_the_file() -> None:
    assert grid({"threads": [2, 4], "precision": ["low", "high"]}) == [
        {"thread_num": 2, "precision": "low"},
        {"thread_num": 2, "precision": "high"},
        {"thread_num": 4, "precision": "low"},
        {"thread_num": 4, "precision": "high"},
    ]


def test_threads_and_kv_modes_make_one_setting_of_a_gpu() -> None:
    made = grid({"backend": ["cpu", "opencl"], "threads": [1, 4, 68], "kv": ["plain", "kv8"]})
    assert made == [
        {"backend_type": "cpu", "thread_num": 1, "attention_mode": 8},
        {"backend_type": "cpu", "thread_num": 1, "attention_mode": 10},
        {"backend_type": "cpu", "thread_num": 4, "attention_mode": 8},
        {"backend_type": "cpu", "thread_num": 4, "attention_mode": 10},
        {"backend_type": "opencl", "thread_num": 68},
    ]


def test_tunings_of_opencl_stay_apart() -> None:
    made = grid({"threads": [65, 66, 68, 192, 71]}, {"backend_type": "opencl"})
    assert made == [{"thread_num": 65}, {"thread_num": 66}, {"thread_num": 68}]


def test_what_another_key_switches_off_makes_no_setting() -> None:
    assert grid({"use_mmap": [False, True], "mmap_size": [512, 1024]}) == [
        {"use_mmap": False},
        {"use_mmap": True, "mmap_size": 512},
        {"use_mmap": True, "mmap_size": 1024},
    ]


def test_values_are_taken_once_each() -> None:
    assert grid({"threads": [4, 4, 2], "temperature": [1, 1.0]}) == [
        {"thread_num": 4, "temperature": 1},
        {"thread_num": 4, "temperature": 1.0},
        {"thread_num": 2, "temperature": 1},
        {"thread_num": 2, "temperature": 1.0},
    ]


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ({}, "names no key; write one, as in threads = [2, 4]"),
        ({"threads": []}, "threads: is [], no list of values; write threads = [...]"),
        ({"threads": 4}, "threads: is 4, no list of values; write threads = [...]"),
        ({"threads": ["4"]}, 'threads: "4" is not a whole number; write 4'),
        ({"threads": [True]}, "threads: true is not a whole number; write a whole number"),
        ({"threads": [-1]}, "threads: -1 is below 0; give that or more"),
        ({"threads": [64]}, "thread_num: a CPU has at most 32 threads; give a count of threads"),
        (
            {"threads": [1], "thread_num": [2]},
            "thread_num: thread_num stands there twice, under two names; keep one",
        ),
        ({"thread": [1]}, "thread: is no key that MNN reads (did you mean threads?); correct or remove it"),
        ({"precision": ["int8"]}, 'precision: "int8" is unknown to MNN; use one of low, normal, high'),
        ({"kv": ["q4"]}, 'kv: "q4" is not a whole number; write a whole number, or plain, k8, kv8'),
        (
            {"temperature": [float("nan")]},
            "temperature: NaN is nothing that JSON can say; give another value",
        ),
        ({"top_p": [2.0]}, "top_p: 2.0 is above 1; give that or less"),
        (
            {"mllm": {"thread_num": [1]}},
            'mllm: is {"thread_num": [1]}, no list of values; write mllm = [...]',
        ),
        ({"llm_model": ["a.mnn"]}, "llm_model: names a file of the model; make it a model of its own"),
        (
            {"hidden_size": [1]},
            "hidden_size: is a fact of the model, which MNN takes from llm_config.json; remove it",
        ),
        ({"kv": [8, 10]}, "attention_mode: the backend of this run profile ignores it; give a backend too"),
    ],
)
def test_wrong_table_is_told_in_one_sentence(table: dict[str, Any], sentence: str) -> None:
    assert grid(table, {"backend_type": "vulkan"} if "kv" in table else None) == sentence


@pytest.mark.parametrize("key", ["quant_qkv", "prefer_decode", "draft_model", "layer_nums", "base_dir", ""])
def test_key_that_cannot_be_swept_is_refused(key: str) -> None:
    assert str(grid({key: [1]})).startswith(f"{key}: ")


def test_grid_is_counted_before_it_is_made() -> None:
    ten = list(range(10))
    table = {
        f"{name}": ten for name in ("threads", "chunk", "top_k", "n_gram", "penalty_window", "mmap_size")
    }
    table["n_gram"] = table["mmap_size"] = list(range(1, 11))
    assert grid(table) == f"makes 1000000 settings, more than {MOST_SETTINGS}; give fewer values"
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert "chunk_limits: " in str(grid({"chunk_limits": [deep]}))
