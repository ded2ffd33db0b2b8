"""`devicehub mirror`: a phone's screen in a window, by scrcpy."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from devicehub.cli.at_hub import at_hub
from devicehub.cli.output import run_async, say

if TYPE_CHECKING:
    from devicehub.api.model import WayView
    from devicehub.cli.at_hub import Place


@click.command("mirror")
@click.argument("serial")
@at_hub
def command(serial: str, *, place: Place) -> None:
    """Show a phone's screen in a window and control it, until the window is closed.

    It starts the program scrcpy, on the hub's host only. Mirroring costs the phone power and warmth: leave it
    away while figures are made.
    """

    async def show() -> None:
        from devicehub.adb.address import ServerAddress
        from devicehub.api.contract import WAY, DeviceNamed
        from devicehub.screen.scrcpy import find_scrcpy, mirror, plan_start

        async with place.client() as client:
            way = await client.call(WAY, DeviceNamed(device=serial))
        _require_local(way)
        start = plan_start(
            find_scrcpy(os.environ),
            way.serial,
            address=ServerAddress(way.adb_host, way.adb_port),
            adb=way.adb_path,
            title=way.title,
            environ=os.environ,
            shared=way.shared,
        )
        await mirror(start, tell=say)

    run_async(show())


def _require_local(way: WayView) -> None:
    from devicehub.errors import ProgramError

    if not way.local:
        raise ProgramError(
            "scrcpy",
            "reaches phones from the hub's host only",
            remedy=f"run `devicehub mirror {way.serial}` there, or press m in `devicehub tui` for pictures",
        )
