from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from devicehub.findings import Severity
from devicehub.lint.settings import lint_settings
from devicehub.lint.subject import Known
from devicehub.profiles.layers import merge
from devicehub.profiles.load import check_file, load_profiles
from devicehub.profiles.phone_values import PhoneValues, settle
from devicehub.profiles.run_file import RunFile, When
from devicehub.settings import Home
from tests.lint.test_exports import DEFAULT

HOME = Home(Path("/nowhere"))
PROFILES = load_profiles(RunFile, HOME)
SNAPDRAGON = PhoneValues(
    vendor="qualcomm", soc="SM8650", gpu="adreno", htp="v75", android="14", ram=12, cores=8, big_cores=6
)
SMALL = PhoneValues(vendor="mediatek", soc="MT6765", gpu="powervr", android="10", ram=4, cores=8, big_cores=4)
HEADS = frozenset({"llm.mnn", "llm.mnn.weight", "tokenizer.mtok", "llm_config.json", "config.json"})
EAGLE = frozenset({"eagle.mnn", "eagle_fc.mnn", "eagle_d2t.mnn", "mtp.mnn"})


@pytest.mark.parametrize("name", sorted(set(PROFILES) - {"custom-llm-demo"}))
@pytest.mark.parametrize("phone", [PhoneValues(), SNAPDRAGON, SMALL], ids=["unknown", "large", "small"])
def test_no_profile_says_anything_that_the_lint_would_doubt(name: str, phone: PhoneValues) -> None:
    config = merge(DEFAULT, settle(PROFILES[name], phone).config)
    files = HEADS | (EAGLE if name.startswith("speculative") else frozenset())
    llm_config: dict[str, Any] = {
        "hidden_size": 2048,
        "key_value_shape": [2, 1, 0, 8, 128],
        "tie_embeddings": {"weight_offset": 64},
    }
    if name == "speculative-eagle":
        llm_config["hidden_states"] = True
    known = Known(llm_config=llm_config, files=files)
    doubted = [str(one) for one in lint_settings(config, known) if one.severity is not Severity.NOTE]
    assert doubted == []


def test_names_that_people_look_for_are_there() -> None:
    assert PROFILES.keys() >= {
        *(
            "default",
            "precision",
            "memory-saver",
            "extreme-speed-cpu",
            "extreme-speed-opencl",
            "long-context",
        ),
        *("npu-qnn", "npu-hexagon", "greedy-repeatable", "speculative-lookahead", "speculative-eagle"),
        *("speculative-mtp", "vision", "audio"),
    }


@pytest.mark.parametrize(
    "key",
    [
        *("sampler_type", "mixed_samplers", "repetition_penalty", "backend_type", "thread_num", "precision"),
        *("memory", "use_mmap", "attention_mode", "chunk", "dynamic_option", "speculative_type"),
        *("max_new_tokens",),
    ],
)
def test_each_knob_of_tuning_stands_in_a_profile(key: str) -> None:
    assert any(key in settle(file, SNAPDRAGON).config for file in PROFILES.values())


def test_big_cores_are_four_at_most() -> None:
    speed = PROFILES["extreme-speed-cpu"]
    settled = settle(speed, SNAPDRAGON)
    assert (settled.config["thread_num"], settled.origins["thread_num"]) == (
        4,
        "phone: its big cores, 4 at most",
    )
    assert settle(speed, PhoneValues(big_cores=2)).config["thread_num"] == 2


def test_what_a_phone_does_not_tell_is_left_to_the_model_and_said() -> None:
    settled = settle(PROFILES["extreme-speed-cpu"], PhoneValues())
    assert "thread_num" not in settled.config
    assert settled.left == {"thread_num": "this phone does not tell its big cores, 4 at most"}
    assert "thread_num" not in settled.why


def test_conditions_hold_in_order_and_only_where_the_phone_tells() -> None:
    file = RunFile(
        summary="x",
        config={"chunk": 1, "kept": 0},
        when=(
            When(phone="vendor=qualcomm, ram>=8", config={"chunk": 2}, why="room"),
            When(phone="gpu=adreno", config={"chunk": 3}),
            When(phone="ram<8", config={"chunk": 4}),
        ),
    )
    large = settle(file, SNAPDRAGON)
    assert (large.config, large.origins["chunk"]) == ({"chunk": 3, "kept": 0}, "phone: gpu=adreno")
    assert large.origins["kept"] == "profile"
    assert settle(file, SMALL).config["chunk"] == 4
    assert settle(file, PhoneValues()).config["chunk"] == 1
    assert settle(file, PhoneValues(vendor="qualcomm", ram=8)).why == {"chunk": "room"}


def test_a_condition_lays_objects_over_objects_and_drops_a_reason_that_was_another_values() -> None:
    file = RunFile(
        summary="x",
        config={"mllm": {"precision": "low", "memory": "low"}},
        why={"mllm": "of the first value"},
        when=(When(phone="ram<8", config={"mllm": {"precision": "high"}}),),
    )
    settled = settle(file, SMALL)
    assert settled.config["mllm"] == {"precision": "high", "memory": "low"}
    assert settled.why == {}


def said(tmp_path: Path, text: str) -> list[tuple[str | None, str]]:
    file = tmp_path / "mine.toml"
    file.write_text(text, "utf-8")
    return [(problem.key, problem.problem) for problem in check_file(file, RunFile)[1]]


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        ('[from_phone]\nthread_num = "huge_cores"', "from_phone", "huge_cores"),
        ('[[when]]\nphone = "ram<8"\nconfg = {}', "when", "config"),
        ('[[when]]\nphone = "memory<8"\nconfig = {}', "when[0].phone", "'memory<8' is no term"),
        ('[[when]]\nphone = "ram<8"\n[when.config]\na = nan', "when[0].config.a", "no such value"),
        ('[config]\na = 1\n[from_phone]\na = "ram"', "from_phone.a", "stands in [config] too"),
        ('[[when]]\nphone = "ram<8GB"\nconfig = {}', "when[0].phone", "no whole number"),
        ('[from_phone]\n"mllm.thread_num" = "cores"', "from_phone.mllm.thread_num", "reaches no key"),
        ('[why]\nchunk = "so"', "why.chunk", "does not set it"),
        ('base = "other.json"', "base", ""),
        ('takes = ["smell"]', "takes", ""),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, key: str, words: str) -> None:
    [(found, problem), *_] = said(tmp_path, 'summary = "x"\n' + text)
    assert found is not None
    assert found.startswith(key)
    assert words in problem
