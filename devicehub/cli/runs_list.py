"""`devicehub runs list`: runs, the newest first."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING, Any, Final

import click

from devicehub.cli.output import format_time, print_json, print_table, say, text_width
from devicehub.cli.runs import collect_left, is_left, open_store, parse_since
from devicehub.runs.lifecycle import RunState

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from devicehub.store.model import RunRow

_GAP: Final = 2
"""Between columns, as `print_table` sets them."""
_GROUPS: Final = {
    "open": [state.value for state in RunState if not state.is_end],
    "ended": [state.value for state in RunState if state.is_end],
}


@click.command("list")
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice([*(state.value for state in RunState), *_GROUPS]),
    metavar="STATE",
    help="Only these: a state, `open` or `ended`; may be repeated.",
)
@click.option("--serial", metavar="SERIAL", help="Only those on one phone.")
@click.option("--model", metavar="MODEL", help="Only those of one model.")
@click.option("--engine", metavar="ENGINE", help="Only those with one engine.")
@click.option("--workload", metavar="WORKLOAD", help="Only demo, bench, ...")
@click.option("--since", metavar="TIME", help="Only newer ones: 90m, 12h, 3d or a date.")
@click.option("--limit", type=click.IntRange(1), default=30, show_default=True, help="How many.")
@click.option("--before", metavar="ID", help="Only those older than a run: the next page.")
@click.option("--all", "everything", is_flag=True, help="All of them, whatever --limit says.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(
    states: tuple[str, ...],
    serial: str | None,
    model: str | None,
    engine: str | None,
    workload: str | None,
    since: str | None,
    limit: int,
    before: str | None,
    everything: bool,
    as_json: bool,
) -> None:
    """List runs, the newest first. On a terminal, columns that do not fit are left out.

    Runs whose command was killed are collected first, as far as their phones are there.
    """
    collect_left()
    with open_store() as store:
        rows = store.runs(
            state={state for word in states for state in _GROUPS.get(word, [word])} or None,
            serial=serial,
            model=model,
            engine=engine,
            workload=workload,
            since=parse_since(since),
            before=store.run(before).id if before else None,
            limit=-1 if everything else limit + 1,
        )
        known = store.count_runs()
    further = not everything and len(rows) > limit
    rows = rows if everything else rows[:limit]
    if as_json:
        print_json([run_row(row) for row in rows])
    elif rows:
        print_runs(rows)
    sys.stdout.flush()
    if not rows and not as_json:
        say("no run fits" if known else "no runs yet: devicehub run MODEL --prompt TEXT")
    if further:
        say(f"there are older ones: --before {rows[-1].id}, or --all")


def print_runs(rows: Sequence[RunRow]) -> None:
    """Print a table: on a terminal the columns that fit, elsewhere all."""
    cells = {header: [cell(row) for row in rows] for header, cell, _ in _COLUMNS}
    shown = _fitting(cells, shutil.get_terminal_size().columns) if sys.stdout.isatty() else list(cells)
    print_table(shown, [[cells[header][number] for header in shown] for number in range(len(rows))])
    if left := [row.id for row in rows if is_left(row)]:
        sys.stdout.flush()
        say(f"left: no command carries it any more; `devicehub runs watch {left[0]}` takes it up")


def run_row(row: RunRow) -> dict[str, Any]:
    """One run as `runs list --json` prints it; times are seconds since the epoch."""
    return {
        "id": row.id,
        "state": row.state,
        "verdict": row.verdict,
        "cause": row.cause,
        "trusted": row.trusted,
        "serial": row.serial,
        "serialno": row.serialno,
        "product": row.product,
        "model": row.model,
        "engine": row.engine,
        "profile": row.profile,
        "workload": row.workload,
        "virtual": row.virtual,
        "prefill_tok_s": row.prefill_tok_s,
        "decode_tok_s": row.decode_tok_s,
        "attempt": row.attempt,
        "created": row.created,
        "started": row.started,
        "updated": row.updated,
        "ended": row.ended,
        "stop_requested": row.stop_requested,
        "left": is_left(row),
    }


def state_text(row: RunRow) -> str:
    """The state, with its cause or with what is special about it."""
    if row.ended is None:
        return f"{row.state} (left)" if is_left(row) else row.state
    return row.state if row.cause in (None, row.state) else f"{row.state}: {row.cause}"


def rate_text(row: RunRow) -> str | None:
    """Decoded tokens per second; a figure that is no phone's, or not to be trusted, says so."""
    if row.decode_tok_s is None:
        return None
    marks = [mark for mark, holds in (("virtual", row.virtual), ("untrusted", not row.trusted)) if holds]
    return f"{row.decode_tok_s:.2f}" + (f" ({', '.join(marks)})" if marks else "")


def _fitting(cells: dict[str, list[str | None]], space: int) -> list[str]:
    """The headers of the columns that a terminal has room for, in their usual order."""
    chosen = set()
    room = space + _GAP
    for header, _, rank in sorted(_COLUMNS, key=lambda column: column[2]):
        width = max(text_width(text) for text in (header, *(cell or "-" for cell in cells[header]))) + _GAP
        if rank == 0 or width <= room:
            chosen.add(header)
            room -= width
    return [header for header in cells if header in chosen]


_COLUMNS: Final[tuple[tuple[str, Callable[[RunRow], str | None], int], ...]] = (
    ("id", lambda row: row.id, 0),
    ("started", lambda row: format_time(row.started), 6),
    ("state", state_text, 0),
    ("serial", lambda row: row.serial, 2),
    ("product", lambda row: row.product, 4),
    ("model", lambda row: row.model, 3),
    ("engine", lambda row: row.engine, 5),
    ("profile", lambda row: row.profile, 7),
    ("workload", lambda row: row.workload, 8),
    ("decode tok/s", rate_text, 1),
)
"""Header, cell, and who comes first where a terminal has no room for all; 0 is always there."""
