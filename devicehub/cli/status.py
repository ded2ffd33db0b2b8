"""`devicehub status`: what the hub is and has to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from devicehub.cli.at_hub import NAME, Place, at_hub
from devicehub.cli.output import print_json, print_table, run_async

if TYPE_CHECKING:
    from devicehub.api.model import StatusView


@click.command("status")
@at_hub
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def command(place: Place, as_json: bool) -> None:
    """Tell what the hub is and has to do; none is started."""
    status = run_async(_ask(place))
    if as_json:
        print_json(status)
        return
    minutes, seconds = divmod(int(status.uptime_s), 60)
    rows = [
        ("hub", f"{status.url}, process {status.pid}" + (", started by a command" if status.auto else "")),
        ("version", status.version),
        ("up", f"{minutes // 60} h {minutes % 60} min {seconds} s"),
        ("home", status.home),
        ("adb server", status.adb),
        ("phones", status.devices),
        ("runs", f"{status.runs} under way, {status.queued} queued"),
        ("jobs", f"{status.jobs} under way"),
        ("clients", status.clients),
    ]
    print_table(["", ""], [(name, str(value)) for name, value in rows])


async def _ask(place: Place) -> StatusView:
    from devicehub.api.client import connect
    from devicehub.api.contract import STATUS

    async with connect(place.where(), name=NAME, start=False, any_version=True) as client:
        return await client.call(STATUS)
