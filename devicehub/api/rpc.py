"""JSON-RPC 2.0 as the hub speaks it: requests in, replies and events out, and the codes of both. Pure.

A request is one object; arrays of them are refused. A reply or an event is one object too, but several
events that wait for a client go as one array.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum, unique
from itertools import accumulate
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from devicehub.units import MIB

MOST_REQUEST_BYTES: Final = MIB
MOST_REPLY_BYTES: Final = 32 * MIB
MOST_DEPTH: Final = 32
"""How deep arrays and objects of a request may lie in each other."""


@unique
class ErrorCode(IntEnum):
    """Why a request has no result; a code keeps its meaning for ever."""

    PARSE_ERROR = -32700
    INVALID_REQUEST = -32600
    METHOD_NOT_FOUND = -32601
    INVALID_PARAMS = -32602
    INTERNAL = -32603
    """An error of the hub's own; its log has the traceback."""
    REFUSED = -32000
    """The hub could not or would not do it; `data` has the error's kind and whether to try again."""
    NOT_AUTHENTICATED = -32001
    NOT_ALLOWED = -32002
    """This client lacks the capability."""
    WRONG_PROTOCOL = -32003
    TOO_MANY_REQUESTS = -32004
    TOO_DEEP = -32005
    BUSY = -32006
    """Too many requests of this connection are under way; try again when one of them has ended."""
    TOO_LARGE = -32007
    """The result is larger than a reply may be; ask for less."""


@unique
class CloseCode(IntEnum):
    """Why the hub closed a connection, as WebSocket close codes."""

    GOING_AWAY = 1001
    """The hub ends."""
    TOO_LARGE = 1009
    """A message of more than 1 MiB."""
    FELL_BEHIND = 4001
    """The client reads too slowly; it may connect again and ask for what it missed."""
    NOT_AUTHENTICATED = 4002
    """No right hello in time."""
    TOO_MANY_REQUESTS = 4003
    TOO_MANY_CONNECTIONS = 4004
    TOO_DEEP = 4005


RequestId = int | str | None


@dataclass(frozen=True)
class Request:
    """One request; one without an id is a notification and gets no reply."""

    id: RequestId | UnsetType
    method: str
    params: bytes
    """JSON of an object."""


@dataclass(frozen=True)
class Problem:
    """Why a request has no result."""

    id: RequestId | UnsetType
    code: ErrorCode
    text: str
    data: dict[str, Any] | None = None

    def encode(self) -> bytes:
        """The reply."""
        return encode_error(self)


class _Envelope(msgspec.Struct):
    """A request as it is written; other fields are passed over."""

    jsonrpc: Any = None
    method: Any = None
    params: msgspec.Raw = msgspec.Raw(b"{}")
    id: Any = UNSET


_DECODER: Final = msgspec.json.Decoder(_Envelope)
_ENCODER: Final = msgspec.json.Encoder()

# Ends at the closing quote, else at the end of the text; possessive, so that no text takes quadratic time.
_STRING: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_NO_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
_STEPS: Final = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}


def is_too_deep(text: bytes) -> bool:
    """Whether arrays and objects lie deeper in each other than they may, told without decoding them."""
    if text.count(b"[") + text.count(b"{") <= MOST_DEPTH:
        return False
    brackets = _STRING.sub(b"", text).translate(None, _NO_BRACKETS)
    return max(accumulate(map(_STEPS.__getitem__, brackets)), default=0) > MOST_DEPTH


def parse_request(text: bytes) -> Request | Problem:
    """Read one message of a client; whatever it is, the answer is a request or a problem to reply with."""
    try:
        text.decode()  # msgspec looks at strings only once it is told their type
    except UnicodeDecodeError as error:
        place = f"byte {error.start}"
        return Problem(None, ErrorCode.PARSE_ERROR, f"the request is no UTF-8 at {place}")
    if is_too_deep(text):
        return Problem(None, ErrorCode.TOO_DEEP, f"the request nests deeper than {MOST_DEPTH} levels")
    try:
        envelope = _DECODER.decode(text)
    except msgspec.ValidationError as error:
        return Problem(None, ErrorCode.INVALID_REQUEST, _describe_no_object(text, error))
    except msgspec.DecodeError as error:
        return Problem(None, ErrorCode.PARSE_ERROR, f"the request is no JSON: {error}")
    found = envelope.id
    if found is not UNSET and (isinstance(found, bool) or not isinstance(found, int | str | None)):
        return Problem(None, ErrorCode.INVALID_REQUEST, "`id` is neither a whole number nor a string")
    if envelope.jsonrpc != "2.0":
        return Problem(_answerable(found), ErrorCode.INVALID_REQUEST, '`jsonrpc` is not "2.0"')
    if not isinstance(envelope.method, str):
        return Problem(_answerable(found), ErrorCode.INVALID_REQUEST, "`method` is not a string")
    params = bytes(envelope.params)
    if not params.startswith(b"{"):
        return Problem(found, ErrorCode.INVALID_PARAMS, f"{envelope.method}: `params` is not an object")
    return Request(found, envelope.method, params)


def _describe_no_object(text: bytes, error: msgspec.ValidationError) -> str:
    first = text.lstrip()[:1]
    if first == b"[":
        return "batches are not taken; send each request alone"
    return f"the request cannot be read: {error}" if first == b"{" else "a request is an object"


def _answerable(found: RequestId | UnsetType) -> RequestId:
    # What is no request is no notification either, so that it is answered.
    return None if isinstance(found, UnsetType) else found


# "Expected `int`, got `str` - at `$.only[...][0]`"
_PLACE: Final = re.compile(r" - at `(key in )?\$\.?([^`]*)`$")


def describe_invalid(method: str, error: msgspec.DecodeError) -> str:
    """What is wrong with a method's parameters, with the place, in one sentence."""
    text = str(error)
    place = _PLACE.search(text)
    where = place.group(2) if place else ""
    problem = text[: place.start()] if place else text
    problem = problem[:1].lower() + problem[1:]
    return f"{method}: {where}: {problem}" if where else f"{method}: {problem}"


def encode_json(value: Any) -> bytes:
    """JSON of a struct; of strings that UTF-8 cannot say, with what it can.

    Raises:
        TypeError: it holds what JSON has no word for.
        ValueError: a number that JSON cannot carry.
    """
    try:
        return _ENCODER.encode(value)
    except UnicodeEncodeError:
        return _ENCODER.encode(_sayable(msgspec.to_builtins(value)))


def _sayable(value: Any) -> Any:
    # A phone's words reach us with lone surrogates for bytes that are no UTF-8.
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_sayable(key): _sayable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_sayable(item) for item in value]
    return value


def encode_result(request_id: RequestId, result: Any) -> bytes:
    """The reply with a result; raises as `encode_json` does."""
    head = b'{"jsonrpc":"2.0","id":' + encode_json(request_id)
    return head + b',"result":' + encode_json(result) + b"}"


def encode_error(problem: Problem) -> bytes:
    """The reply without one."""
    error: dict[str, Any] = {"code": int(problem.code), "message": problem.text}
    if problem.data is not None:
        error["data"] = problem.data
    request_id = _answerable(problem.id)
    return encode_json({"jsonrpc": "2.0", "id": request_id, "error": error})


def encode_event(topic: str, epoch: str, seq: int, data: bytes) -> bytes:
    """One event; `data` is JSON already, as it is the same for all clients."""
    head = b'{"jsonrpc":"2.0","method":"event","params":{"topic":%b,"epoch":%b,"seq":%d,"data":%b}}'
    return head % (encode_json(topic), encode_json(epoch), seq, data)


def join(messages: list[bytes]) -> bytes:
    """One frame of some messages: the one itself, or an array."""
    return messages[0] if len(messages) == 1 else b"[" + b",".join(messages) + b"]"
