"""Non-blocking reads and writes of file descriptors on the running loop."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import os
from typing import Final

_READ_SIZE: Final = 256 * 1024
_PIPE_SIZE: Final = 1024 * 1024
_F_SETPIPE_SZ: Final = 1031


def wide_pipe() -> tuple[int, int]:
    """A pipe that holds 1 MiB where the host allows it: (read end, write end)."""
    reader, writer = os.pipe()
    with contextlib.suppress(OSError):
        fcntl.fcntl(writer, _F_SETPIPE_SZ, _PIPE_SIZE)
    return reader, writer


class Pipe:
    """One end of a pipe or a terminal; owns the descriptor."""

    def __init__(self, fd: int) -> None:
        os.set_blocking(fd, False)
        self.fd = fd
        self._open = True

    async def read(self) -> bytes:
        """What is there, at least one byte; empty at the end."""
        while True:
            try:
                return os.read(self.fd, _READ_SIZE)
            except BlockingIOError:
                await self._ready(for_reading=True)
            except OSError as error:
                # A terminal's master says EIO when the last process that held it is gone.
                if error.errno == errno.EIO:
                    return b""
                raise

    async def write(self, data: bytes) -> bool:
        """Write all of it; False when nobody reads any more."""
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self.fd, view) :]
            except BlockingIOError:
                await self._ready(for_reading=False)
            except (BrokenPipeError, ConnectionResetError):
                return False
            except OSError as error:
                if error.errno == errno.EIO:
                    return False
                raise
        return True

    def close(self) -> None:
        """Close the descriptor; a second call does nothing."""
        if self._open:
            self._open = False
            os.close(self.fd)

    async def _ready(self, *, for_reading: bool) -> None:
        loop = asyncio.get_running_loop()
        ready = asyncio.Event()
        add, remove = (
            (loop.add_reader, loop.remove_reader) if for_reading else (loop.add_writer, loop.remove_writer)
        )
        add(self.fd, ready.set)
        try:
            await ready.wait()
        finally:
            remove(self.fd)
