"""`devicehub runs list`: runs, the newest first."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

import click

from devicehub.api.model import LISTED
from devicehub.cli.at_hub import at_hub
from devicehub.cli.output import format_time, print_json, print_table, run_async, say, terminal_width
from devicehub.cli.runs import parse_since
from devicehub.columns import text_width
from devicehub.runs.lifecycle import RunState
from devicehub.units import format_share

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from devicehub.api.client import Client
    from devicehub.api.contract import RunsQuery
    from devicehub.api.model import Noted, RunView
    from devicehub.cli.at_hub import Place

_GAP: Final = 2
"""Between columns, as `print_table` sets them."""
_FIGURE_RANK: Final = 2
"""A speed and its fidelity go together; where there is hardly room, their texts are broken."""
_ENOUGH: Final = 72
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
@click.option("--wide", is_flag=True, help="All columns, whatever room there is.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@at_hub
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
    wide: bool,
    as_json: bool,
    place: Place,
) -> None:
    """List runs: those that wait, then the newest; columns that the terminal has no room for are left out."""
    from devicehub.api.contract import RunsQuery

    query = RunsQuery(
        states=sorted({state for word in states for state in _GROUPS.get(word, [word])}) or None,
        serial=serial,
        model=model,
        engine=engine,
        workload=workload,
        since=parse_since(since),
        before=before,
    )
    waiting, views, is_more, warnings = run_async(_fetch(place, query, None if everything else limit))
    shown = [*waiting, *views]
    if as_json:
        print_json([run_row(view) for view in shown])
    elif shown:
        print_runs(shown, wide=wide)
    sys.stdout.flush()
    for warning in warnings or ():
        say(warning)
    if not shown and not as_json:
        say("no run fits" if warnings is None else "no runs yet: devicehub run MODEL --prompt TEXT")
    if is_more:
        say(f"there are older ones: --before {views[-1].id}, or --all" if views else "there are more: --all")


async def _fetch(
    place: Place, query: RunsQuery, most: int | None
) -> tuple[list[RunView], list[RunView], bool, list[str] | None]:
    """The runs that wait, on the first page; the others; whether there are more.

    Where there is none at all, also what the hub warns of: its database may have been set aside.
    """
    from devicehub.cli.run_pages import fetch_queue, fetch_runs

    async with place.client() as client:
        queued = [] if query.before else await fetch_queue(client)
        meant = [view for view in queued if _is_asked(view, query)]
        waiting = meant[:most]
        room = None if most is None else most - len(waiting)
        views, is_more, total = await fetch_runs(client, query, room)
        warnings = None if queued or total else await _warnings(client)
    return waiting, views, is_more or len(waiting) < len(meant), warnings


async def _warnings(client: Client) -> list[str]:
    from devicehub.api.contract import After

    said = await client.subscribe("notes", after={"notes": After(epoch="", seq=0)})
    notes: list[Noted] = [note for gone in said.gone for note in gone.snapshot]
    return [note.text for note in notes if note.level == "warning" and note.run is None]


def _is_asked(view: RunView, query: RunsQuery) -> bool:
    """Whether a query means a run that waits, as the database decides it of the others."""
    return (
        (query.states is None or view.state in query.states)
        and (query.serial is None or query.serial in (view.serial, view.serialno))
        and (query.model is None or query.model == view.model)
        and (query.engine is None or query.engine == view.engine)
        and (query.workload is None or query.workload == view.workload)
        and (query.since is None or view.created >= query.since)
    )


def print_runs(views: Sequence[RunView], *, wide: bool = False) -> None:
    """Print a table of the columns that fit, or of all."""
    cells = {header: [cell(view) for view in views] for header, cell, _ in _COLUMNS}
    shown = list(cells) if wide else _fitting(cells, terminal_width())
    table = [[cells[header][number] for header in shown] for number in range(len(views))]
    print_table(shown, table, room=None if wide else terminal_width())
    if any(view.left for view in views):
        sys.stdout.flush()
        say("left: nobody carries it; the hub takes it up when its phone is there")


def run_row(view: RunView) -> dict[str, Any]:
    """One run as `runs list --json` prints it; times are seconds since the epoch."""
    row = {name: getattr(view, name) for name in LISTED}
    return row if view.place is None else {**row, "place": view.place, "waits_for": view.waits_for}


def state_text(view: RunView) -> str:
    """The state, with its cause or with what is special about it."""
    if view.place is not None:
        return f"{view.state} (place {view.place})"
    if view.ended is None:
        return f"{view.state} (left)" if view.left else view.state
    return view.state if view.cause in (None, view.state) else f"{view.state}: {view.cause}"


def rate_text(view: RunView) -> str | None:
    """Decoded tokens per second; a figure that is no phone's, or not to be trusted, says so."""
    if view.decode_tok_s is None:
        return None
    marks = [mark for mark, holds in (("virtual", view.virtual), ("untrusted", not view.trusted)) if holds]
    return f"{view.decode_tok_s:.2f}" + (f" ({', '.join(marks)})" if marks else "")


def _fidelity_text(view: RunView) -> str | None:
    """How right the answers were; only beside a figure."""
    if view.decode_tok_s is None and view.prefill_tok_s is None and view.fidelity is None:
        return None
    return "unknown" if view.fidelity is None else format_share(view.fidelity)


def _fitting(cells: dict[str, list[str | None]], space: int) -> list[str]:
    """The headers of the columns that a terminal has room for, in their usual order."""
    chosen = set()
    room = space + _GAP
    for header, _, rank in sorted(_COLUMNS, key=lambda column: column[2]):
        width = max(text_width(text) for text in (header, *(cell or "-" for cell in cells[header]))) + _GAP
        if rank == 0 or width <= room or (rank <= _FIGURE_RANK and space >= _ENOUGH):
            chosen.add(header)
            room -= width
    return [header for header in cells if header in chosen]


_COLUMNS: Final[tuple[tuple[str, Callable[[RunView], str | None], int], ...]] = (
    ("id", lambda view: view.id, 0),
    ("started", lambda view: format_time(view.started), 9),
    ("state", state_text, 0),
    ("serial", lambda view: view.serial, 6),
    ("product", lambda view: view.product, 7),
    ("model", lambda view: view.model, 4),
    ("engine", lambda view: view.engine, 8),
    ("profile", lambda view: view.profile, 10),
    ("workload", lambda view: view.workload, 11),
    ("protocol", lambda view: view.protocol, 5),
    ("launches", lambda view: None if view.launches is None else str(view.launches), 3),
    ("decode tok/s", rate_text, 1),
    ("fidelity", _fidelity_text, 2),
)
"""Header, cell, and who comes first where a terminal has no room for all; 0 is always there."""
