"""dumpapp: the commands of a debug build of MnnLlmChat, as Stetho frames them on its socket.

The caller sends `encode_call`; the app answers with frames of one code byte, a big-endian int and, for
output, that many bytes (Framer.java of Stetho). Its stdout passes a buffer of 8 KiB: frames are cut anywhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devicehub.errors import AdbProtocolError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PACKAGE: Final = "com.alibaba.mnnllm.android"

_HELLO: Final = b"DUMP" + (1).to_bytes(4, "big")
_LONGEST_ARGUMENT: Final = 0xFFFF
_LARGEST_FRAME: Final = 64 * 1024 * 1024
_HEADER: Final = 5


@dataclass(frozen=True)
class Output:
    """Bytes of the command's stdout."""

    data: bytes


@dataclass(frozen=True)
class ErrorOutput:
    """Bytes of the command's stderr."""

    data: bytes


@dataclass(frozen=True)
class InputWanted:
    """The command waits for stdin; `NO_INPUT` answers it."""

    size: int


@dataclass(frozen=True)
class Ended:
    """The command's exit code; the last event."""

    status: int


Event = Output | ErrorOutput | InputWanted | Ended


def socket_of(package: str) -> str:
    """Where a debug build listens, as a service of adb; a release build does not."""
    return f"localabstract:stetho_{package}_devtools_remote"


NO_INPUT: Final = b"-" + (-1).to_bytes(4, "big", signed=True)
"""The end of stdin."""


def encode_call(argv: Sequence[str]) -> bytes:
    """The bytes that call a command.

    Raises:
        InputError: an argument is longer than the 65535 bytes that its frame can tell.
    """
    frame = _HELLO + b"!" + len(argv).to_bytes(4, "big")
    for argument in argv:
        # A lone surrogate has no UTF-8; the app would replace it, too.
        data = argument.encode("utf-8", "replace")
        if len(data) > _LONGEST_ARGUMENT:
            raise InputError(
                f"text {argument[:40]!r}...",
                f"has {len(data)} bytes, and the app's debug commands take {_LONGEST_ARGUMENT} in one",
                remedy="shorten the prompt",
            )
        frame += len(data).to_bytes(2, "big") + data
    return frame


class Frames:
    """The app's answer in pieces of any size becomes events."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._ended = False

    @property
    def ended(self) -> bool:
        """Whether the exit code has come."""
        return self._ended

    def receive(self, data: bytes) -> Iterator[Event]:
        """Take bytes, give the events that they complete; what follows the exit code is dropped.

        Raises:
            AdbProtocolError: what answers there is no dumpapp.
        """
        self._data += data
        while not self._ended and len(self._data) >= _HEADER:
            code = bytes(self._data[:1])
            number = int.from_bytes(self._data[1:_HEADER], "big", signed=True)
            has_content = code in (b"1", b"2")
            if code not in (b"1", b"2", b"_", b"x") or (has_content and not 0 <= number <= _LARGEST_FRAME):
                raise AdbProtocolError(
                    "the app's debug socket speaks another protocol", received=bytes(self._data[:64])
                )
            size = number if has_content else 0
            if len(self._data) < _HEADER + size:
                return
            content = bytes(self._data[_HEADER : _HEADER + size])
            del self._data[: _HEADER + size]
            yield self._event(code, number, content)

    def _event(self, code: bytes, number: int, content: bytes) -> Event:
        match code:
            case b"1":
                return Output(content)
            case b"2":
                return ErrorOutput(content)
            case b"_":
                return InputWanted(number)
            case _:
                self._ended = True
                return Ended(number)


@dataclass(frozen=True)
class LlmAnswer:
    """What `llm run`, `llm status` or `llm release` said.

    Attributes:
        ok: whether the app calls it a success.
        fields: the KEY=value lines before the response.
        response: the model's text; None where there is none.
    """

    ok: bool
    fields: dict[str, str]
    response: str | None

    @property
    def reason(self) -> str:
        """Why it failed, in the app's words."""
        return self.fields.get("REASON") or "no reason given"


_FIELD: Final = re.compile(r"([A-Z][A-Z0-9_]*)=(.*)")


def read_llm(output: bytes) -> LlmAnswer:
    """Read the output of an `llm` command.

    The response may hold lines like any of the app's own: it ends at the last RESPONSE_END.
    """
    text = output.decode("utf-8", "replace").replace("\r\n", "\n")
    head, begin, rest = text.partition("RESPONSE_BEGIN\n")
    if begin and head and not head.endswith("\n"):
        head, begin, rest = text, "", ""
    fields: dict[str, str] = {}
    for line in head.split("\n"):
        match = _FIELD.fullmatch(line)
        if match:
            fields.setdefault(match[1], match[2])
    response: str | None = None
    if begin:
        body, end, _ = rest.rpartition("RESPONSE_END")
        response = (body if end else rest).removesuffix("\n")
    return LlmAnswer(fields.get("RESULT") == "OK", fields, response)


@dataclass(frozen=True)
class ApiStatus:
    """What `openai status` told about the app's HTTP server; None is what it did not say."""

    running: bool
    port: int | None
    key: str | None
    needs_key: bool


def read_api_status(output: bytes) -> ApiStatus:
    """Read the output of `openai status`.

    The lines: `Status: Service is running`, `Port: 8080`, `Port (Config): 8080`, `Auth Enabled: true`,
    `API Key: 0123456789abcdef`.
    """
    fields: dict[str, str] = {}
    for line in output.decode("utf-8", "replace").splitlines():
        name, separator, value = line.partition(": ")
        if separator:
            fields.setdefault(name.strip(), value.strip())
    port = fields.get("Port") if (fields.get("Port") or "").isdigit() else fields.get("Port (Config)")
    return ApiStatus(
        running=fields.get("Status") == "Service is running",
        port=int(port) if port and re.fullmatch(r"[0-9]{1,5}", port) and 0 < int(port) < 65536 else None,
        key=fields.get("API Key") or None,
        needs_key=fields.get("Auth Enabled") != "false",
    )
