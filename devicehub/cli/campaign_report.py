"""`devicehub campaign report`: a campaign's result in any format."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from devicehub.cli.at_hub import at_hub
from devicehub.cli.campaign_profile_options import profile_options

if TYPE_CHECKING:
    from devicehub.cli.at_hub import Place

FORMAT_NAMES: Final = ("terminal", "markdown", "junit", "jsonl", "csv", "html")


@click.command("report")
@click.argument("campaign")
@click.option("--format", "name", type=click.Choice(FORMAT_NAMES), help="[by --out's suffix, else terminal]")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="Write it there instead of stdout."
)
@profile_options
@at_hub
def command(
    campaign: str,
    *,
    name: str | None,
    out: Path | None,
    save_profile: str | None,
    prefer: str,
    place: Place,
) -> None:
    """Write the result of CAMPAIGN, as far as it is: terminal, markdown, junit, jsonl, csv or html."""
    from devicehub.cli.campaign_profile import check_name, save
    from devicehub.cli.campaign_result import fetch_result, write_report
    from devicehub.cli.output import run_async, say
    from devicehub.report.formats import FORMATS

    if save_profile is not None:
        check_name(save_profile)
    result = run_async(fetch_result(place, campaign))
    if out is None:
        print(FORMATS[name or "terminal"].render(result).rstrip())
    else:
        write_report(result, out, name)
        say(f"wrote {out}")
    if save_profile is not None:
        save(result, save_profile, prefer)
