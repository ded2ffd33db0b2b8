"""A program in a terminal of its own, its screen kept by pyte: what it shows, and when it was shown."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import queue
import signal
import struct
import sys
import termios
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import psutil
import pyte

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

_READ: Final = 1 << 16
_SWITCH_S: Final = 0.0005
"""How soon the reader gets its turn while the screen is kept, which takes longer than a terminal would."""


class Eye:
    """Starts a program and looks at what it draws.

    A thread reads, so that the program never waits for this one, and each piece keeps the time of its coming.

    Attributes:
        seen_s: the monotonic time at which the newest output that is shown came.
        read_bytes: how much it has written.
    """

    def __init__(self, argv: Sequence[str], columns: int, rows: int, env: Mapping[str, str]) -> None:
        self._size = (columns, rows)
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self.seen_s = 0.0
        self.read_bytes = 0
        self._pid, self._fd = pty.fork()
        if self._pid == 0:
            try:
                os.execvpe(argv[0], list(argv), dict(env))
            finally:
                os._exit(127)
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        sys.setswitchinterval(_SWITCH_S)
        self._pieces: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        # An error is the end: the program has closed its terminal.
        with contextlib.suppress(OSError):
            while data := os.read(self._fd, _READ):
                self._pieces.put((time.monotonic(), data))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the program."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGTERM)
        deadline = time.monotonic() + 3
        while time.monotonic() < deadline:
            self.look(0.05)
            if os.waitpid(self._pid, os.WNOHANG)[0]:
                break
        else:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
        self._reader.join()
        os.close(self._fd)

    def cpu_s(self) -> float:
        """CPU seconds of the program so far."""
        times = psutil.Process(self._pid).cpu_times()
        return float(times.user + times.system)

    def waited_s(self) -> float:
        """Seconds in which the program's first thread could have run, but had no core; Linux alone tells."""
        return int(Path(f"/proc/{self._pid}/schedstat").read_text().split()[1]) / 1e9

    def press(self, keys: bytes) -> float:
        """Type; the monotonic time before."""
        at = time.monotonic()
        os.write(self._fd, keys)
        return at

    def look(self, seconds: float) -> bool:
        """Take in the next piece of what is drawn; False where none came within so many seconds."""
        try:
            self.seen_s, data = self._pieces.get(timeout=seconds)
        except queue.Empty:
            return False
        self.read_bytes += len(data)
        self._stream.feed(data)
        return True

    def wait_for(self, found: Callable[[], bool], seconds: float) -> float:
        """Look until something is shown; the monotonic time at which it was.

        Raises:
            TimeoutError: it was not shown in time; with what was.
        """
        deadline = time.monotonic() + seconds
        while not found():
            if time.monotonic() > deadline:
                raise TimeoutError("not shown in time:\n" + "\n".join(self._screen.display))
            self.look(0.05)
        return self.seen_s

    def char(self, column: int, row: int) -> str:
        """What stands in one cell."""
        return self._screen.buffer[row][column].data

    def behind(self, column: int, row: int) -> str:
        """The background of one cell."""
        return str(self._screen.buffer[row][column].bg)

    def line(self, row: int) -> str:
        """One line of the screen."""
        return "".join(self._screen.buffer[row][column].data for column in range(self._size[0]))
