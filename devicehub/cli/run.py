"""`devicehub run`: a workload on a phone, and its counters."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from devicehub.cli.output import run_async, say
from devicehub.cli.run_request import check_options, load_profile, make_request
from devicehub.cli.run_view import carry_all, finish, start_all
from devicehub.cli.runs import tell_collected

if TYPE_CHECKING:
    from devicehub.dispatch.carrier import Outcome
    from devicehub.errors import HubError
    from devicehub.runs.model import RunHeader


@click.command("run")
@click.argument("model")
@click.option("--on", "selectors", multiple=True, metavar="SELECTOR", help="A serial, `all`, or terms.")
@click.option("--engine", metavar="ENGINE", help="Default: the one engine that fits the phone.")
@click.option(
    "--workload",
    type=click.Choice(("demo", "bench", "app", "custom")),
    default="demo",
    show_default=True,
    help="llm_demo with prompts, llm_bench, the app MnnLlmChat, or the command of a profile.",
)
@click.option("--profile", metavar="PROFILE", help="A run profile [default].")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="A key of config.json.")
@click.option("--prompt", metavar="TEXT", help="What the model is asked.")
@click.option("--prompt-file", type=click.Path(path_type=Path), metavar="FILE", help="One prompt a line.")
@click.option("--join-lines", is_flag=True, help="Make one prompt of all lines.")
@click.option("--no-think", is_flag=True, help="Ask a thinking model for an answer without thinking.")
@click.option(
    "--launches",
    type=click.IntRange(1, 100),
    default=1,
    show_default=True,
    help="How often the engine is started.",
)
@click.option("--prompt-tokens", type=click.IntRange(0), metavar="N", help="llm_bench: prompt length [512].")
@click.option("--decode-tokens", type=click.IntRange(0), metavar="N", help="llm_bench: tokens decoded [128].")
@click.option("--repeats", type=click.IntRange(1, 1000), metavar="N", help="llm_bench: in one launch [5].")
@click.option(
    "--limit",
    "limits",
    multiple=True,
    metavar="WHAT=N",
    help="End it on the phone: time=SECONDS, temp=CELSIUS, battery=PERCENT, space=MIB.",
)
@click.option(
    "--sample-hz",
    type=click.FloatRange(0.2, 10),
    default=1.0,
    show_default=True,
    help="How often the phone is sampled.",
)
@click.option(
    "--retries",
    type=click.IntRange(0, 10),
    default=1,
    show_default=True,
    help="Attempts after one that the phone or its cable ended.",
)
@click.option("--strict", is_flag=True, help="Refuse where this would only warn.")
@click.option("--detach", is_flag=True, help="Start it and leave it to the phone.")
@click.option("--json", "as_json", is_flag=True, help="Print the run record; of several phones one a line.")
def command(model: str, selectors: tuple[str, ...], *, as_json: bool, **options: Any) -> None:
    """Run MODEL of the catalogue on phones and read its counters.

    The run goes on when the cable is pulled and when this command is killed: `devicehub runs` finds it again.
    The exit status is 0 when every run succeeded, 1 when one did not.
    """
    asked = check_options(options)

    async def run() -> list[Outcome | RunHeader | HubError]:
        from devicehub.hub import open_hub

        hub = await open_hub(tell=say)
        for record in await hub.adopt():
            tell_collected(record)
        chosen = hub.models.get(model)
        profile = load_profile(hub, asked)
        pairs = [
            (make_request(hub, chosen, device, asked, profile=profile), device)
            for device in await hub.select(selectors)
        ]
        if options["detach"]:
            return [*await start_all(hub, pairs)]
        return [*await carry_all(hub, pairs, as_json=as_json)]

    finish(run_async(run()), as_json=as_json)
