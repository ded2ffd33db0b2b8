from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devicehub.errors import InputError
from devicehub.workloads.config import final_config, parse_overrides, work_hash

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def merge_all(model: dict[str, Any], profile: dict[str, Any], overrides: dict[str, Any]) -> dict[str, Any]:
    return final_config(model, profile, overrides, base_dir="/data/local/tmp/mnn_models/x")


def test_profile_wins_over_model_and_set_over_both() -> None:
    config = merge_all({"a": 1, "b": 1, "c": 1}, {"b": 2, "c": 2}, {"c": 3})
    assert config == {"a": 1, "b": 2, "c": 3, "base_dir": "/data/local/tmp/mnn_models/x/"}


def test_no_think_keeps_what_else_the_template_is_told() -> None:
    model = {"jinja": {"chat_template": "t", "context": {"tools": [1]}}}
    config = final_config(model, {}, {}, base_dir="/m/", no_think=True)
    assert config["jinja"] == {"chat_template": "t", "context": {"tools": [1], "enable_thinking": False}}
    assert config["base_dir"] == "/m/"
    assert model == {"jinja": {"chat_template": "t", "context": {"tools": [1]}}}


@pytest.mark.parametrize(
    ("files", "name"),
    [(["tokenizer.mtok", "tokenizer.txt"], "tokenizer.mtok"), (["tokenizer.txt"], "tokenizer.txt")],
)
def test_tokenizer_that_the_model_leaves_out_is_found(files: list[str], name: str) -> None:
    assert final_config({}, {}, {}, base_dir="/m", files=files)["tokenizer_file"] == name


def test_tokenizer_that_the_model_names_stays() -> None:
    config = final_config({"tokenizer_file": "t.mtok"}, {}, {}, base_dir="/m", files=["tokenizer.txt"])
    assert config["tokenizer_file"] == "t.mtok"


def test_folder_without_tokenizer_is_refused() -> None:
    with pytest.raises(InputError, match="tokenizer"):
        final_config({}, {}, {}, base_dir="/m", files=["llm.mnn"])


def test_set_takes_json_or_text_and_dots() -> None:
    given_settings = [
        "thread_num=2",
        "precision=high",
        "use_mmap=true",
        "jinja.context.a=x=y",
        "jinja.context.b={}",
    ]
    assert parse_overrides(given_settings) == {
        "thread_num": 2,
        "precision": "high",
        "use_mmap": True,
        "jinja": {"context": {"a": "x=y", "b": {}}},
    }


@pytest.mark.parametrize("setting", ["thread_num", "=4", "a..b=1", ""])
def test_set_without_key_or_value_is_refused(setting: str) -> None:
    with pytest.raises(InputError, match="key=value"):
        parse_overrides([setting])


def test_nan_stays_text_because_config_json_must_be_json() -> None:
    assert parse_overrides(["a=NaN", "b=[Infinity]", "c=1e999"]) == {
        "a": "NaN",
        "b": ["Infinity"],
        "c": "1e999",
    }


@given(st.text(max_size=5), st.dictionaries(st.text(max_size=5), _JSON, max_size=4))
def test_work_hash_depends_on_values_and_not_on_their_order(engine: str, config: dict[str, Any]) -> None:
    name = work_hash(engine, "model", config)
    assert len(name) == 12
    assert set(name) <= set("0123456789abcdef")
    assert name == work_hash(engine, "model", dict(reversed(config.items())))
    assert name == work_hash(engine, "model", json.loads(json.dumps(config)))
    assert name != work_hash(engine, "model", config | {"key of six": 1})
    assert name != work_hash(engine + "x", "model", config)
