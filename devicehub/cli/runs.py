"""`devicehub runs`: what the database remembers of runs."""

from __future__ import annotations

import re
from typing import Final

import click

from devicehub.cli.lazy import Lazy, LazyGroup

COMMANDS: Final = {
    "compare": Lazy("devicehub.cli.runs_compare", "Compare two runs that have ended."),
    "export": Lazy("devicehub.cli.runs_export", "Write records as JSON lines or CSV."),
    "list": Lazy("devicehub.cli.runs_list", "List runs, the newest first."),
    "show": Lazy("devicehub.cli.runs_show", "Show all that is known of one run."),
    "stop": Lazy("devicehub.cli.runs_live", "End runs on their phones.", "command_stop"),
    "watch": Lazy("devicehub.cli.runs_live", "Follow a run to its end.", "command_watch"),
}
_UNITS_S: Final = {"m": 60, "h": 3600, "d": 86400}


@click.group("runs", cls=LazyGroup, table=COMMANDS)
def command() -> None:
    """List, show, compare, watch, stop and export runs. The ID of a run may be shortened to its beginning."""


def parse_since(text: str | None) -> float | None:
    """Seconds since the epoch of `90m`, `12h`, `3d` (ago) or a date with or without a time, in local time.

    Raises:
        UsageError: it is none of them.
    """
    from datetime import datetime

    from devicehub.clock import SystemClock

    if text is None:
        return None
    if ago := re.fullmatch(r"(\d{1,6})([mhd])", text.strip()):
        return SystemClock().wall_s() - int(ago[1]) * _UNITS_S[ago[2]]
    try:
        return datetime.fromisoformat(text.strip()).astimezone().timestamp()
    except (ValueError, OverflowError, OSError):
        raise click.UsageError(f"--since {text!r} is no time; write 90m, 12h, 3d or 2026-01-31") from None
