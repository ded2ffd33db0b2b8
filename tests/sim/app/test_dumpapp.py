"""dumpapp's framing without a phone: what stetho's own client sends and reads."""

from __future__ import annotations

import asyncio
import struct
from typing import TYPE_CHECKING

import pytest

from devicehub.sim.app import dumpapp
from tests.sim.app.phones import hello, parse_frames

if TYPE_CHECKING:
    from collections.abc import Sequence


class Echo:
    """A plugin that prints its words, one a line."""

    async def run(self, words: Sequence[str], out: dumpapp.Printer) -> None:
        """Print them."""
        for word in words:
            out.line(word)


async def _ask(data: bytes) -> bytes:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await dumpapp.serve({"echo": Echo()}, reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(data)
        writer.write_eof()
        answer = await reader.read()
        writer.close()
    return answer


async def test_words_of_any_characters_arrive_whole() -> None:
    words = ["", "two words", "line\nend", "Ünï🦆", "-p"]
    frames = parse_frames(await _ask(hello("echo", *words)))
    assert frames == [(b"1", "".join(f"{word}\n" for word in words).encode()), (b"x", bytes(4))]


async def test_long_output_is_cut_amid_a_character() -> None:
    frames = parse_frames(await _ask(hello("echo", "é" * 10_000)))
    assert [len(data) for _, data in frames] == [8192, 8192, 20_001 - 2 * 8192, 4]
    assert b"".join(data for kind, data in frames if kind == b"1").decode() == "é" * 10_000 + "\n"


async def test_plugin_that_is_not_there_ends_with_status_1() -> None:
    frames = parse_frames(await _ask(hello("nothing")))
    assert frames == [(b"2", b"No plugin named 'nothing'\n"), (b"x", b"\0\0\0\1")]


async def test_list_of_plugins() -> None:
    assert parse_frames(await _ask(hello("--list")))[0] == (b"1", b"echo\n")


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"DUMP" + struct.pack(">I", 2),
        b"DUMP" + struct.pack(">I", 1) + b"?" + struct.pack(">I", 0),
        b"DUMP" + struct.pack(">I", 1) + b"!" + struct.pack(">I", 1 << 31),
        hello("echo", "cut")[:-1],
    ],
)
async def test_client_that_speaks_otherwise_is_hung_up_on(data: bytes) -> None:
    assert await _ask(data) == b""
