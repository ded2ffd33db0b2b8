"""`devicehub campaign baseline save`: keep what a campaign measured, to hold later ones against."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from devicehub.cli.at_hub import at_hub

if TYPE_CHECKING:
    from devicehub.cli.at_hub import Place


@click.group("baseline")
def command() -> None:
    """Keep what campaigns measured.

    A campaign whose file names a baseline runs that baseline's engine, model and profile again, launch by
    launch beside its own: what was measured before is shown, and never judged.
    """


@command.command("save")
@click.argument("name")
@click.option("--campaign", metavar="CAMPAIGN", help="Of which campaign [the newest].")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write it into this file, for git, instead of the hub's own folder.",
)
@at_hub
def save(name: str, *, campaign: str | None, out: Path | None, place: Place) -> None:
    """Save a baseline: [baseline] name = "NAME" in a campaign's file, or file = "FILE" with --out FILE."""
    from devicehub.api.contract import CAMPAIGN_BASELINE, CAMPAIGNS, CampaignsQuery, SaveBaseline
    from devicehub.cli.output import say
    from devicehub.errors import InputError
    from devicehub.files import publish

    if campaign is None:
        newest = place.ask(CAMPAIGNS, CampaignsQuery(limit=1))
        if not newest:
            raise InputError("--campaign", "no campaign was begun yet", remedy="run one first")
        campaign = newest[0].id
    params = SaveBaseline(campaign=campaign, name=name, keep=out is None)
    text = place.ask(CAMPAIGN_BASELINE, params)
    if out is None:
        say(f"saved baseline {name} of campaign {campaign}")
        return
    try:
        publish(out, text, mode=0o644)
    except OSError as error:
        raise InputError(out, f"cannot be written: {error.strerror}", remedy="choose another place") from None
    say(f"wrote {out}")
