"""Where a logcat build's rows go: the phone's log, one entry per line."""

from __future__ import annotations

import contextlib
import os
import re
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

ENGINE_TAG: Final = "MNNJNI"
HUB_TAG: Final = "devicehub"

# MNN prints both kinds with printf, which cannot tell them apart; these it would log as errors.
_ERROR_ROW: Final = re.compile(
    rb"\[Error\]|LLM init error|Error[: ]|Can't open file:|Load Cache file error|Failed to open"
    rb"|Memory not Enough|Create execution error|Llm: cannot create|Llm::load: |\w+: failed to load "
    rb"|size_limit must be|Broad cast error|Compute Shape Error"
)


class LogWriter(Protocol):
    """Appends one entry to the phone's log."""

    def __call__(self, *, priority: str, tag: str, pid: int, message: bytes) -> None:
        """Write an entry; priority is one of logcat's letters."""


def priority_of(row: bytes) -> str:
    """The letter that MNN's logcat build gives a row."""
    return "E" if _ERROR_ROW.match(row) else "I"


class RowForwarder:
    """A helper process that turns rows into log entries; it outlives a crash of the engine by a moment.

    A process, not a thread: a method of the wheel may hold the interpreter's lock until its row is taken.
    It forks, so make it before the wheel is loaded.

    Attributes:
        fd: where the rows go.
    """

    def __init__(self, write: LogWriter) -> None:
        read_fd, self.fd = os.pipe()
        apart, set_apart = os.pipe()
        owner = os.getpid()
        self._helper = os.fork()
        if self._helper:
            os.close(read_fd)
            os.close(set_apart)
            os.read(apart, 1)
            os.close(apart)
            return
        os.close(self.fd)
        # The real engine's rows are in the log before it dies: whoever ends its group must not take them.
        os.setsid()
        os.close(set_apart)
        # Whoever reads the engine's output must see its end when the engine dies.
        for fd in (0, 1, 2):
            os.close(fd)
        try:
            _forward(
                read_fd, lambda row: write(priority=priority_of(row), tag=ENGINE_TAG, pid=owner, message=row)
            )
        finally:
            os._exit(0)

    def finish(self) -> None:
        """Close `fd` and wait until all rows are in the log; the engine's end of the pipe must be flushed."""
        os.close(self.fd)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self._helper, 0)


def _forward(fd: int, entry: Callable[[bytes], None]) -> None:
    with os.fdopen(fd, "rb") as rows:
        for row in rows:
            entry(row.removesuffix(b"\n"))
