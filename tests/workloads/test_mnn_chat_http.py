"""The app's OpenAI-style API: HTTP as Ktor on Netty speaks it, events as MNN (4d40bdbd) writes them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from devicehub.errors import AdbProtocolError
from devicehub.workloads.mnn_chat_http import (
    Body,
    ChatStream,
    Delta,
    Done,
    HttpAnswer,
    Status,
    Stop,
    Usage,
    chat_request,
    encode_request,
    error_sentence,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


def chunked(*pieces: bytes) -> bytes:
    chunks = b"".join(b"%x;ext=1\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"


def read(data: bytes, size: int) -> tuple[list[int], bytes, HttpAnswer]:
    answer = HttpAnswer()
    items = [item for at in range(0, len(data), size) for item in answer.receive(data[at : at + size])]
    codes = [item.code for item in items if isinstance(item, Status)]
    return codes, b"".join(item.data for item in items if isinstance(item, Body)), answer


def test_a_request_with_a_key() -> None:
    head, _, body = chat_request('say "é"\n', model="m", key="k1").partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /v1/chat/completions HTTP/1.1"  # ChatRoutes.kt:18
    assert "Authorization: Bearer k1" in lines  # ApiAuthUtils.kt:20-25
    assert f"Content-Length: {len(body)}" in lines
    # OpenAIChatRequestModels.kt:28-36
    assert json.loads(body) == {
        "model": "m",
        "messages": [{"role": "user", "content": 'say "é"\n'}],
        "stream": True,
    }


def test_a_key_cannot_break_the_headers() -> None:
    assert b"Bearer axHost:evil\r\n" in encode_request("GET", "/", key="a\r\n x\r\nHost: evil")
    assert b"Authorization" not in encode_request("GET", "/")


WHOLE = b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 5\r\nWWW-Authenticate: Bearer\r\n\r\nhello"


@pytest.mark.parametrize("size", range(1, len(WHOLE) + 1))
def test_a_body_of_a_known_length_cut_anywhere(size: int) -> None:
    codes, body, answer = read(WHOLE, size)
    assert (codes, body, answer.complete, answer.open_ended) == ([401], b"hello", True, False)


CHUNKED = chunked(b"a", b"bc\r\n", b"x" * 17)


@pytest.mark.parametrize("size", range(1, len(CHUNKED) + 1))
def test_chunks_cut_anywhere(size: int) -> None:
    codes, body, answer = read(CHUNKED, size)
    assert (codes, body, answer.complete) == ([200], b"abc\r\n" + b"x" * 17, True)


def test_a_body_that_ends_with_the_stream() -> None:
    codes, body, answer = read(b"HTTP/1.0 200 OK\r\n\r\nab", 3)
    assert (codes, body, answer.complete, answer.open_ended) == ([200], b"ab", False, True)


def test_an_empty_body() -> None:
    assert read(b"HTTP/1.1 401 \r\nContent-Length: 0\r\n\r\n", 1)[2].complete


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-x\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"a" * 70_000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1" * 64,
    ],
)
def test_no_http_server(data: bytes) -> None:
    with pytest.raises(AdbProtocolError):
        read(data, 1000)


def event(content: str, *, last: bool = False, usage: dict[str, int] | None = None) -> bytes:
    # ChatResponseFormatter.kt:25-40 over OpenAiChatResponseModels.kt:7-27
    message = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "mnn-local",
        "choices": [{"delta": {"content": content}, "finish_reason": "stop" if last else None}],
        "usage": usage,
    }
    return b"data: " + json.dumps(message, ensure_ascii=False).encode() + b"\r\n\r\n"


COUNTS = {"prompt_tokens": 31, "completion_tokens": 2, "total_tokens": 33}
# ResponseHandler.kt:43-115: a comment as a sign of life, deltas, the last one with usage, then [DONE].
STREAM = b": keep-alive\r\n" + event("Hé") + event("llo\n") + event("", last=True, usage=COUNTS)
STREAM += b"data: [DONE]\r\n\r\n"


def events(data: bytes, size: int) -> Iterator[object]:
    stream = ChatStream()
    for at in range(0, len(data), size):
        yield from stream.receive(data[at : at + size])


@pytest.mark.parametrize("size", [*range(1, 60), len(STREAM)])
def test_a_streamed_answer_cut_anywhere(size: int) -> None:
    assert list(events(STREAM, size)) == [Delta("Hé"), Delta("llo\n"), Stop(), Usage(31, 2), Done()]


@pytest.mark.parametrize(
    "data",
    [
        b"data: {",
        b"data: []",
        b'data: {"choices": 3}',
        b'data: {"choices": [4, {"delta": null}, {"delta": {"content": 5}}]}',
        b'data: {"usage": {"prompt_tokens": "x", "completion_tokens": true}}',
        b"event: ping",
        b"data: \xff",
    ],
)
def test_an_event_of_another_form_is_passed_over(data: bytes) -> None:
    assert list(events(data + b"\n\n" + event("a"), 7)) == [Delta("a")]


def test_what_the_app_says_of_a_refusal() -> None:
    # ApiAuthUtils.kt:31
    text = b'{"error":{"type":"authentication_error","message":"Invalid  API key"}}'
    assert error_sentence(text) == "Invalid API key"
    assert error_sentence(b'{"error":"No current model available"}') == "No current model available"
    assert [error_sentence(data) for data in (b"", b"[]", b'{"error":[]}', b"\xff")] == ["", "", "", ""]
