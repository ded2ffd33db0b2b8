"""As much HTTP/1.1 as the app's API speaks: requests with a length, answers with a length or in chunks."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

_MAX_HEAD: Final = 1 << 16
_MAX_BODY: Final = 16 << 20


@dataclass(frozen=True)
class Request:
    """A request; header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Response:
    """Writes one answer."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self.begun = False

    async def send(
        self, status: int, body: bytes = b"", *, kind: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        """A whole answer."""
        fields = {**(headers or {}), "Content-Length": str(len(body))}
        if kind:
            fields["Content-Type"] = kind
        self._head(status, fields)
        self._writer.write(body)
        await self._writer.drain()

    async def begin_chunks(self, kind: str) -> None:
        """Begin an answer whose length is not known."""
        self._head(
            HTTPStatus.OK,
            {"Content-Type": kind, "Cache-Control": "no-store", "Transfer-Encoding": "chunked"},
        )
        await self._writer.drain()

    async def chunk(self, data: bytes) -> None:
        """A piece of it; an empty one ends it."""
        self._writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        await self._writer.drain()

    def _head(self, status: int, fields: Mapping[str, str]) -> None:
        self.begun = True
        lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
        lines += [f"{name}: {value}" for name, value in fields.items()]
        self._writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))


async def serve(
    answer: Callable[[Request, Response], Awaitable[None]],
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    """Answer a client's requests one after another until it goes."""
    try:
        while (request := await _read(reader)) is not None:
            await answer(request, Response(writer))
            if request.headers.get("connection", "").lower() == "close":
                return
    except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
        pass
    finally:
        writer.close()


async def _read(reader: asyncio.StreamReader) -> Request | None:
    head = await reader.readuntil(b"\r\n\r\n")
    if len(head) > _MAX_HEAD:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    method, path, _ = first.split(" ")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    size = int(headers.get("content-length", "0"))
    if not 0 <= size <= _MAX_BODY:
        return None
    return Request(method, path.partition("?")[0], headers, await reader.readexactly(size))
