"""`devicehub runs`: what the database remembers of runs."""

from __future__ import annotations

import re
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

import click

from devicehub.cli.lazy import Lazy, LazyGroup

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from devicehub.runs.model import RunRecord
    from devicehub.store.model import RunRow
    from devicehub.store.store import Store

COMMANDS: Final = {
    "export": Lazy("devicehub.cli.runs_export", "Write records as JSON lines or CSV."),
    "list": Lazy("devicehub.cli.runs_list", "List runs, the newest first."),
    "show": Lazy("devicehub.cli.runs_show", "Show all that is known of one run."),
    "stop": Lazy("devicehub.cli.runs_live", "End runs on their phones.", "command_stop"),
    "watch": Lazy("devicehub.cli.runs_live", "Follow a run to its end.", "command_watch"),
}
_LOST_LOOKED_FOR_S: Final = 30 * 86400.0
"""So long a lost run has every command look whether its phone is there again."""
_UNITS_S: Final = {"m": 60, "h": 3600, "d": 86400}


@click.group("runs", cls=LazyGroup, table=COMMANDS)
def command() -> None:
    """List, show, watch, stop and export runs. The ID of a run may be shortened to its beginning."""


@contextmanager
def open_store() -> Iterator[Store]:
    """The user's database.

    Raises:
        StoreError: it cannot be used.
    """
    from devicehub.cli.output import say
    from devicehub.settings import find_home
    from devicehub.store.store import Store

    def tell(aside: Path) -> None:
        say(f"the database of runs was damaged; it is kept as {aside}, and a new one was begun")

    with Store.open(find_home().database, on_set_aside=tell) as store:
        yield store


def collect_left() -> None:
    """Take up the runs that nobody carries, as far as their phones are there; starts no adb server for it.

    Raises:
        StoreError: the database cannot be used.
    """
    from devicehub.clock import SystemClock

    with open_store() as store:
        lost = store.runs(state="lost", since=SystemClock().wall_s() - _LOST_LOOKED_FOR_S, limit=1)
        if not lost and not any(is_left(row) for row in store.open_runs()):
            return
    from devicehub.adb.address import server_address
    from devicehub.cli.output import run_async, say
    from devicehub.errors import AdbError
    from devicehub.hub import open_hub

    async def collect() -> None:
        hub = await open_hub(address=server_address(), tell=say)
        for record in await hub.adopt():
            tell_collected(record)

    with suppress(AdbError):
        run_async(collect())


def tell_collected(record: RunRecord) -> None:
    """Say what became of a run that was taken up."""
    from devicehub.cli.output import say
    from devicehub.runs.lifecycle import RunState

    if record.state is RunState.LOST:
        say(f"{record.device.serial}: the phone stayed away: run {record.id} counts as lost until it is back")
    else:
        say(f"{record.device.serial}: collected run {record.id} of an earlier command: {record.state}")


def is_left(row: RunRow) -> bool:
    """Whether a run has no end and nobody carries it: its command was killed, or it was left to its phone."""
    from devicehub.dispatch.journal import is_alive

    if row.ended is not None:
        return False
    return (
        row.owner_pid is None or row.owner_started is None or not is_alive(row.owner_pid, row.owner_started)
    )


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
