"""Stetho's dumpapp: a command line over a socket of the app, in debug builds.

Wire format of stetho's dumpapp (Framer.java, DumpappSocketLikeHandler.java; numbers big endian)::

    client   "DUMP" u32 version=1, then "!" u32 count, and per argument u16 length, UTF-8
    app      "1" u32 length, bytes of stdout; "2" the same of stderr; "x" u32 exit status
"""

from __future__ import annotations

import asyncio
import struct
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_HELLO: Final = struct.Struct(">4sI")
_VERSION: Final = 1
_FRAME: Final = struct.Struct(">cI")
_MAX_ARGUMENTS: Final = 4096
_BUFFER: Final = 8192
"""Java's BufferedOutputStream: frames of stdout are cut here, amid a character where it happens so."""


class Printer:
    """A plugin's stdout."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._buffer = b""

    def line(self, text: str = "") -> None:
        """Print a line."""
        self._buffer += text.encode("utf-8", "replace") + b"\n"
        while len(self._buffer) >= _BUFFER:
            self._send(self._buffer[:_BUFFER])
            self._buffer = self._buffer[_BUFFER:]

    def flush(self) -> None:
        """Send what is buffered."""
        if self._buffer:
            self._send(self._buffer)
            self._buffer = b""

    def _send(self, data: bytes) -> None:
        self._writer.write(_FRAME.pack(b"1", len(data)) + data)


class Plugin(Protocol):
    """One command of dumpapp."""

    async def run(self, words: Sequence[str], out: Printer) -> None:
        """Carry out a command line without the plugin's name."""


async def serve(
    plugins: Mapping[str, Plugin], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Answer one client."""
    try:
        words = await _read_words(reader)
        if words is not None:
            status = await _run(plugins, words, writer)
            writer.write(_FRAME.pack(b"x", status))
            await writer.drain()
    except (ConnectionError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


async def _read_words(reader: asyncio.StreamReader) -> list[str] | None:
    magic, version = _HELLO.unpack(await reader.readexactly(_HELLO.size))
    if magic != b"DUMP" or version != _VERSION:
        return None
    kind, count = _FRAME.unpack(await reader.readexactly(_FRAME.size))
    if kind != b"!" or count > _MAX_ARGUMENTS:
        return None
    words = []
    for _ in range(count):
        size = int.from_bytes(await reader.readexactly(2), "big")
        words.append((await reader.readexactly(size)).decode("utf-8", "replace"))
    return words


async def _run(plugins: Mapping[str, Plugin], words: Sequence[str], writer: asyncio.StreamWriter) -> int:
    problem = ""
    if words[:1] in (["-l"], ["--list"]):
        out = Printer(writer)
        for name in sorted(plugins):
            out.line(name)
        out.flush()
        return 0
    if not words or words[0].startswith("-"):
        problem = "Usage: dumpapp [options] <plugin> [plugin-options]"
    elif words[0] not in plugins:
        problem = f"No plugin named '{words[0]}'"
    if problem:
        data = problem.encode("utf-8", "replace") + b"\n"
        writer.write(_FRAME.pack(b"2", len(data)) + data)
        return 1
    out = Printer(writer)
    await plugins[words[0]].run(words[1:], out)
    out.flush()
    return 0
