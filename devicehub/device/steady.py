"""Whether a run that is gone has left the phone in its fixed-performance mode (agent/PROTOCOL.md). Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_START_FIELD: Final = 19
"""Of /proc/PID/stat, counted from what follows the name, 0 being the state."""
_DEAD: Final = frozenset("ZX")
# "4711 2639970 20261123-050000-a1b2c3 4b6b5a5e-0d8b-4d59-9d2c-2f5a1e1c7a10"
_MARK: Final = re.compile(r"(\d{1,10}) (\d{1,20}) ([A-Za-z0-9._-]{1,100}) (\S{0,100})\s*")


@dataclass(frozen=True)
class SteadyMark:
    """The agent's mark of who has the mode.

    Attributes:
        run_id: the run that switched it on, None where the mark cannot be read.
        abandoned: that run's supervisor is no more.
    """

    run_id: str | None
    abandoned: bool


def mark_script(root: str) -> str:
    """The sh script that shows the mark and the process that it names; silent where there is none.

    Args:
        root: the phone's folder for everything of ours; a plain path without quotes.
    """
    mark = f"{root}/steady"
    shown = f'read -r pid rest <{mark}; echo "=$pid $rest"; cat "/proc/$pid/stat"'
    return f"if [ -f {mark} ]; then {shown}; fi 2>/dev/null"


def parse_mark(text: str, boot_id: str | None) -> SteadyMark | None:
    """Take the script's answer; None where there is no mark.

    Args:
        text: what the phone said.
        boot_id: the phone's own, as it answers now.
    """
    head, equals, told = text.partition("=")
    if not equals or head.strip():
        return None
    line, _, stat = told.replace("\r\n", "\n").partition("\n")
    match = _MARK.fullmatch(line)
    if match is None:
        return SteadyMark(None, abandoned=True)
    _, start, run_id, boot = match.groups()
    # "417 (name (with) parens) S 1 417 ...": the fields follow the last parenthesis, a name may hold more.
    fields = stat.rpartition(") ")[2].split()
    lives = len(fields) > _START_FIELD and fields[0] not in _DEAD and fields[_START_FIELD] == start
    return SteadyMark(run_id, abandoned=not lives or boot.lower() != (boot_id or ""))
