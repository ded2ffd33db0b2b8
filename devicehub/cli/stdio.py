"""The standard streams beside other work: reads and writes that never block the loop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import termios
import tty
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_READ: Final = 64 * 1024
# What a pipe that can be written to takes at once: PIPE_BUF of Linux.
_WRITE: Final = 4096


async def read(number: int) -> bytes:
    """What is there, at least one byte; none at the end."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    try:
        loop.add_reader(number, ready.set)
    except PermissionError:  # a file, which is always ready
        return os.read(number, _READ)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(number)
    try:
        return os.read(number, _READ)
    except OSError:  # a terminal whose window was closed
        return b""


async def write(number: int, data: bytes) -> None:
    """Write everything, at the reader's pace."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    try:
        loop.add_writer(number, ready.set)
    except PermissionError:
        while data:
            data = data[os.write(number, data) :]
        return
    try:
        while data:
            await ready.wait()
            ready.clear()
            data = data[os.write(number, data[:_WRITE]) :]
    finally:
        loop.remove_writer(number)


@contextlib.contextmanager
def raw_terminal() -> Iterator[None]:
    """Let every key of the terminal on stdin through as it is, Ctrl-C among them, until the block ends."""
    number = sys.stdin.fileno()
    before = termios.tcgetattr(number)
    tty.setraw(number)
    try:
        yield
    finally:
        termios.tcsetattr(number, termios.TCSADRAIN, before)


@contextlib.contextmanager
def on_resize(call: Callable[[], None]) -> Iterator[None]:
    """Call whenever the terminal's size changes."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGWINCH, call)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGWINCH)


class Escape:
    """Finds `~.` at the beginning of a line in what is typed: the way out of a shell that hangs."""

    def __init__(self) -> None:
        self._held = b"\r"

    def take(self, typed: bytes) -> tuple[bytes, bool]:
        """What to pass on, and whether the person wants to leave."""
        passed = bytearray()
        for number in typed:
            key = bytes([number])
            if self._held == b"~":
                if key == b".":
                    return bytes(passed), True
                # `~~` is how to type one.
                passed += b"~" if key == b"~" else b"~" + key
                self._held = key if key in b"\r\n" else b""
            elif self._held and key == b"~":
                self._held = b"~"
            else:
                passed += key
                self._held = key if key in b"\r\n" else b""
        return bytes(passed), False
