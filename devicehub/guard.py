"""What children do first: end with their parent, and be ended before it. Standard library only."""

from __future__ import annotations

import contextlib
import os
import resource
import select
import signal
from pathlib import Path
from typing import Final, NoReturn

_LOOK_S: Final = 1.0
_GIVEN_UP_FIRST: Final = "1000"


def end_with_parent() -> None:
    """From here on SIGKILL reaches this process's whole group when the parent or this process is gone.

    The parent must hold the write end of this process's stdin and have started it as the leader of a group of
    its own. stdin is /dev/null afterwards.
    """
    # A process, not a thread: MNN's converter keeps the interpreter's lock for as long as it works.
    held_by_worker, worker = os.pipe(), os.getpid()
    if os.fork() == 0:
        os.close(held_by_worker[1])
        _watch(held_by_worker[0], worker)
    os.close(held_by_worker[0])
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)


def be_expendable() -> None:
    """Short of memory the system ends this process before its parent; its crash leaves no core."""
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_GIVEN_UP_FIRST)


def _watch(worker_end: int, worker: int) -> NoReturn:
    try:
        for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(ending, signal.SIG_IGN)
        # Otherwise whoever reads the worker's output would wait for this process as well.
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 1)
        os.dup2(nothing, 2)
        # What the worker forks holds the pipe's other end too; a change of parent tells all the same.
        while not select.select([0, worker_end], [], [], _LOOK_S)[0] and os.getppid() == worker:
            pass
    finally:
        os.kill(0, signal.SIGKILL)
        os._exit(1)
