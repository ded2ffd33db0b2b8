"""A small adb server with one phone behind it, scripted by the test; shares no code with the client.

It knows the bytes of AOSP's SERVICES.TXT and SYNC.TXT by itself: a client that has them wrong fails here.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from devicehub.adb.address import ServerAddress
from devicehub.adb.client import AdbClient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable


Service: TypeAlias = "Callable[[Peer], Awaitable[None]]"


@dataclass
class Peer:
    """One connection, as the server sees it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    service: str = ""

    async def exactly(self, size: int) -> bytes:
        return await self.reader.readexactly(size)

    async def say(self, *parts: bytes) -> None:
        for part in parts:
            self.writer.write(part)
            await self.writer.drain()

    async def okay(self, *blocks: bytes) -> None:
        await self.say(b"OKAY", *(b"%04x" % len(block) + block for block in blocks))

    async def fail(self, message: str) -> None:
        await self.say(b"FAIL%04x" % len(message.encode()) + message.encode())

    async def shell_packet(self) -> tuple[int, bytes]:
        packet_id, size = struct.unpack("<BI", await self.exactly(5))
        return packet_id, await self.exactly(size)

    async def say_shell(self, packet_id: int, payload: bytes) -> None:
        await self.say(struct.pack("<BI", packet_id, len(payload)) + payload)

    async def sync_request(self) -> tuple[bytes, bytes]:
        """The letters and the payload; for DONE and QUIT the number that follows as four bytes."""
        letters = await self.exactly(4)
        number = await self.exactly(4)
        if letters in (b"DONE", b"QUIT"):
            return letters, number
        return letters, await self.exactly(int.from_bytes(number, "little"))

    async def say_sync(self, letters: bytes, payload: bytes) -> None:
        await self.say(letters + len(payload).to_bytes(4, "little") + payload)


@dataclass
class FakeServer:
    """What the server answers; a service that is in no table gets FAIL `closed`."""

    host: dict[str, Service | bytes] = field(default_factory=dict)
    """`host:...` and `host-serial:...` services; bytes are one block after OKAY."""
    phone: dict[str, Service] = field(default_factory=dict)
    """Services of the phone by the beginning of their name, OKAY said before they begin."""
    features: str = "shell_v2,stat_v2,ls_v2,sendrecv_v2"
    serial: str = "P1"
    requests: list[str] = field(default_factory=list)
    """All requests so far, in order."""
    client: AdbClient = field(init=False)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await self._answer(peer)
        writer.close()

    async def _answer(self, peer: Peer) -> None:
        request = await self._request(peer)
        if request == f"host:transport:{self.serial}" or request == "host:transport-id:4":
            await peer.okay()
            peer.service = await self._request(peer)
            for name, service in self.phone.items():
                if peer.service.startswith(name):
                    await peer.okay()
                    await service(peer)
                    return
            await peer.fail("closed")
            return
        if request in (f"host-serial:{self.serial}:features", "host-transport-id:4:features"):
            await peer.okay(self.features.encode())
            return
        answer = self.host.get(request)
        if isinstance(answer, bytes):
            await peer.okay(answer)
        elif answer is not None:
            await answer(peer)
        else:
            await peer.fail(f"device '{request.split(':')[-1]}' not found")

    async def _request(self, peer: Peer) -> str:
        size = int(await peer.exactly(4), 16)
        request = (await peer.exactly(size)).decode()
        self.requests.append(request)
        return request


@contextlib.asynccontextmanager
async def listening(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[ServerAddress]:
    """A TCP server on loopback; all its connections end with the block."""
    serving: set[asyncio.Task[None]] = set()

    async def tracked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        try:
            await serve(reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    server = await asyncio.start_server(tracked, "127.0.0.1", 0)
    async with server:
        yield ServerAddress("127.0.0.1", server.sockets[0].getsockname()[1])
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)


@contextlib.asynccontextmanager
async def fake_server(server: FakeServer) -> AsyncIterator[FakeServer]:
    """The server on a free port; its `client` leads there."""
    async with listening(server.serve) as address:
        server.client = AdbClient(address)
        yield server


def failing(message: str) -> Service:
    """A host service that says FAIL."""

    async def service(peer: Peer) -> None:
        await peer.fail(message)

    return service
