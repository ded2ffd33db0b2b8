"""`devicehub stop`: end the hub."""

from __future__ import annotations

import click

from devicehub.cli.at_hub import NAME
from devicehub.cli.output import run_async, say


@click.command("stop")
def command() -> None:
    """End this user's hub, and wait until it has ended; runs go on on their phones."""
    run_async(_stop())


async def _stop() -> None:
    from devicehub.api.client import connect
    from devicehub.api.contract import STOP
    from devicehub.api.hubfile import HubFile
    from devicehub.api.place import Where
    from devicehub.api.start import wait_for_end
    from devicehub.clock import SystemClock
    from devicehub.settings import find_home

    home = find_home()
    async with connect(Where(home), name=NAME, start=False, any_version=True) as client:
        status = await client.call(STOP)
    await wait_for_end(home, HubFile(url=status.url, pid=status.pid, version=status.version), SystemClock())
    going_on = "1 run goes on on its phone" if status.runs == 1 else f"{status.runs} runs go on on phones"
    say(f"ended the hub, process {status.pid}" + (f"; {going_on}" if status.runs else ""))
