from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devicehub.findings import Finding, Severity
from devicehub.lint.keys import ALIASES, GONE, KEYS, MODEL_FACTS, NEVER_READ
from devicehub.lint.settings import lint_settings
from devicehub.lint.subject import Known


def lint(config: dict[str, Any], **known: Any) -> dict[str, Finding]:
    return {one.slug: one for one in lint_settings(config, Known(**known))}


def test_the_table_names_no_key_twice() -> None:
    assert not KEYS.keys() & MODEL_FACTS
    assert not KEYS.keys() & GONE.keys()
    assert not (KEYS.keys() - {"draft_model"}) & NEVER_READ.keys()
    assert {*ALIASES, *ALIASES.values()} <= KEYS.keys()
    assert {gone.successor for gone in GONE.values()} <= KEYS.keys()


def test_every_default_is_right() -> None:
    config = {name: key.default for name, key in KEYS.items() if key.default not in (None, "")}
    config = json.loads(json.dumps(config))
    errors = [one for one in lint_settings(config) if one.severity is not Severity.NOTE]
    assert errors == []


@pytest.mark.parametrize(
    ("config", "slug"),
    [
        ({"top_k": "40"}, "top_k_zero"),
        ({"top_k": None}, "top_k_zero"),
        ({"top_k": 40.0}, "top_k_zero"),
        ({"topK": -1}, "top_k_zero"),
        ({"top_k": -1, "topK": 0}, "top_k_zero"),
        ({"sampler_type": "greedy", "top_k": 0}, "top_k_zero"),
        ({"mixed_samplers": "topK"}, "mixed_samplers_empty"),
        ({"temperature": "0.8"}, "temperature_garbles"),
        ({"temperature": -1}, "temperature_garbles"),
        ({"speculative_type": True}, "speculation_unknown"),
    ],
)
def test_what_the_engine_reads_decides(config: dict[str, Any], slug: str) -> None:
    found = lint(config)
    assert found[slug].severity is Severity.ERROR
    assert "wrong_type" not in found


@pytest.mark.parametrize(
    "config",
    [
        {"sampler_type": "greedy", "temperature": 0},
        {"sampler_type": "penalty", "temperature": 0},
        {"mixed_samplers": ["topK", "greedy"], "temperature": 0},
        {"top_k": -1},
        {"top_k": -1, "topK": 20},
        {"topK": 20, "top_k": 20},
        {"thread_num": 0},
        {"thread_num": 32},
        {"backend_type": "opencl", "thread_num": 68},
        {"backend_type": "opencl", "thread_num": 4},
        {"backend_type": "opencl", "attention_mode": 8},
        {"attention_mode": 9},
        {"attention_mode": 10},
        {"speculative_type": "lookahead"},
        {"speculative_type": ""},
        {"chunk_limits": [128, 1], "llm_model": "qnn/llm.mnn"},
        {"_remark": "of a person", "// also": 1},
        {"min_p": 0},
    ],
)
def test_what_works_is_not_told_of(config: dict[str, Any]) -> None:
    assert lint_settings(config) == []


@pytest.mark.parametrize(
    ("value", "bits"),
    [
        (64, "none of them"),
        (32, "none of them"),
        (3, "none and heavy"),
        (6, "heavy and wide"),
        (132, "images"),
    ],
)
def test_threads_on_opencl_are_bits(value: int, bits: str) -> None:
    [found] = lint_settings({"backend_type": "opencl", "thread_num": value})
    assert bits in found.why
    assert "68" in (found.fix or "")


@pytest.mark.parametrize("mode", [3, 4, 5, 6, 11, 12, 13, 14])
def test_coarse_keys_and_values_depend_on_the_heads(mode: int) -> None:
    def severity(**facts: Any) -> Severity:
        [found] = lint_settings({"attention_mode": mode}, Known(llm_config=facts))
        return found.severity

    assert severity(hidden_size=128) is Severity.ERROR
    assert severity(hidden_size=2048, key_value_shape=[2, 1, 0, 2, 64]) is Severity.ERROR
    assert severity(hidden_size=2048, key_value_shape=[2, 1, 0, 8, 128]) is Severity.WARNING
    assert severity(hidden_size=2048) is Severity.WARNING
    assert severity() is Severity.WARNING


def test_quant_qkv_is_what_the_engine_makes_of_it_today() -> None:
    narrow = {"hidden_size": 128}
    assert set(lint({"quant_qkv": 4}, llm_config=narrow)) == {"key_deprecated", "kv_mode_garbles"}
    assert set(lint({"quant_qkv": 1}, llm_config=narrow)) == {"key_deprecated"}
    assert set(lint({"quant_qkv": 4, "attention_mode": 8}, llm_config=narrow)) == {"key_deprecated"}
    on_gpu = lint({"quant_qkv": 4, "backend_type": "opencl"}, llm_config=narrow)
    assert set(on_gpu) == {"key_deprecated"}
    assert "opencl ignores that" in on_gpu["key_deprecated"].why


def test_an_alias_that_comes_to_nothing_says_what_to_set() -> None:
    found = lint({"penalty": 1.1, "repetition_penalty": 1.0})
    assert found["alias_shadowed"].fix == 'set "repetition_penalty": 1.1 instead'


def test_settings_for_pictures_are_judged_too() -> None:
    found = lint({"mllm": {"backend_type": "gpu", "threads": 4}})
    assert found["backend_unknown"].place == "config.json: mllm.backend_type"
    assert found["key_unknown"].place == "config.json: mllm.threads"


def test_a_draft_model_is_refused_with_the_reason_and_the_way_out() -> None:
    found = lint({"speculative_type": "draftmodel", "draft_model": "small/llm.mnn"})
    refused = found["speculation_draft_model"]
    assert "no speculative mode of MNN uses a draft model" in refused.why
    assert "take lookahead, which needs no second model" in (refused.fix or "")
    assert found["key_never_read"].place == "config.json: draft_model"


@pytest.mark.parametrize(
    ("mode", "file"), [("eagle", "eagle.mnn"), ("mtp", "mtp.mnn"), ("dflash", "dflash.mnn")]
)
def test_what_comes_with_the_model_must_be_there(mode: str, file: str) -> None:
    files = {"llm.mnn", "llm.mnn.weight", "tokenizer.txt", "embeddings_bf16.bin"}
    missing = lint({"speculative_type": mode}, files=files)["speculation_file"]
    assert f"is {mode}, and the model has no {file}" in missing.why
    assert lint({"speculative_type": mode}, files={*files, file}) == {}
    own = {"speculative_type": mode, f"{mode}_model": "heads/own.mnn"}
    assert lint(own, files={*files, "heads/own.mnn"}) == {}


def test_a_setting_is_named_where_it_comes_from() -> None:
    sources = {"top_k": "--set top_k", "precision": "profile mine: precision"}
    found = lint({"top_k": 0, "precision": "half", "memory": "most"}, sources=sources)
    assert found["top_k_zero"].place == "--set top_k"
    places = {
        one.place for one in lint_settings({"precision": "half", "memory": "x"}, Known(sources=sources))
    }
    assert places == {"profile mine: precision", "config.json: memory"}


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
_NAMES = st.sampled_from([*KEYS, *GONE, *MODEL_FACTS, *NEVER_READ, "thread_nun"]) | st.text(max_size=8)
_CONFIGS = st.dictionaries(
    _NAMES, _JSON | st.sampled_from([0, 10**400, 10**5000, -(10**5000), -1, 64, "opencl", [], {}]), max_size=8
)


@given(_CONFIGS, _CONFIGS, st.none() | st.just(frozenset({"llm.mnn"})))
def test_no_nonsense_makes_it_raise(
    config: dict[str, Any], llm_config: dict[str, Any], files: frozenset[str] | None
) -> None:
    for found in lint_settings(config, Known(llm_config=llm_config, files=files)):
        assert len(str(found)) < 1000
        assert "\n" not in found.why


def test_what_is_nested_without_end_is_judged_as_well() -> None:
    deep: Any = 1
    for _ in range(3000):
        deep = {"jinja": deep}
    assert "top_k_zero" in lint({"jinja": deep, "top_k": 0}, llm_config={"jinja": deep})
    assert json.dumps(lint({"thread_num": [[]] * 1000})["wrong_type"].why)
