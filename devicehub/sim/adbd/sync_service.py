"""adbd's `sync:` service, versions 1 and 2.

As adbd does, SEND removes its target before the first byte, and removes what it wrote when the stream is cut:
nothing of a broken push remains.
"""

from __future__ import annotations

import asyncio
import os
import stat
from typing import TYPE_CHECKING, Final

from devicehub.adb import wire_sync
from devicehub.adb.wire_sync import (
    SYNC_DATA_MAX,
    SYNC_HEADER,
    SyncEntry,
    SyncPath,
    SyncQuit,
    SyncRecv,
    SyncRequest,
    SyncRequests,
    SyncSend,
)
from devicehub.errors import AdbProtocolError
from devicehub.sim.adbd.phone_files import PhoneFiles, copy_owner_bits, is_replaceable, remove
from devicehub.sim.adbd.stream import StreamClosed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from devicehub.sim.adbd.stream import Stream

_NEW_DATA_MAX: Final = 64 * 1024 * 1024
_READ_BLOCK: Final = 15 * SYNC_DATA_MAX
"""So many frames fit one message of 1 MiB with their headers."""


class _Input:
    """The stream as one run of bytes."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._view = memoryview(b"")

    async def exactly(self, size: int) -> bytes:
        """The next bytes, copied; meant for headers and names."""
        parts = [bytes(piece) async for piece in self.pieces(size)]
        return b"".join(parts)

    async def pieces(self, size: int) -> AsyncIterator[memoryview]:
        """The next `size` bytes as they came."""
        while size:
            if not self._view:
                await self._fill()
            piece = self._view[:size]
            self._view = self._view[len(piece) :]
            size -= len(piece)
            yield piece

    @property
    def buffered(self) -> memoryview:
        """What has come and was not taken."""
        return self._view

    def skip(self, size: int) -> None:
        """Take from what is buffered."""
        self._view = self._view[size:]

    async def _fill(self) -> None:
        chunk = await self._stream.read()
        if chunk is None:
            raise StreamClosed
        self._view = memoryview(chunk)


async def serve_sync(stream: Stream, files: PhoneFiles, *, android: int) -> None:
    """Serve one sync stream until QUIT, a failure or its end."""
    service = _SyncService(stream, files, data_max=SYNC_DATA_MAX if android <= 10 else _NEW_DATA_MAX)
    try:
        while await service.serve_one():
            pass
    except StreamClosed:
        pass
    finally:
        stream.close()


class _SyncService:
    def __init__(self, stream: Stream, files: PhoneFiles, *, data_max: int) -> None:
        self._stream = stream
        self._input = _Input(stream)
        self._files = files
        self._data_max = data_max
        self._measured = False

    async def serve_one(self) -> bool:
        """Serve one request; False when the stream is to end."""
        try:
            request = await self._read_request()
        except AdbProtocolError as error:
            await self._fail(error.problem)
            return False
        if isinstance(request, SyncSend):
            return await self._receive_file(request)
        if isinstance(request, SyncRecv):
            return await self._send_file(request.path, flags=request.flags)
        if isinstance(request, SyncPath):
            return await self._serve_path(request)
        return False

    async def _read_request(self) -> SyncRequest:
        header = await self._input.exactly(SYNC_HEADER.size)
        name, size = SYNC_HEADER.unpack(header)
        if name in (wire_sync.QUIT, wire_sync.DATA, wire_sync.DONE):
            return SyncQuit()
        decoder = SyncRequests()
        for request in decoder.receive(header):
            return request
        body = await self._input.exactly(size)
        if name in (wire_sync.SND2, wire_sync.RCV2):
            body += await self._input.exactly(12 if name == wire_sync.SND2 else SYNC_HEADER.size)
        for request in decoder.receive(body):
            return request
        return SyncQuit()

    async def _serve_path(self, request: SyncPath) -> bool:
        if request.id in (wire_sync.STAT, wire_sync.LST2, wire_sync.STA2):
            found = self._files.stat(request.path, follow=request.id == wire_sync.STA2)
            await self._stream.write(wire_sync.encode_sync_stat(request.id, found))
            return True
        if request.id == wire_sync.RECV:
            return await self._send_file(request.path, flags=0)
        await self._list(request.path, v2=request.id == wire_sync.LIS2)
        return True

    async def _list(self, path: str, *, v2: bool) -> None:
        names = await asyncio.to_thread(self._files.names, path)
        out = bytearray()
        for name in names:
            found = self._files.stat(f"{path}/{name}", follow=False)
            out += wire_sync.encode_sync_entry(SyncEntry(name, found), v2=v2)
        await self._stream.write(out + wire_sync.encode_sync_list_done(v2=v2))

    async def _send_file(self, path: str, *, flags: int) -> bool:
        if flags:
            return await self._fail("this phone compresses nothing")
        try:
            fd = os.open(self._files.resolve(path), os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            return await self._fail(f"open failed: {error.strerror}")
        try:
            while block := await asyncio.to_thread(os.read, fd, _READ_BLOCK):
                await self._stream.write(_frame(block))
        except OSError as error:
            return await self._fail(f"read failed: {error.strerror}")
        finally:
            os.close(fd)
        await self._stream.write(wire_sync.encode_sync_done())
        return True

    async def _receive_file(self, request: SyncSend) -> bool:
        if request.flags:
            return await self._fail_after_data("this phone decompresses nothing")
        if stat.S_ISLNK(request.mode):
            # adbd has no right to make links in /data/local/tmp.
            return await self._fail_after_data("symlink failed: Permission denied")
        try:
            place = self._files.resolve_for_writing(request.path)
            removable = is_replaceable(place)
            fd = self._files.create(place, copy_owner_bits(request.mode))
        except OSError as error:
            return await self._fail_after_data(f"couldn't create file: {error.strerror}")
        whole = False
        try:
            if not self._measured:
                await asyncio.to_thread(self._files.measure_space)
                self._measured = True
            mtime = await self._write_data(fd)
            os.utime(fd, (mtime, mtime))
            whole = True
        except OSError as error:
            return await self._fail_after_data(f"write failed: {error.strerror}")
        except AdbProtocolError as error:
            return await self._fail(error.problem)
        finally:
            os.close(fd)
            if removable and not whole:
                remove(place)
        await self._stream.write(wire_sync.encode_sync_okay())
        return True

    async def _write_data(self, fd: int) -> int:
        """Write DATA frames until DONE; the mtime that it carries."""
        while True:
            name, size = SYNC_HEADER.unpack(await self._input.exactly(SYNC_HEADER.size))
            if name == wire_sync.DONE:
                return int(size)
            pieces: list[memoryview] = []
            await self._gather(name, size, pieces)
            self._files.take_space(sum(map(len, pieces)))
            await asyncio.to_thread(_write_all, fd, pieces)

    async def _gather(self, name: bytes, size: int, pieces: list[memoryview]) -> None:
        """Collect a frame, and the frames after it that lie whole in what has come."""
        while True:
            if name != wire_sync.DATA:
                raise AdbProtocolError("invalid data message")
            if size > self._data_max:
                raise AdbProtocolError("oversize data message")
            pieces.extend([piece async for piece in self._input.pieces(size)])
            ahead = self._input.buffered
            if len(ahead) < SYNC_HEADER.size:
                return
            name, size = SYNC_HEADER.unpack_from(ahead)
            if name != wire_sync.DATA or len(ahead) < SYNC_HEADER.size + size:
                return
            self._input.skip(SYNC_HEADER.size)

    async def _fail_after_data(self, problem: str) -> bool:
        """Answer FAIL, then take what the client still sends: one that does not listen yet would block."""
        await self._fail(problem)
        while True:
            name, size = SYNC_HEADER.unpack(await self._input.exactly(SYNC_HEADER.size))
            if name != wire_sync.DATA:
                return False
            async for _ in self._input.pieces(size):
                pass

    async def _fail(self, problem: str) -> bool:
        await self._stream.write(wire_sync.encode_sync_fail(problem))
        return False


def _frame(block: bytes) -> bytearray:
    out = bytearray()
    for start in range(0, len(block), SYNC_DATA_MAX):
        piece = memoryview(block)[start : start + SYNC_DATA_MAX]
        out += SYNC_HEADER.pack(wire_sync.DATA, len(piece))
        out += piece
    return out


def _write_all(fd: int, pieces: list[memoryview]) -> None:
    for start in range(0, len(pieces), 512):
        batch = pieces[start : start + 512]
        expected = sum(map(len, batch))
        written = os.writev(fd, batch)
        if written < expected:
            rest = memoryview(b"".join(batch))[written:]
            while rest:
                rest = rest[os.write(fd, rest) :]
