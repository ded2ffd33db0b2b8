"""`devicehub campaign list|show|stop`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from devicehub.cli.at_hub import at_hub

if TYPE_CHECKING:
    from devicehub.cli.at_hub import Place

_STOP_S = 60.0


@click.command("list")
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True, help="So many of them.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@at_hub
def command_list(limit: int, *, as_json: bool, place: Place) -> None:
    """List campaigns, the newest first."""
    from devicehub.api.contract import CAMPAIGNS, CampaignsQuery
    from devicehub.cli.campaign_view import list_rows
    from devicehub.cli.output import format_time, print_json, print_table, say, terminal_width

    found = place.ask(CAMPAIGNS, CampaignsQuery(limit=limit))
    if as_json:
        print_json(found)
        return
    if not found:
        say("no campaign was begun yet; `devicehub campaign init` writes a file for one")
        return
    rows = list_rows(found, [format_time(view.created) for view in found])
    print_table(("id", "name", "state", "begun", "cells", "stands"), rows, room=terminal_width())


@click.command("show")
@click.argument("campaign")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@at_hub
def command_show(campaign: str, *, as_json: bool, place: Place) -> None:
    """Show how CAMPAIGN stands, cell by cell."""
    from devicehub.api.contract import CAMPAIGN, CampaignNamed
    from devicehub.cli.campaign_view import cell_line, progress_line
    from devicehub.cli.output import print_json

    found = place.ask(CAMPAIGN, CampaignNamed(campaign=campaign))
    if as_json:
        print_json(found)
        return
    view = found.campaign
    print(f"{view.name}  {view.id}  {view.state}")
    for note in found.notes:
        print(f"note: {note}")
    for cell in found.cells:
        print(cell_line(cell))
    print(progress_line(view) if view.state == "running" else view.sentence)


@click.command("stop")
@click.argument("campaign")
@at_hub
def command_stop(campaign: str, place: Place) -> None:
    """End CAMPAIGN and the runs that it has under way; `campaign resume` goes on with what is missing."""
    from devicehub.api.contract import CAMPAIGN_STOP, CampaignNamed
    from devicehub.cli.output import say

    view = place.ask(CAMPAIGN_STOP, CampaignNamed(campaign=campaign), timeout_s=_STOP_S)
    say(f"campaign {view.id} is {view.state}: {view.sentence}")
