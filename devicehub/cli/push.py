"""`devicehub push`: a model, an engine or a file onto phones."""

from __future__ import annotations

from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from devicehub.cli.at_hub import at_hub, named_phones
from devicehub.cli.output import print_json, run_async, say
from devicehub.units import format_bytes, format_ms, format_rate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from devicehub.api.contract import Push
    from devicehub.cli.at_hub import Place


@click.group("push")
def command() -> None:
    """Bring a model, an engine or a file onto phones; what a phone holds already is not sent again."""


def _push_options(function: Callable[..., None]) -> Callable[..., None]:
    """The options that every kind of push takes."""

    @click.option("--on", "selectors", multiple=True, metavar="SELECTOR", help="A serial, `all`, or terms.")
    @click.option("--dry-run", is_flag=True, help="Say what would be done; change nothing.")
    @click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
    @at_hub
    @wraps(function)
    def with_options(*args: Any, **options: Any) -> None:
        function(*args, **options)

    return with_options


@command.command("model")
@click.argument("name")
@_push_options
def model_command(name: str, *, as_json: bool, place: Place, **options: Any) -> None:
    """Push the model NAME of the catalogue."""
    _push("model", name, options, place, as_json=as_json)


@command.command("engine")
@click.argument("engine_id", metavar="ID")
@_push_options
def engine_command(engine_id: str, *, as_json: bool, place: Place, **options: Any) -> None:
    """Push the engine ID (or its name) of the catalogue."""
    _push("engine", engine_id, options, place, as_json=as_json)


@command.command("file")
@click.argument("source", type=click.Path(path_type=Path), metavar="SRC")
@click.argument("destination", metavar="DST")
@_push_options
def file_command(source: Path, destination: str, *, as_json: bool, place: Place, **options: Any) -> None:
    """Push the file SRC to DST, an absolute path on the phone."""
    options["destination"] = destination
    _push("file", str(source.absolute()), options, place, as_json=as_json)


def _push(
    kind: Literal["model", "engine", "file"],
    name: str,
    options: Mapping[str, Any],
    place: Place,
    *,
    as_json: bool,
) -> None:
    from devicehub.api.contract import Push

    params = Push(
        kind=kind,
        name=name,
        destination=options.get("destination"),
        selectors=named_phones(options["selectors"]),
        dry_run=options["dry_run"],
    )
    run_async(_push_all(params, place, as_json=as_json))


async def _push_all(params: Push, place: Place, *, as_json: bool) -> None:
    from devicehub.api.contract import PUSH
    from devicehub.cli.jobs import finish_jobs

    def show(result: Mapping[str, Any]) -> None:
        if result["warning"]:
            say(f"warning: {result['warning']}")
        if not as_json:
            (_show_plan if params.dry_run else _show_outcome)(result)

    results = await finish_jobs(place, PUSH, params, show)
    if as_json:
        print_json([result["row"] for result in results])


def _show_plan(result: Mapping[str, Any]) -> None:
    plan, row = result["plan"], result["row"]
    for entry in plan["send"]:
        print(f"send    {entry['path']}  {format_bytes(entry['size'])}")
    for kept in plan["keep"]:
        print(f"skip    {kept['entry']['path']}")
    for move in plan["move"]:
        print(f"rename  {move['source']} -> {move['entry']['path']}")
    for path in (*plan["remove"], *plan["leftovers"]):
        print(f"remove  {path}")
    for path, why in row.get("left_out", {}).items():
        print(f"leave   {path}  {why}")
    fits = "" if row["fits"] else "; it does not fit"
    say(f"{row['serial']}: {format_bytes(row['bytes_to_send'])} would go to {row['target']}{fits}")


def _show_outcome(result: Mapping[str, Any]) -> None:
    row = result["row"]
    outcome = row["outcome"]
    sent = "1 file" if outcome["files_sent"] == 1 else f"{outcome['files_sent']} files"
    rate = format_rate(outcome["bytes_sent"], outcome["send_s"])
    say(
        f"{row['serial']}: {row['target']}: {sent} sent, {outcome['files_skipped']} there already; "
        f"{format_bytes(outcome['bytes_sent'])} at {rate}, "
        f"checked in {format_ms(outcome['verify_s'] * 1000)}, all in {format_ms(outcome['seconds'] * 1000)}"
    )
