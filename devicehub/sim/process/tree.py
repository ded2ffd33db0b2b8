"""A phone's processes as the host sees them: who they are, and signals to them. Linux alone."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import signal
    from collections.abc import Iterable, Iterator

_PROC: Final = Path("/proc")


def descendants(pid: int) -> list[int]:
    """The processes below one, parents before children; those that end meanwhile may be missing."""
    found: list[int] = []
    todo = [pid]
    while todo:
        parent = todo.pop()
        for child in _children(parent):
            found.append(child)
            todo.append(child)
    return found


def _children(pid: int) -> Iterator[int]:
    # Per thread: a process that a thread started is that thread's child.
    with contextlib.suppress(OSError):
        for task in (_PROC / str(pid) / "task").iterdir():
            with contextlib.suppress(OSError):
                yield from map(int, (task / "children").read_text().split())


def command_line(pid: int) -> str:
    """A process's words with a blank between; empty for one that is gone."""
    try:
        words = (_PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return ""
    return words.replace(b"\0", b" ").decode("utf-8", "replace").strip()


@dataclass(frozen=True)
class Description:
    """A process as the phone's kernel knows it."""

    phone_pid: int
    name: str
    size_kib: int = 0
    rss_kib: int = 0


def describe(pid: int) -> Description:
    """What /proc tells of a process; its number and a question mark for one that is gone."""
    try:
        lines = (_PROC / str(pid) / "status").read_text().splitlines()
    except OSError:
        return Description(pid, "?")
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    # "NSpid:	20123	17": its number in each namespace, the innermost last.
    return Description(
        phone_pid=int(fields.get("NSpid", str(pid)).split()[-1]),
        name=fields.get("Name", "?").strip(),
        size_kib=_kib(fields.get("VmSize")),
        rss_kib=_kib(fields.get("VmRSS")),
    )


def _kib(text: str | None) -> int:
    # "   12345 kB"; a process that ends has no memory left.
    words = (text or "").split()
    return int(words[0]) if words and words[0].isdecimal() else 0


def has_variable(pid: int, name: str) -> bool:
    """Whether a process was started with a variable in its environment."""
    try:
        environ = (_PROC / str(pid) / "environ").read_bytes()
    except OSError:
        return False
    return any(pair.startswith(name.encode() + b"=") for pair in environ.split(b"\0"))


def oom_score_adj(pid: int) -> int:
    """How gladly the kernel takes a process when memory runs out; the least for one that is gone."""
    try:
        return int((_PROC / str(pid) / "oom_score_adj").read_text())
    except (OSError, ValueError):
        return -1001


def cpu_ticks(pid: int) -> int:
    """How long a process has computed, in the kernel's ticks; 0 for one that is gone."""
    try:
        # "17 (a name) S 1 ...": the name may hold anything.
        fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return int(fields[11]) + int(fields[12])


def send(pids: Iterable[int], number: signal.Signals) -> int:
    """Send a signal to each; how many were there to take it."""
    taken = 0
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)
            taken += 1
    return taken
