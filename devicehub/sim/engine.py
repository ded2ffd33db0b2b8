"""The virtual MNN engine: `python -m devicehub.sim.engine [--logcat] llm_demo <config.json> ...`.

It runs the model in the MNN wheel and prints what the real program prints, through the same C buffer, and it
ends as the real one ends, by exit status or by a signal. `--logcat` plays a build with MNN_USE_LOGCAT: MNN's
own rows go to the phone's log.

Environment: DEVICEHUB_SIM_THREADS, the most threads granted (default 1); DEVICEHUB_SIM_LOG, a file to which
log entries are appended as logcat's threadtime shows them. The threads asked for and used are noted in the
log under the tag `devicehub`.
"""

from __future__ import annotations

import os
import signal
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Final

from devicehub.errors import SimError
from devicehub.sim.engine_demo import LlmDemo
from devicehub.sim.engine_log import HUB_TAG, LogWriter, RowForwarder
from devicehub.sim.engine_stdio import Stdio

if TYPE_CHECKING:
    from collections.abc import Sequence

_NOT_FOUND: Final = 127


def main(argv: Sequence[str]) -> int:
    """Run the tool that the arguments name; the exit status."""
    # A C program dies of these.
    for number in (signal.SIGINT, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    logcat = argv[:1] == ["--logcat"]
    tool = list(argv[1:] if logcat else argv)
    if tool[:1] != ["llm_demo"]:
        sys.stderr.write(f"mnn_engine: {tool[0] if tool else 'no tool'}: not found\n")
        return _NOT_FOUND

    threads = _granted_threads()
    # The wheel loads weights with threads of its own whatever the configuration says.
    os.environ.setdefault("OMP_THREAD_LIMIT", str(threads))
    write = file_log_writer(os.environ.get("DEVICEHUB_SIM_LOG"))
    stdio = Stdio()
    forwarder = RowForwarder(write) if logcat else None
    if forwarder is not None:
        stdio.divert_engine(forwarder.fd)

    def note(text: str) -> None:
        write(priority="I", tag=HUB_TAG, pid=os.getpid(), message=text.encode())

    try:
        status = LlmDemo(stdio, threads=threads, note=note).run(tool)
    except SimError as error:
        sys.stderr.write(f"mnn_engine: {error}\n")
        status = _NOT_FOUND
    stdio.flush()
    if forwarder is not None:
        forwarder.finish()
    return status


def file_log_writer(path: str | None) -> LogWriter:
    """A writer that appends threadtime lines to a file; without a path it writes nothing."""

    def write(*, priority: str, tag: str, pid: int, message: bytes) -> None:
        if not path:
            return
        stamp = f"{datetime.now().astimezone():%m-%d %H:%M:%S.%f}"[:-3]
        head = f"{stamp} {pid:5} {pid:5} {priority} {tag:<8}: "
        fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.write(fd, head.encode() + message + b"\n")
        os.close(fd)

    return write


def _granted_threads() -> int:
    text = os.environ.get("DEVICEHUB_SIM_THREADS", "1")
    return max(int(text), 1) if text.isdecimal() else 1


if __name__ == "__main__":
    # Not sys.exit: the wheel can crash while the interpreter is taken down.
    os._exit(main(sys.argv[1:]))
