"""`devicehub tui`: the fleet screen, in this terminal or in a browser of this host."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING

import click

from devicehub.cli.at_hub import at_hub
from devicehub.cli.output import run_async, say

if TYPE_CHECKING:
    from devicehub.cli.at_hub import Place


@click.command("tui")
@click.option("--web", is_flag=True, help="Serve it to browsers of this host; prints a link that opens once.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="The port of --web; 0 for a free one.")
@at_hub
def command(*, web: bool, port: int, place: Place) -> None:
    """Show the fleet: phones, runs, figures; every key is shown at the bottom.

    With --web the link that is printed lets one browser in, and each time it is used the next one is printed.
    Through ssh, forward the same port: ssh -L PORT:127.0.0.1:PORT HOST.
    """
    if web:
        run_async(_serve(place, port))
        return
    # A browser's session has no terminal: its driver speaks over pipes.
    if not os.environ.get("TEXTUAL_DRIVER") and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise click.UsageError("this is no terminal; `devicehub devices --watch` prints lines")
    from devicehub_tui.app import run

    run(place.where())


async def _serve(place: Place, port: int) -> None:
    from devicehub_tui.programs import own_command
    from devicehub_tui.web.server import web_screen

    def tell(link: str) -> None:
        print(link, flush=True)

    async with place.client():  # a hub that cannot be reached is better told here than in each browser
        pass
    async with web_screen(own_command(place.where(), "tui"), tell=tell, port=port):
        say("open the link in a browser of this host; Ctrl-C ends it and all its sessions")
        await asyncio.Event().wait()
