"""`devicehub run`: a workload on a phone, and its counters."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from devicehub.cli.at_hub import at_hub
from devicehub.cli.output import print_json, run_async
from devicehub.cli.run_options import shared_options
from devicehub.cli.run_request import START_S, check_here, make_ask
from devicehub.cli.run_view import Narration, fetch_records, finish

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devicehub.api.model import RunView
    from devicehub.cli.at_hub import Place
    from devicehub.errors import HubError
    from devicehub.runs.ask import RunAsk
    from devicehub.runs.model import RunRecord


@click.command("run")
@click.argument("model")
@shared_options(
    workloads=("demo", "bench", "app", "eval", "custom"),
    workload="demo",
    protocol="How the figures are made: `standard` for bench, else `none`, one launch.",
    launches="Measured launches [the protocol's, or 1].",
)
@click.option(
    "--eval-file",
    "eval_files",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="FILE",
    help="Workload eval: questions with choices, in the layout of C-Eval.",
)
@click.option(
    "--perplexity",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Workload eval: a text of which the model's perplexity is told.",
)
@click.option("--energy", is_flag=True, help="Measure joules per token: unplugged, on wireless adb.")
@click.option(
    "--measure-cost", is_flag=True, help="Learn what sampling costs: every other launch goes without."
)
@click.option("--any", "any_phone", is_flag=True, help="One run, on whichever phone of --on is free first.")
@click.option(
    "--cooler-than", type=click.FloatRange(10, 60), metavar="CELSIUS", help="Pass over warmer phones."
)
@click.option("--detach", is_flag=True, help="Start it and leave it to the phone.")
@click.option("--json", "as_json", is_flag=True, help="Print the run record; of several phones one a line.")
@at_hub
def command(model: str, selectors: tuple[str, ...], *, as_json: bool, place: Place, **options: Any) -> None:
    """Run MODEL of the catalogue on phones and read its counters.

    A phone that is busy is waited for. The run goes on when the cable is pulled and when this command or the
    hub is killed: `devicehub runs` finds it again. Ctrl-C ends it.
    The exit status is 0 when every run succeeded, 1 when one did not.
    """
    ask = make_ask(model, selectors, options, place)
    check_here(ask, place)
    if options["detach"]:
        run_async(_leave(place, ask, as_json=as_json))
    else:
        finish(run_async(_carry(place, ask, as_json=as_json)), as_json=as_json)


async def _carry(place: Place, ask: RunAsk, *, as_json: bool) -> list[RunRecord | HubError]:
    """Have the runs made and show them; the text streams where there is one phone and one thing asked."""
    from devicehub.cli.following import Following

    narrations = _narrate(await _start(place, ask), stream_text=not as_json and ask.suite is None)
    return await fetch_records(place, await Following(place, narrations).ends())


async def _leave(place: Place, ask: RunAsk, *, as_json: bool) -> None:
    """Have the runs made, and stay until the phones have them or they wait for their turn."""
    from devicehub.cli.following import Following

    narrations = _narrate(await _start(place, ask), stream_text=False)
    started = await Following(place, narrations, stops=False).starts()
    failed = {run_id: view for run_id, view in started.items() if view.state in ("failed", "lost")}
    for view in started.values():
        if view.id not in failed:
            if as_json:
                print_json({"id": view.id, "state": view.state, "serial": view.serial})
            else:
                print(f"{view.id}  {view.serial or view.state}")
    if failed:
        finish(await fetch_records(place, failed), as_json=as_json)


async def _start(place: Place, ask: RunAsk) -> list[RunView]:
    from devicehub.api.contract import RUN_START

    async with place.client() as client:
        return await client.call(RUN_START, ask, timeout_s=START_S)


def _narrate(views: Sequence[RunView], *, stream_text: bool) -> dict[str, Narration]:
    """Who shows each run; text streams only where there is one."""
    alone = len(views) == 1
    return {
        view.id: Narration(view.serial or view.id, stream_text=stream_text and alone, alone=alone)
        for view in views
    }
