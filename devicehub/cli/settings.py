"""`devicehub settings`: what is set, and where."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import click

from devicehub.cli.at_hub import NAME, Place, at_hub
from devicehub.cli.output import print_json, print_table, run_async, say
from devicehub.errors import HubUnreachable

if TYPE_CHECKING:
    from devicehub.api.model import SettingView


@click.command("settings")
@at_hub
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
def command(place: Place, as_json: bool) -> None:
    """Show each setting with its value and where that comes from.

    They are those of the hub that runs; where none does, those that one would have now. settings.toml in
    $DEVICEHUB_HOME sets them, over it the environment, over that the command line.
    """
    found = run_async(_find(place))
    if as_json:
        print_json(found)
        return
    rows = [
        (setting.name, _show(setting.value), setting.origin, setting.place or "", setting.help)
        for setting in found
    ]
    print_table(["setting", "value", "origin", "from", ""], rows)


async def _find(place: Place) -> list[SettingView]:
    from devicehub.api.client import connect
    from devicehub.api.contract import SETTINGS
    from devicehub.api.views import setting_view
    from devicehub.settings import load_settings

    if place.url is None:
        home = place.where().home
        views = [setting_view(value) for value in load_settings(home).values]
        with contextlib.suppress(HubUnreachable):
            async with connect(place.where(), name=NAME, start=False) as client:
                say(f"settings of the hub at {client.url}")
                return await client.call(SETTINGS)
        say("no hub runs: the settings of one that is started now")
        return views
    async with connect(place.where(), name=NAME, start=False) as client:
        return await client.call(SETTINGS)


def _show(value: object) -> str | None:
    if isinstance(value, float):
        return f"{value:g}"
    return None if value is None else str(value)
