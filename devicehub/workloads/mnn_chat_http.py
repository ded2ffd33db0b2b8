"""MnnLlmChat's OpenAI-style HTTP API: requests as bytes, answers as events. Does no I/O.

As much of HTTP/1.1 as the app's server speaks (Ktor on Netty): one request a connection; a body of a known
length, in chunks or until the end; server-sent events (`ResponseHandler.kt`, `OpenAiChatResponseModels.kt`).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from devicehub.errors import AdbProtocolError

if TYPE_CHECKING:
    from collections.abc import Iterator

PORT: Final = 8080
"""Where the app's server listens on the phone unless its settings say otherwise."""

_HEADERS_END: Final = b"\r\n\r\n"
_LONGEST_HEADERS: Final = 64 * 1024
_LONGEST_BODY: Final = 64 * 1024 * 1024
_STATUS: Final = re.compile(rb"HTTP/1\.[01] ([1-5][0-9][0-9])(?: |$)")


def encode_request(method: str, path: str, *, key: str | None = None, body: object = None) -> bytes:
    """One request; `body` is sent as JSON.

    A key with characters that no header can hold is sent without them, and the app refuses it.
    """
    content = b"" if body is None else json.dumps(body, ensure_ascii=True).encode()
    lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{PORT}", "Connection: close", "Accept: */*"]
    if key:
        lines.append("Authorization: Bearer " + re.sub(r"[^\x21-\x7e]", "", key))
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
    return "\r\n".join(lines).encode() + _HEADERS_END + content


def chat_request(prompt: str, *, model: str, key: str | None) -> bytes:
    """Ask for a streamed answer to one prompt, without any history."""
    body = {"model": model, "messages": [{"role": "user", "content": prompt}], "stream": True}
    return encode_request("POST", "/v1/chat/completions", key=key, body=body)


@dataclass(frozen=True)
class Status:
    """The answer's status line and headers have come."""

    code: int


@dataclass(frozen=True)
class Body:
    """A piece of the body."""

    data: bytes


class HttpAnswer:
    """One answer in pieces of any size becomes a status and the pieces of its body."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._left: int | None = None
        self._chunked = False
        self._in_headers = True
        self._taken = 0
        self.complete = False
        """Whether the body has come to the end that its headers told."""
        self.open_ended = False
        """Whether only the end of the stream ends the body."""

    def receive(self, data: bytes) -> Iterator[Status | Body]:
        """Take bytes, give what they complete.

        Raises:
            AdbProtocolError: what answers there is no HTTP server, or sends without bound.
        """
        self._data += data
        if self._in_headers:
            end = self._data.find(_HEADERS_END)
            if end < 0:
                if len(self._data) > _LONGEST_HEADERS or not b"HTTP/1.".startswith(self._data[:7]):
                    raise self._broken("no HTTP server answers")
                return
            head = bytes(self._data[:end])
            del self._data[: end + len(_HEADERS_END)]
            yield Status(self._read_head(head))
        while not self.complete and (piece := self._piece()):
            self._taken += len(piece)
            if self._taken > _LONGEST_BODY:
                raise self._broken("the app's answer has no end")
            yield Body(piece)

    def _broken(self, problem: str) -> AdbProtocolError:
        return AdbProtocolError(problem, received=bytes(self._data[:64]))

    def _read_head(self, head: bytes) -> int:
        first, *lines = head.split(b"\r\n")
        status = _STATUS.match(first)
        if status is None:
            raise AdbProtocolError("no HTTP server answers", received=first[:64])
        headers = {
            name.strip().lower(): value.strip().lower()
            for name, separator, value in (line.partition(b":") for line in lines)
            if separator
        }
        self._in_headers = False
        length = headers.get(b"content-length", b"")
        self._chunked = headers.get(b"transfer-encoding") == b"chunked"
        if not self._chunked and re.fullmatch(rb"[0-9]{1,15}", length):
            self._left = int(length)
            self.complete = self._left == 0
        self.open_ended = not self._chunked and self._left is None
        return int(status[1])

    def _piece(self) -> bytes:
        """The next bytes of the body; none when more input is needed, or at its end."""
        if self._chunked and not self._left and not self._begin_chunk():
            return b""
        size = len(self._data) if self._left is None else min(self._left, len(self._data))
        piece = bytes(self._data[:size])
        del self._data[:size]
        if self._left is not None:
            self._left -= size
            self.complete = not self._chunked and self._left == 0
        return piece

    def _begin_chunk(self) -> bool:
        if self._left == 0:  # the end of the line after a chunk
            if len(self._data) < 2:
                return False
            del self._data[:2]
            self._left = None
        line, separator, _ = bytes(self._data[:64]).partition(b"\r\n")
        if not separator:
            if len(self._data) >= 64:
                raise self._broken("the app's answer is cut into chunks without a size")
            return False
        size = re.match(rb"[0-9a-fA-F]{1,8}(?=$|[ ;])", line)
        if size is None:
            raise self._broken("the app's answer is cut into chunks without a size")
        del self._data[: len(line) + 2]
        self._left = int(size[0], 16)
        self.complete = self._left == 0
        return not self.complete


@dataclass(frozen=True)
class Delta:
    """More of the model's text."""

    text: str


@dataclass(frozen=True)
class Usage:
    """How many tokens the app counted for prompt and answer."""

    prompt_tokens: int
    decode_tokens: int


@dataclass(frozen=True)
class Stop:
    """The app says that the answer has come to its own end."""


@dataclass(frozen=True)
class Done:
    """The last event: the app is through with the answer."""


ChatEvent = Delta | Usage | Stop | Done


class ChatStream:
    """The body of a streamed answer becomes text and counts.

    An answer that max_new_tokens cut has no end of its own: no Stop, count or Done (`ResponseHandler.kt`).
    Comments (`: keep-alive`) and events that are no JSON of the known form are passed over.
    """

    def __init__(self) -> None:
        self._data = bytearray()

    def receive(self, data: bytes) -> Iterator[ChatEvent]:
        """Take bytes, give the events that they complete."""
        self._data += data
        while (end := self._data.find(b"\n")) >= 0:
            line = bytes(self._data[:end]).rstrip(b"\r")
            del self._data[: end + 1]
            if line.startswith(b"data:"):
                yield from _chat_events(line[5:].strip())


def _chat_events(data: bytes) -> Iterator[ChatEvent]:
    if data == b"[DONE]":
        yield Done()
        return
    try:
        message = json.loads(data)
    except ValueError:
        return
    if not isinstance(message, dict):
        return
    for choice in _list(message.get("choices")):
        delta = choice.get("delta") if isinstance(choice, dict) else None
        text = delta.get("content") if isinstance(delta, dict) else None
        if isinstance(text, str) and text:
            yield Delta(text)
        if isinstance(choice, dict) and choice.get("finish_reason") == "stop":
            yield Stop()
    usage = message.get("usage")
    if isinstance(usage, dict):
        counts = (usage.get("prompt_tokens"), usage.get("completion_tokens"))
        if all(isinstance(count, int) and not isinstance(count, bool) for count in counts):
            yield Usage(int(str(counts[0])), int(str(counts[1])))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def error_sentence(body: bytes) -> str:
    """What the app says of a request that it refused; `{"error":{"message":"Invalid API key"}}`."""
    try:
        message = json.loads(body)
    except ValueError:
        message = None
    error = message.get("error") if isinstance(message, dict) else None
    text = error.get("message") if isinstance(error, dict) else error
    return " ".join(text.split())[:300] if isinstance(text, str) else ""
