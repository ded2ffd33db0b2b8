"""Sends a file as DATA frames: the part of a push that moves all the bytes, in a thread of its own.

Frames hold 64 KiB, as adbd demands, but one read fills and one write empties a buffer of many: on a host with
other work a system call and a turn of the event loop per frame cost more than the copying.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import selectors
import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devicehub.adb.wire import Fail, Okay
from devicehub.adb.wire_sync import (
    DATA,
    SYNC_DATA_MAX,
    SYNC_HEADER,
    SyncReplies,
    encode_sync_done,
)
from devicehub.errors import AdbProtocolError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from devicehub.adb.wire_sync import SyncReply

_FRAMES: Final = 4
"""Fewer cost more CPU; with more the peer waits while a buffer fills, and buffers outgrow the CPU's cache."""
_FRAME_SIZE: Final = SYNC_HEADER.size + SYNC_DATA_MAX
_FULL_HEADER: Final = SYNC_HEADER.pack(DATA, SYNC_DATA_MAX)


@dataclass(frozen=True, slots=True)
class Sent:
    """How sending ended."""

    size: int
    """Bytes of the file that were handed to the adb server."""
    reply: Okay | Fail | None
    """What the phone said before the end of the file was sent."""
    gone: bool
    """The connection broke."""


class FrameBuffer:
    """Takes from a file as many DATA frames as fit into one write."""

    def __init__(self, source: io.FileIO | io.BytesIO) -> None:
        self._source = source
        self._buffer = memoryview(bytearray(_FRAMES * _FRAME_SIZE))
        starts = range(0, len(self._buffer), _FRAME_SIZE)
        self._payloads = [self._buffer[start + SYNC_HEADER.size : start + _FRAME_SIZE] for start in starts]
        for start in starts:
            self._set_header(start, _FULL_HEADER)
        self._short_at = 0

    def fill(self) -> tuple[memoryview, int]:
        """The next frames, valid until the next call, and the file's bytes in them; 0 at its end."""
        self._set_header(self._short_at, _FULL_HEADER)
        total = 0
        for number, payload in enumerate(self._payloads):
            size = self._source.readinto(payload) or 0
            total += size
            if size < SYNC_DATA_MAX:
                return self._buffer[: self._end_short(number, size)], total
        return self._buffer, total

    def _end_short(self, number: int, size: int) -> int:
        """Make frame `number` a short one, and the last of this buffer; where it ends."""
        start = number * _FRAME_SIZE
        if size == 0:
            return start
        self._short_at = start
        self._set_header(start, SYNC_HEADER.pack(DATA, size))
        return start + SYNC_HEADER.size + size

    def _set_header(self, start: int, header: bytes) -> None:
        self._buffer[start : start + SYNC_HEADER.size] = header


class Sender:
    """One file on its way over one sync connection.

    Args:
        connection: non-blocking, and used by nobody else until `send` has returned.
        replies: the decoder of that connection.
        progress: called in the event loop with the number of bytes that went out since the last call.
    """

    def __init__(
        self, connection: socket.socket, replies: SyncReplies, progress: Callable[[int], None] | None
    ) -> None:
        self._socket = connection
        self._replies = replies
        self._progress = progress
        self._loop = asyncio.get_running_loop()
        self._stopped = False

    async def send(self, source: Path | bytes, mtime: int) -> Sent:
        """Send content and DONE; on cancellation returns only when the thread has let go of the socket.

        Raises:
            InputError: the file cannot be read.
            AdbProtocolError: the phone's answer is none.
        """
        with ThreadPoolExecutor(1, thread_name_prefix="push") as thread:
            sending = self._loop.run_in_executor(thread, self._send, source, mtime)
            try:
                return await asyncio.shield(sending)
            except asyncio.CancelledError:
                self._stop()
                await asyncio.wait([sending])
                raise

    def _stop(self) -> None:
        self._stopped = True
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes the thread where it waits for the peer

    def _send(self, source: Path | bytes, mtime: int) -> Sent:
        sent = 0
        try:
            with _open(source) as file, selectors.DefaultSelector() as selector:
                selector.register(self._socket, selectors.EVENT_READ | selectors.EVENT_WRITE)
                frames = FrameBuffer(file)
                while True:
                    try:
                        data, size = frames.fill()
                    except OSError as error:
                        raise InputError(str(source), f"cannot be read: {error.strerror}") from error
                    if size == 0:
                        data = memoryview(encode_sync_done(mtime))
                    reply = self._write(selector, data)
                    if reply is not None or size == 0:
                        return Sent(sent, reply, gone=False)
                    sent += size
                    self._report(size)
        except OSError:
            # A phone that refuses and hangs up has said why, even though writing failed first.
            return Sent(sent, self._last_words(), gone=True)

    def _write(self, selector: selectors.BaseSelector, data: memoryview) -> Okay | Fail | None:
        """Write everything, unless the phone answers before; its answer."""
        while data:
            if self._stopped:
                raise ConnectionAbortedError
            ((_, events),) = selector.select()
            if events & selectors.EVENT_READ:
                reply = self._receive()
                if reply is not None:
                    return reply
            if events & selectors.EVENT_WRITE:
                data = data[self._try_send(data) :]
        return None

    def _try_send(self, data: memoryview) -> int:
        try:
            return self._socket.send(data)
        except BlockingIOError:
            return 0

    def _receive(self) -> Okay | Fail | None:
        received = self._socket.recv(65536)
        if not received:
            raise ConnectionResetError
        return first_status(self._replies.receive(received))

    def _last_words(self) -> Okay | Fail | None:
        try:
            while (reply := self._receive()) is None:
                pass
        except OSError:
            return None
        return reply

    def _report(self, size: int) -> None:
        if self._progress is not None:
            self._loop.call_soon_threadsafe(self._progress, size)


def first_status(replies: Iterable[SyncReply]) -> Okay | Fail | None:
    """The first reply, which has to be OKAY or FAIL; None if there is none yet.

    Raises:
        AdbProtocolError: it is another one.
    """
    for reply in replies:
        if isinstance(reply, Okay | Fail):
            return reply
        raise AdbProtocolError(f"neither OKAY nor FAIL but {type(reply).__name__}", service="push")
    return None


def _open(source: Path | bytes) -> io.FileIO | io.BytesIO:
    if isinstance(source, bytes):
        return io.BytesIO(source)
    try:
        return io.FileIO(source)
    except OSError as error:
        raise InputError(source, f"cannot be read: {error.strerror}") from error
