"""What agent/app.sh tells of the app it started: the process, whether it was in front, how it went."""

from __future__ import annotations

import re
from typing import Final

from devicehub.android.foreground import Foreground, read_foreground
from devicehub.workloads.mnn_chat_plan import join_lines
from devicehub.workloads.mnn_chat_wire import PACKAGE

_LOOKS: Final = ("begin", "end")
# ActivityManager: "Killing 78:com.app/u0a123 (adj 0): stop com.app due to from pid 176"
_FORCE_STOPPED: Final = re.compile(r"Killing \d+:\S+ .*: stop \S+")
_MOST_LINES: Final = 40


class AppSide:
    """The lines of app.sh's stdout become facts about the app's process.

    Attributes:
        pid: the app's own process, the one whose lines in the log count; None where it never came up.
        gone: the process ended before it was told to.
        late: app.sh's own limit ended it.
        load_late: the model was not loaded in the time that any takes.
    """

    def __init__(self) -> None:
        self.pid: int | None = None
        self.gone = False
        self.late = False
        self.load_late = False
        self.absent = False
        self._started: list[str] = []
        self._looks: dict[str, list[str]] = {when: [] for when in _LOOKS}

    def take_line(self, line: str) -> None:
        """Read one line, given without its end; a line of another form says nothing."""
        key, separator, value = line.partition("=")
        when, _, source = key.partition(".")
        if not separator:
            return
        if key == "pid" and value.isascii() and value.isdigit() and len(value) < 10:
            self.pid = int(value)
        elif key in ("gone", "late", "load_late", "no_process"):
            setattr(self, "absent" if key == "no_process" else key, value == "1")
        elif key == "am" and len(self._started) < _MOST_LINES:
            self._started.append(value)
        elif when in self._looks and source and len(self._looks[when]) < _MOST_LINES:
            self._looks[when].append(value)

    def looked(self, when: str) -> Foreground:
        """What the phone showed at `begin` or `end`."""
        return read_foreground(self._looks[when])

    def crash_lines(self, lines: list[str]) -> list[str]:
        """Those of the log's lines on how the process ended that are not about app.sh's own ending of it."""
        if self.gone:
            return lines
        return [line for line in lines if not _FORCE_STOPPED.search(line)]

    def absence(self) -> tuple[str, list[str]] | None:
        """Why the app never came up, a slug of `failures` and the lines that prove it; None where it did."""
        errors = [line for line in self._started if line.startswith(("Error", "Security exception", "java."))]
        if any("does not exist" in line or "Error type 3" in line for line in errors):
            return "app_not_installed", join_lines(errors)
        if self.absent:
            return "app_failed", join_lines([*errors, *self._started]) or ["am start brought up no process"]
        return None

    def spoilt(self) -> tuple[str, list[str]] | None:
        """What makes figures of the app worthless, a slug and its lines; None where nothing tells of it."""
        if self.load_late:
            return "load_failed", ["the app did not say within 15 minutes that it had loaded the model"]
        if self.late:
            return "limit_time", ["the agent's own limit ended the app"]
        for when, lines in self._looks.items():
            problem = read_foreground(lines).problem(PACKAGE)
            if problem is not None:
                return "app_backgrounded", [f"at the {when} of the launch {problem}", *lines]
        return None
