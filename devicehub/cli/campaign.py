"""`devicehub campaign`: a plan of cells, carried unattended, judged and reported."""

from __future__ import annotations

from typing import Final

import click

from devicehub.cli.lazy import Lazy, LazyGroup

COMMANDS: Final = {
    "baseline": Lazy("devicehub.cli.campaign_baseline", "Save what a campaign measured."),
    "check": Lazy("devicehub.cli.campaign_file", "Name all that is wrong in a file.", "command_check"),
    "init": Lazy("devicehub.cli.campaign_init", "Write a file for the phones that are there."),
    "list": Lazy("devicehub.cli.campaign_look", "List campaigns, the newest first.", "command_list"),
    "report": Lazy("devicehub.cli.campaign_report", "Write a campaign's result in any format."),
    "resume": Lazy("devicehub.cli.campaign_run", "Go on with what is missing.", "command_resume"),
    "run": Lazy("devicehub.cli.campaign_run", "Run a campaign, and follow it to its end.", "command_run"),
    "show": Lazy("devicehub.cli.campaign_look", "Show how a campaign stands.", "command_show"),
    "stop": Lazy("devicehub.cli.campaign_look", "End a campaign and its runs.", "command_stop"),
}


@click.group("campaign", cls=LazyGroup, table=COMMANDS)
def command() -> None:
    """Ask of all phones whether engines, models and settings work and keep their speed.

    A campaign is a TOML file: phones x models x engines x run profiles x workloads or prompt suites, with
    limits and a baseline. CAMPAIGN names one that was begun: its id, the beginning of it, or its name.
    """
