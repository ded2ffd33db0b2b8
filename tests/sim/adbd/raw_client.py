"""An adb client for tests that speaks the transport protocol message by message and can break its rules."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from adb_shell.auth.keygen import keygen
from adb_shell.auth.sign_pythonrsa import PythonRSASigner

from devicehub.sim.adbd.transport import HEADER, AuthKind, Command, Message, encode

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


def make_key(folder: Path, name: str = "adbkey") -> Path:
    """A new key; the path of its private half, whose public half is beside it."""
    path = folder / name
    keygen(str(path))
    return path


def public_half(key: Path) -> Path:
    """The file of the public half."""
    return key.with_name(key.name + ".pub")


class RawClient:
    """One connection to a phone."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer
        self.version = 0x01000001

    async def send(
        self, command: int, arg0: int, arg1: int, payload: bytes = b"", *, checked: bool = True
    ) -> None:
        """Send one message, with its checksum or with 0 in its place."""
        self.writer.write(encode(Message(command, arg0, arg1, payload), checked=checked))
        await self.writer.drain()

    async def receive(self) -> Message:
        """The next message."""
        async with asyncio.timeout(30):
            header = await self._reader.readexactly(HEADER.size)
            command, arg0, arg1, size, _, _ = HEADER.unpack(header)
            return Message(command, arg0, arg1, await self._reader.readexactly(size))

    async def is_cut(self) -> bool:
        """Whether the phone ends the connection without another message."""
        async with asyncio.timeout(30):
            with contextlib.suppress(ConnectionError):
                return await self._reader.read(1) == b""
            return True

    async def log_in(self, key: Path, *, features: str = "shell_v2", version: int = 0x01000001) -> Message:
        """Connect and sign; the phone's CNXN."""
        await self.send(Command.CNXN, version, 1 << 20, f"host::features={features}".encode())
        token = await self.receive()
        assert (token.command, token.arg0) == (Command.AUTH, AuthKind.TOKEN)
        await self.sign(key, bytes(token.payload))
        return await self.receive()

    async def sign(self, key: Path, token: bytes) -> None:
        """Answer a token."""
        signer = PythonRSASigner.FromRSAKeyPath(str(key))
        await self.send(Command.AUTH, AuthKind.SIGNATURE, 0, bytes(signer.Sign(token)))

    async def open_stream(self, service: bytes, *, local_id: int = 1, window: int = 0) -> int:
        """Open a stream; the phone's id for it."""
        await self.send(Command.OPEN, local_id, window, service + b"\0")
        answer = await self.receive()
        assert (answer.command, answer.arg1) == (Command.OKAY, local_id), answer
        return answer.arg0

    async def read_all(self, remote_id: int, *, local_id: int = 1) -> bytes:
        """Everything that a stream brings until the phone closes it; without delayed_ack."""
        out = b""
        while (message := await self.receive()).command != Command.CLSE:
            if message.command == Command.WRTE:
                out += bytes(message.payload)
                await self.send(Command.OKAY, local_id, remote_id)
        return out


@contextlib.asynccontextmanager
async def connect_raw(address: str) -> AsyncIterator[RawClient]:
    """Connect to a phone; the connection is cut at the end."""
    host, _, port = address.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        yield RawClient(reader, writer)
    finally:
        writer.transport.abort()
