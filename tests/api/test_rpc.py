"""Whatever a client writes, it is a request or a problem with a stable code."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devicehub.api.contract import METHODS
from devicehub.api.rpc import (
    MOST_DEPTH,
    ErrorCode,
    Problem,
    Request,
    describe_invalid,
    encode_error,
    encode_json,
    encode_result,
    is_too_deep,
    parse_request,
)

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def parsed(**envelope: Any) -> Request | Problem:
    return parse_request(json.dumps({"jsonrpc": "2.0", **envelope}).encode())


@given(st.binary(max_size=400))
def test_no_bytes_raise(text: bytes) -> None:
    found = parse_request(text)
    if isinstance(found, Problem):
        assert json.loads(found.encode())["error"]["code"] == found.code


@given(ANY_JSON)
def test_no_json_raises(value: Any) -> None:
    assert isinstance(parse_request(json.dumps(value).encode()), Problem | Request)


@given(st.sampled_from(sorted(METHODS)), st.dictionaries(st.text(max_size=12), ANY_JSON, max_size=4))
def test_params_of_any_shape_are_taken_or_described(name: str, params: dict[str, Any]) -> None:
    found = parsed(method=name, params=params, id=1)
    assert isinstance(found, Request)
    problem = f"{name}: "
    try:
        msgspec.json.decode(found.params, type=METHODS[name].params)
    except msgspec.ValidationError as error:
        problem = describe_invalid(name, error)
    assert problem.startswith(f"{name}: ")


@pytest.mark.parametrize(
    ("envelope", "code", "answered"),
    [
        ({"method": "ping", "id": 1, "jsonrpc": "1.0"}, ErrorCode.INVALID_REQUEST, 1),
        ({"method": 3, "id": "a"}, ErrorCode.INVALID_REQUEST, "a"),
        ({"method": "ping", "id": True}, ErrorCode.INVALID_REQUEST, None),
        ({"method": "ping", "id": [1]}, ErrorCode.INVALID_REQUEST, None),
        ({"method": "ping", "id": 1, "params": [1]}, ErrorCode.INVALID_PARAMS, 1),
        ({"id": 1}, ErrorCode.INVALID_REQUEST, 1),
        ({"method": 3}, ErrorCode.INVALID_REQUEST, None),
    ],
)
def test_envelope_that_is_none(envelope: dict[str, Any], code: int, answered: Any) -> None:
    found = parsed(**envelope)
    assert isinstance(found, Problem)
    reply = json.loads(encode_error(found))
    assert (reply["error"]["code"], reply["id"]) == (code, answered)


def test_bytes_that_are_no_utf_8_are_no_request_wherever_they_stand() -> None:
    good = b'{"jsonrpc": "2.0", "method": "runs.stop", "id": 1, "params": {"run": "?"}}'
    for place in (b"?", b"run", b"runs.stop", b"jsonrpc"):
        found = parse_request(good.replace(place, b"\xed\xa0\x80", 1))
        assert isinstance(found, Problem)
        assert (found.code, found.id) == (ErrorCode.PARSE_ERROR, None)


def test_batch_is_refused() -> None:
    found = parse_request(b' [{"jsonrpc": "2.0", "method": "ping", "id": 1}]')
    assert isinstance(found, Problem)
    assert "batches are not taken" in found.text


def test_notification_has_no_id() -> None:
    found = parsed(method="ping")
    assert isinstance(found, Request)
    assert found.id is msgspec.UNSET


def test_depth_is_counted_outside_strings_alone() -> None:
    deep = "[" * MOST_DEPTH + "]" * MOST_DEPTH
    assert not is_too_deep(deep.encode())
    assert is_too_deep(f"[{deep}]".encode())
    assert not is_too_deep(json.dumps("[" * 500).encode())
    assert not is_too_deep(json.dumps(['"\\', "[" * 500]).encode())
    assert not is_too_deep(("[]" * 500).encode())
    assert is_too_deep(b"[" * 1_000_000)


@given(st.lists(st.sampled_from(['"', "\\", "[", "]", "{", "}", "x"]), max_size=200))
def test_depth_of_anything_can_be_told(parts: list[str]) -> None:
    assert is_too_deep("".join(parts).encode()) in (True, False)


def test_text_that_utf_8_cannot_say_is_sent_with_what_it_can() -> None:
    broken = b"caf\xe9".decode("utf-8", "surrogateescape")
    assert json.loads(encode_result(1, {"text": [broken]}))["result"] == {"text": ["caf?"]}
    with pytest.raises(TypeError):
        encode_json(object())
