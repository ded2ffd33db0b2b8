"""One stream of an adb connection: what the client writes, and flow control for what the phone writes."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final

from devicehub.sim.adbd.transport import Command

if TYPE_CHECKING:
    from devicehub.sim.adbd.connection import Connection

_BACKLOG: Final = 4 * 1024 * 1024
"""Unread bytes up to which a client that waits for each OKAY gets it at once."""


class StreamClosed(Exception):  # noqa: N818 - an event, not a fault
    """The client closed the stream."""


class Stream:
    """The phone's end of one stream.

    With delayed_ack the client may have many bytes under way and OKAY tells how many were consumed;
    without it every WRTE waits for its OKAY, in both directions.
    """

    def __init__(self, connection: Connection, local_id: int, remote_id: int, window: int | None) -> None:
        self.connection = connection
        self.local_id = local_id
        self.remote_id = remote_id
        self.closed = False
        self._chunks: deque[bytearray] = deque()
        self._unread = 0
        self._owed = 0
        self._readable = asyncio.Event()
        self._window = window
        self._writable = asyncio.Event()
        self._writable.set()

    async def read(self) -> bytearray | None:
        """What the client wrote next, as it was cut on the wire; None once the stream is closed."""
        while not self._chunks:
            if self.closed:
                return None
            self._readable.clear()
            await self._readable.wait()
        chunk = self._chunks.popleft()
        self._unread -= len(chunk)
        self._acknowledge(len(chunk))
        return chunk

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send data in pieces that fit a message.

        Raises:
            StreamClosed: the client closed the stream.
        """
        view = memoryview(data)
        size = self.connection.max_payload
        for start in range(0, len(view), size):
            piece = view[start : start + size]
            await self._writable.wait()
            await self.connection.drained()
            if self.closed:
                raise StreamClosed
            self._note_sent(len(piece))
            self.connection.send(Command.WRTE, self.local_id, self.remote_id, piece)

    def close(self) -> None:
        """End the stream; what was written before still arrives."""
        if not self.closed:
            self.connection.send(Command.CLSE, self.local_id, self.remote_id)
            self.connection.forget(self)
            self.on_close()

    def wait_for_okay(self) -> None:
        """Hold back what is written until the other end has answered."""
        self._writable.clear()

    def on_write(self, payload: bytearray) -> None:
        """A WRTE arrived."""
        self._chunks.append(payload)
        self._unread += len(payload)
        self._readable.set()
        if self._window is None:
            self._owed += 1
            if self._unread <= _BACKLOG:
                self._send_okay()

    def on_okay(self, payload: bytes | bytearray | memoryview) -> None:
        """An OKAY arrived."""
        if self._window is not None and len(payload) == 4:
            self._window += int.from_bytes(payload, "little", signed=True)
            if self._window <= 0:
                return
        self._writable.set()

    def on_close(self) -> None:
        """The stream is gone: readers see its end, writers `StreamClosed`."""
        self.closed = True
        self._readable.set()
        self._writable.set()

    def _note_sent(self, size: int) -> None:
        if self._window is None:
            self._writable.clear()
            return
        self._window -= size
        if self._window <= 0:
            self._writable.clear()

    def _acknowledge(self, size: int) -> None:
        if self.closed:
            return
        if self._window is not None:
            acked = size.to_bytes(4, "little")
            self.connection.send(Command.OKAY, self.local_id, self.remote_id, acked)
        elif self._owed and self._unread <= _BACKLOG:
            self._send_okay()

    def _send_okay(self) -> None:
        self._owed -= 1
        self.connection.send(Command.OKAY, self.local_id, self.remote_id)
