from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devicehub.lint.fixes import mend_config, mend_json
from devicehub.lint.settings import lint_settings
from devicehub.lint.subject import Known
from devicehub.models.strict_json import read_json
from tests.models.make_folder import TIED

FILES = ("llm.mnn", "tokenizer.mtok")


def mend(text: str, llm_config: dict[str, Any] = TIED) -> tuple[str, tuple[str, ...]]:
    mended = mend_config(text.encode(), llm_config=llm_config, files=FILES)
    assert mended is not None
    return mended.text, mended.changes


def test_all_mends_keep_order_and_indent() -> None:
    text, changes = mend("""{
    "llm_model": "llm.mnn",
    "backend_type": "cpu", // as exported
    "quant_qkv": 4,
    "thread_num": "4",
    // "speculative_type": "lookahead",
    "speculative_steps": 4,
    "top_k": 0,
    "mixed_samplers": [],
    "prefer_decode": true,
    "jinja": {"eos": "// {\\"a\\": [1,]}"},
    "embedding_file": "embeddings_int4.bin",
}
""")
    assert (
        text
        == """{
    "llm_model": "llm.mnn",
    "backend_type": "cpu",
    "attention_mode": 10,
    "thread_num": 4,
    "draft_predict_length": 4,
    "dynamic_option": 8,
    "jinja": {"eos": "// {\\"a\\": [1,]}"},
    "tokenizer_file": "tokenizer.mtok"
}
"""
    )
    assert changes == (
        "line 3: comment removed",
        "line 6: comment removed",
        "line 12: trailing comma removed",
        'quant_qkv: replaced by "attention_mode": 10',
        'prefer_decode: replaced by "dynamic_option": 8',
        'speculative_steps: replaced by "draft_predict_length": 4',
        "top_k: removed, was 0",
        "mixed_samplers: removed, was []",
        'thread_num: "4" written as 4',
        'tokenizer_file: added, "tokenizer.mtok"',
        'embedding_file: removed, no engine reads "embeddings_int4.bin"',
    )
    assert [one.slug for one in lint_settings(json.loads(text), Known(llm_config=TIED))] == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{"top_k":0,"a":1}', '{"a":1, "tok'),
        ('{"top_k": "0"}', '{"tok'),
        ('{"quant_qkv": 4, "attention_mode": 8}', '{"attention_mode": 8, "tok'),
        ('{"quant_qkv": 4, "backend_type": "opencl"}', '{"backend_type": "opencl", "tok'),
        ('{"quant_qkv": 0}', '{"attention_mode": 8, "tok'),
        ('{"prefer_decode": 0, "a": {}}', '{"a": {}, "tok'),
        ('{"thread_num": 2.0}', '{"thread_num": 2, "tok'),
        ('{"use_mmap": "true"}', '{"use_mmap": true, "tok'),
        ('{"use_template": 1}', '{"use_template": true, "tok'),
        ('{"bos": 1, "bos": 2, "eos": 1}', '{"bos": 1, "eos": 1, "tok'),
        ('{"embedding_file": []}', '{"tok'),
        ("{}", '{"tokenizer_file": "tokenizer.mtok"}'),
    ],
)
def test_one_mend(before: str, after: str) -> None:
    assert mend(before)[0].startswith(after)


@pytest.mark.parametrize(
    "text",
    [
        '{"tokenizer_file":"t","thread_num":"many"}',
        '{"tokenizer_file":"t","temperature":0}',
        '{"tokenizer_file":"t","attention_mode":11,"thread_nun":4}',
        '{ "tokenizer_file":"t" ,\n\n\t"embedding_file":"llm.mnn"}\n\n',
    ],
)
def test_what_a_person_must_decide_stays_byte_for_byte(text: str) -> None:
    assert mend(text) == (text, ())


def test_an_untied_model_keeps_the_name_of_its_embedding() -> None:
    text = '{"tokenizer_file": "t", "embedding_file": "embeddings_int4.bin"}'
    assert mend(text, {"hidden_size": 128}) == (text, ())


@pytest.mark.parametrize("data", [b"", b"[]", b"{{", b"\xff", b'{"a" 1} // x', b"[" * 5000])
def test_what_cannot_be_read_is_not_touched(data: bytes) -> None:
    assert mend_json(data) is None
    assert mend_config(data, llm_config={}, files=()) is None


_KEYS = st.sampled_from(
    ["top_k", "thread_num", "quant_qkv", "bos", "use_mmap", "mixed_samplers", "jinja", "x"]
)
_VALUES = st.sampled_from(
    ["0", "4", '"4"', "[]", '["topK",]', "null", "{}", '{"a": 1, // b\n}', '"\\"}"', "true", "2.0"]
)
_GAPS = st.sampled_from(["", " ", "\n    ", "// c\n", " /* d */ ", "\r\n\t"])


@given(st.lists(st.tuples(_GAPS, _KEYS, _GAPS, _VALUES, _GAPS), max_size=6), st.booleans())
def test_a_mended_text_is_json_and_needs_no_second_mend(parts: list[tuple[str, ...]], comma: bool) -> None:
    members = ",".join(f'{a}"{key}"{b}:{value}{c}' for a, key, b, value, c in parts)
    before = "{" + members + ("," if comma and parts else "") + "}"
    text, _ = mend(before)
    reading = read_json(text.encode())
    assert reading.value is not None
    assert not reading.flaws
    assert mend(text) == (text, ())
    said = read_json(before.encode()).value
    assert said is not None
    assert all(reading.value.get(key) == said[key] for key in ("bos", "jinja", "x") if key in said)
