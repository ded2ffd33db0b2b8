"""The C library's standard output, shared with the MNN wheel.

A real llm_demo writes through one C buffer: MNN's own rows by printf, without a flush, the text by
std::cout, flushed per token. What a crash loses from a pipe follows from that, so the virtual one writes
through the same buffer.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import tempfile
import threading
from typing import TYPE_CHECKING, Final, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_FULLY_BUFFERED: Final = 0
_LINE_BUFFERED: Final = 1
_BUFFER_BYTES: Final = 4096
_IOS_INIT: Final = "_ZNSt8ios_base4InitC1Ev"


class Stdio:
    """Writes rows as the C program would; `engine` rows go where MNN's own printf goes."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._stdout = ctypes.c_void_p.in_dll(self._libc, "stdout")
        self._libc.fwrite.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_void_p]
        self._libc.fdopen.argtypes = [ctypes.c_int, ctypes.c_char_p]
        self._libc.fdopen.restype = ctypes.c_void_p
        self._libc.fclose.argtypes = [ctypes.c_void_p]
        self._libc.fflush.argtypes = [ctypes.c_void_p]
        self._libc.setvbuf.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
        self._out = self._stdout.value
        self._settle: Callable[[], None] = lambda: None
        # Python takes the buffer away under PYTHONUNBUFFERED; glibc gives none back unless it is handed one.
        self._buffer = ctypes.create_string_buffer(_BUFFER_BYTES)
        mode = _LINE_BUFFERED if os.isatty(1) else _FULLY_BUFFERED
        self._libc.setvbuf(self._out, self._buffer, mode, _BUFFER_BYTES)

    def engine(self, text: str | bytes) -> None:
        """Write what MNN prints with printf: buffered."""
        self._write(text, self._stdout.value)

    def out(self, text: str | bytes) -> None:
        """Write what llm_demo prints with std::cout and std::endl: flushed."""
        self._write(text, self._out)
        self._libc.fflush(self._out)

    def plain(self, text: str | bytes) -> None:
        """Write what a program prints with printf of its own: buffered, and to stdout in every build."""
        self._write(text, self._out)

    def divert_engine(self, fd: int, settle: Callable[[], None] | None = None) -> None:
        """Send MNN's own rows, the wheel's printf included, to a descriptor; std::cout stays where it is.

        Args:
            fd: where to.
            settle: returns when all that the descriptor was given has arrived, and takes no more of it.
        """
        self._settle = settle or self._settle
        self._settle_cout()
        stream = self._libc.fdopen(fd, b"w")
        self._libc.setvbuf(stream, None, _LINE_BUFFERED, _BUFFER_BYTES)
        self._stdout.value = stream

    def flush(self) -> None:
        """Write out all buffers."""
        self._libc.fflush(None)

    def finish(self) -> None:
        """Write out all buffers for good, as a C program does at its exit."""
        self.flush()
        self._settle()

    def die(self, number: int) -> NoReturn:
        """End by a signal as the real program does: what its buffers held is lost, its log has all rows."""
        self._settle()
        # Python lets no other thread change what it has only changed for a few signals itself.
        if number != signal.SIGKILL and threading.current_thread() is threading.main_thread():
            signal.signal(number, signal.SIG_DFL)
        # To this thread: one for the whole process may come after the exit below.
        signal.raise_signal(number)
        os._exit(128 + number)

    @contextlib.contextmanager
    def captured(self) -> Iterator[list[bytes]]:
        """Catch what std::cout is given meanwhile, not MNN's own rows; the list holds it after the block."""
        caught: list[bytes] = []
        self._settle_cout()
        self.flush()
        kept = os.dup(1)
        rows = self._stdout.value
        aside = self._libc.fdopen(os.dup(1), b"w") if rows == self._out else None
        self._stdout.value = aside or rows
        with tempfile.TemporaryFile() as file:
            os.dup2(file.fileno(), 1)
            try:
                yield caught
            finally:
                self.flush()
                self._stdout.value = rows
                if aside is not None:
                    self._libc.fclose(aside)
                os.dup2(kept, 1)
                os.close(kept)
                file.seek(0)
                caught.append(file.read())

    def _settle_cout(self) -> None:
        """Let std::cout keep the real stream: it keeps what stdout names when it is first set up."""
        ctypes.CDLL("libstdc++.so.6")[_IOS_INIT](ctypes.create_string_buffer(1))

    def _write(self, text: str | bytes, stream: int | None) -> None:
        data = text.encode() if isinstance(text, str) else text
        self._libc.fwrite(data, 1, len(data), stream)
