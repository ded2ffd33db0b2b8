"""The part of adb's sync service that brings files: SEND, over one connection, in a thread of its own."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from devicehub.adb.wire_sync import (
    SyncData,
    SyncDone,
    SyncQuit,
    SyncRequests,
    SyncSend,
    encode_sync_fail,
    encode_sync_okay,
)
from devicehub.errors import AdbProtocolError

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from devicehub.adb.wire_sync import SyncRequest

_READ_SIZE: Final = 256 * 1024


def serve_files(connection: socket.socket) -> None:
    """Take files until the other side closes; each appears under its name when it is whole."""
    arriving: _Arriving | None = None
    with connection, contextlib.suppress(OSError, AdbProtocolError):
        try:
            for request in _requests(connection):
                if isinstance(request, SyncQuit):
                    return
                if isinstance(request, SyncSend):
                    arriving = _Arriving(request)
                elif arriving is not None and isinstance(request, SyncData):
                    arriving.take(request.payload)
                elif arriving is not None and isinstance(request, SyncDone):
                    connection.sendall(arriving.finish(request.mtime))
                    arriving = None
                else:
                    connection.sendall(encode_sync_fail("this computer takes files and nothing else"))
                    return
        finally:
            if arriving is not None:
                arriving.discard()


class _Arriving:
    """A file on its way; what goes wrong with it is told when all of it has come, as adbd does."""

    def __init__(self, request: SyncSend) -> None:
        self._target = Path(request.path)
        self._part = self._target.with_name(f".{secrets.token_hex(8)}.part")
        self._problem: OSError | None = None
        self._file: BinaryIO | None = None
        try:
            self._target.parent.mkdir(parents=True, exist_ok=True)
            mode = request.mode & 0o777
            descriptor = os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
            self._file = os.fdopen(descriptor, "wb")
        except OSError as error:
            self._problem = error

    def take(self, data: bytes) -> None:
        """Write the next piece."""
        if self._file is None or self._problem is not None:
            return
        try:
            self._file.write(data)
        except OSError as error:
            self._problem = error

    def finish(self, mtime: int) -> bytes:
        """Give it its name; what the other side is told."""
        try:
            if self._file is not None:
                self._file.close()
            if self._problem is None:
                os.utime(self._part, (mtime, mtime))
                self._part.replace(self._target)
                return encode_sync_okay()
        except OSError as error:
            self._problem = error
        self.discard()
        return encode_sync_fail(f"couldn't create file: {self._problem.strerror}")

    def discard(self) -> None:
        """Leave nothing of it."""
        with contextlib.suppress(OSError):
            if self._file is not None:
                self._file.close()
        with contextlib.suppress(OSError):
            self._part.unlink(missing_ok=True)


def _requests(connection: socket.socket) -> Iterator[SyncRequest]:
    decoder = SyncRequests()
    while data := connection.recv(_READ_SIZE):
        yield from decoder.receive(data)
