"""Lines of the log that tell of a crash, a kill or a hang, and whose they are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from devicehub.android.logcat import Entry

_DUMPERS: Final = ("DEBUG", "crash_dump64", "crash_dump32", "tombstoned")
_OWN: Final = ("libc", "AndroidRuntime")
_BEGIN: Final = "*** *** ***"
# "pid: 7325, tid: 7325, name: llm_demo  >>> ./llm_demo <<<"
_DUMPED: Final = re.compile(r"pid: (?P<pid>\d{1,9}), .*>>> (?P<program>.*?) <<<")
# libc: "Fatal signal 11 (SIGSEGV), code 1, fault addr 0x0 in tid 7325 (llm_demo), pid 7325 (llm_demo)"
_FATAL: Final = re.compile(
    r"Fatal signal \d+.*?(?:\bpid (?P<pid>\d{1,9}) \((?P<program>[^()]*)\)|\((?P<thread>[^()]*)\))\s*$"
)
_RUNTIME: Final = re.compile(r"Process: (?P<program>\S+), PID: (?P<pid>\d{1,9})")
# What others say about a process, in one line each.
_TOLD: Final = tuple(
    re.compile(pattern)
    for pattern in (
        # lmkd: "Kill 'com.app' (1234), uid 10123, oom_score_adj 0 to free ..."; in the kernel "Killing '...'"
        r"Kill(?:ing)? '(?P<program>[^']+)' \((?P<pid>\d{1,9})\)",
        # ActivityManager: "Killing 1234:com.app/u0a123 (adj 900): ..."
        r"Killing (?P<pid>\d{1,9}):(?P<program>[\w.:]+)/",
        r"Process (?P<program>[\w.:]+) \(pid (?P<pid>\d{1,9})\) has died",
        r"ANR in (?P<program>[\w.:]+)",
        # The kernel: "Out of memory: Killed process 7325 (llm_demo) total-vm:..."
        r"Kill(?:ed)? process (?P<pid>\d{1,9}),? \(?(?P<program>[^ ),]+)",
        r"oom_reaper: reaped process (?P<pid>\d{1,9}) \((?P<program>[^)]+)\)",
    )
)
_AFTER_ANR: Final = re.compile(r"PID: (?P<pid>\d{1,9})|Reason: |Parent: |Load: |ErrorId: |CPU usage from ")
_MOST_LINES: Final = 48
_MOST_CRASHES: Final = 64
_LONGEST: Final = 300


def find_victim(message: str) -> tuple[str, int | None] | None:
    """Whom a line of lmkd, ActivityManager or the kernel tells of: program and pid; else None."""
    for pattern in _TOLD:
        match = pattern.search(message)
        if match:
            pid = match.groupdict().get("pid")
            return match["program"], int(pid) if pid else None
    return None


class Crash:
    """The lines of one crash, and whom they name."""

    def __init__(self) -> None:
        self.pid: int | None = None
        self.program: str | None = None
        self.lines: list[str] = []

    def add(self, entry: Entry) -> None:
        """Keep a line, if it is among the first."""
        if len(self.lines) < _MOST_LINES:
            self.lines.append(
                f"{entry.tag}: {entry.message}"[:_LONGEST] if entry.tag else entry.message[:_LONGEST]
            )

    def name(self, match: re.Match[str]) -> None:
        """Take whom a line names."""
        found = match.groupdict()
        if found.get("pid"):
            self.pid = int(found["pid"])
        self.program = found.get("program") or found.get("thread") or self.program


class CrashReader:
    """Entries of the log become crashes; a dump of many lines comes from one process that writes it."""

    def __init__(self) -> None:
        self.all: list[Crash] = []
        self._open: dict[tuple[int | None, str], Crash] = {}

    def take(self, entry: Entry) -> None:
        """Read one entry."""
        if entry.tag in _DUMPERS:
            self._take_dump(entry)
        elif entry.tag in _OWN:
            self._take_own(entry)
        else:
            self._take_told(entry)

    def _take_dump(self, entry: Entry) -> None:
        key = (entry.pid, "dump")
        if entry.message.startswith(_BEGIN) or key not in self._open:
            self._begin(key)
        crash = self._open[key]
        crash.add(entry)
        match = _DUMPED.search(entry.message)
        if match and crash.pid is None:
            crash.name(match)

    def _take_own(self, entry: Entry) -> None:
        """A process that logs its own end."""
        fatal = _FATAL.search(entry.message)
        begins = fatal or entry.message.startswith("FATAL EXCEPTION")
        key = (entry.pid, entry.tag or "")
        if begins:
            self._begin(key).pid = entry.pid
        crash = self._open.get(key)
        if crash is None:
            return
        crash.add(entry)
        match = fatal or _RUNTIME.search(entry.message)
        if match:
            crash.name(match)

    def _take_told(self, entry: Entry) -> None:
        key = (entry.pid, "anr")
        anr = self._open.get(key)
        for pattern in _TOLD:
            match = pattern.search(entry.message)
            if match:
                crash = self._begin(key)
                crash.name(match)
                crash.add(entry)
                return
        after = (
            _AFTER_ANR.match(entry.message) if anr is not None and entry.tag == "ActivityManager" else None
        )
        if anr is not None and after:
            anr.name(after)
            anr.add(entry)

    def _begin(self, key: tuple[int | None, str]) -> Crash:
        crash = Crash()
        if len(self.all) >= _MOST_CRASHES:
            self.all.pop(0)
        self.all.append(crash)
        self._open[key] = crash
        return crash

    def lines_of(self, pid: int | None, programs: re.Pattern[str]) -> list[str]:
        """The lines about a process; where its pid is not known, those about a program of that name.

        Where a line names a program and no pid (ANR), the name decides too.
        """
        found: list[str] = []
        for crash in self.all:
            by_name = crash.program is not None and programs.search(crash.program) is not None
            ours = crash.pid == pid if pid is not None and crash.pid is not None else by_name
            if ours:
                found += crash.lines
        return found[:_MOST_LINES]
