"""`devicehub serve`: the hub, in the foreground."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from devicehub.cli.at_hub import NAME
from devicehub.cli.output import run_async, say

if TYPE_CHECKING:
    from devicehub.logs import Format
    from devicehub.settings import Home, Settings


@click.command("serve")
@click.option(
    "--virtual", type=click.IntRange(1, 64), metavar="N", help="With N virtual phones, and no others."
)
@click.option(
    "--scenario",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A TOML file of faults of the virtual phones and the moments at which they happen (DEVELOP.md).",
)
@click.option(
    "--listen", metavar="HOST:PORT", help="Where to listen; other than on loopback beside it, with TLS."
)
@click.option("--tls-cert", metavar="FILE", help="The certificate for that.")
@click.option("--tls-key", metavar="FILE", help="Its key.")
@click.option("--log-format", type=click.Choice(["human", "json"]), help="How to log, on stderr.")
@click.option("--log-level", type=click.Choice(["debug", "info", "warning", "error"]), help="What to log.")
@click.option(
    "--auto", is_flag=True, hidden=True, help="A command starts this: log to a file, end when idle."
)
def command(virtual: int | None, scenario: Path | None, *, auto: bool, **options: str | None) -> None:
    """Watch the phones, carry runs and answer the other commands until Ctrl-C.

    Runs that are under way at the end go on on their phones. Commands start a hub by themselves where none
    runs; it ends when it has had nothing to do for a while, and gives way to this one.
    """
    from devicehub.logs import start_logging
    from devicehub.settings import find_home, load_settings

    if scenario is not None and virtual is None:
        raise click.UsageError("--scenario is for the phones of --virtual")
    home = find_home()
    settings = load_settings(home, options=options)
    style: Format = "json" if settings.text("log_format") == "json" else "human"
    start_logging(style, settings.text("log_level") or "info", file=home.logs / "hub.log" if auto else None)
    run_async(_serve(home, settings, virtual, scenario, auto=auto))


async def _serve(
    home: Home, settings: Settings, virtual: int | None, scenario: Path | None, *, auto: bool
) -> None:
    from devicehub.api.start import end_idle
    from devicehub.cli.virtual_phones import virtual_fleet
    from devicehub.clock import SystemClock
    from devicehub.serving import ServeOptions, serve

    if not auto:
        await end_idle(home, name=NAME, clock=SystemClock(), tell=say)
    async with contextlib.AsyncExitStack() as stack:
        adb: Any = None
        if virtual is not None:
            adb = await stack.enter_async_context(virtual_fleet(virtual, scenario, home))
        await serve(ServeOptions(home, settings, adb=adb, auto=auto))
