"""`devicehub campaign run|resume`: begin or go on with a campaign, and follow it to its end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from devicehub.cli.at_hub import at_hub
from devicehub.cli.campaign_profile_options import profile_options
from devicehub.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable

    from devicehub.api.campaign_model import CampaignView
    from devicehub.campaign.result import CampaignResult
    from devicehub.cli.at_hub import Place

_PLAN_S: Final = 120.0
"""A plan looks at the phones, and may have to wait for them to be identified."""
ACCEPTABLE: Final = ("inconclusive", "not_comparable", "not_run")


def _following_options(function: Callable[..., Any]) -> Callable[..., Any]:
    options = (
        click.option("--max-duration", metavar="TIME", help="Begin no cell after it: 90m, 8h."),
        click.option("--detach", is_flag=True, help="Return as soon as it has begun."),
        click.option(
            "--accept",
            metavar="STATE,...",
            default="",
            help=f"Let these pass for the exit status: {', '.join(ACCEPTABLE)}.",
        ),
        click.option(
            "--report",
            "reports",
            multiple=True,
            metavar="FILE",
            type=click.Path(path_type=Path, dir_okay=False),
            help="Write a report at the end, in the format of its suffix: .html, .xml, .md, .csv, .jsonl.",
        ),
        click.option("--json", "as_json", is_flag=True, help="Print one JSON document at the end."),
    )
    for option in reversed(options):
        function = option(function)
    return function


@click.command("run")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--on", "selectors", multiple=True, metavar="SELECTOR", help="In place of the file's phones.")
@click.option("--dry-run", is_flag=True, help="Print the plan, and what is left out with the reasons.")
@profile_options
@_following_options
@at_hub
def command_run(
    file: Path,
    selectors: tuple[str, ...],
    *,
    dry_run: bool,
    save_profile: str | None,
    prefer: str,
    max_duration: str | None,
    detach: bool,
    accept: str,
    reports: tuple[Path, ...],
    as_json: bool,
    place: Place,
) -> None:
    """Run the campaign of FILE, and follow it to its end.

    It goes on when this command ends, the hub is killed or a cable is pulled; Ctrl-C leaves it running
    (`devicehub campaign stop` ends it). The exit status is 0 where every cell passed, 1 where any failed, 5
    where none failed and some were not judged.
    """
    from devicehub.api.contract import CAMPAIGN_PLAN, CAMPAIGN_START
    from devicehub.cli.campaign_file import read_campaign
    from devicehub.cli.campaign_profile import check_sweep, save
    from devicehub.cli.campaign_view import plan_lines
    from devicehub.cli.output import print_json, say

    accepted = _accepted(accept)
    _check_end(reports, save_profile, detach=detach)
    asked = read_campaign(file, max_duration=max_duration, selectors=selectors)
    if save_profile is not None:
        check_sweep(save_profile, asked.text, asked.place)
    if dry_run:
        plan = place.ask(CAMPAIGN_PLAN, asked, timeout_s=_PLAN_S)
        if as_json:
            print_json(plan)
        else:
            for line in plan_lines(plan):
                print(line)
        return
    view = place.ask(CAMPAIGN_START, asked, timeout_s=_PLAN_S)
    say(f"campaign {view.id}: {view.cells} cells")
    if detach:
        _show_begun(view, as_json=as_json)
        return
    result = _follow(place, view, reports)
    if save_profile is not None:
        save(result, save_profile, prefer)
    _end(result, accepted, as_json=as_json)


@click.command("resume")
@click.argument("campaign")
@_following_options
@at_hub
def command_resume(
    campaign: str,
    *,
    max_duration: str | None,
    detach: bool,
    accept: str,
    reports: tuple[Path, ...],
    as_json: bool,
    place: Place,
) -> None:
    """Go on with the cells of CAMPAIGN that are missing, and follow it to its end."""
    from devicehub.api.contract import CAMPAIGN_RESUME, CampaignResume
    from devicehub.cli.output import say

    accepted = _accepted(accept)
    _check_end(reports, None, detach=detach)
    view = place.ask(CAMPAIGN_RESUME, CampaignResume(campaign=campaign, max_duration=max_duration))
    say(f"campaign {view.id}: {view.sentence}")
    if detach:
        _show_begun(view, as_json=as_json)
        return
    _end(_follow(place, view, reports), accepted, as_json=as_json)


def _check_end(reports: tuple[Path, ...], save_profile: str | None, *, detach: bool) -> None:
    """Refuse now what could not be done when the campaign is over."""
    from devicehub.cli.campaign_result import check_report

    if detach and (reports or save_profile is not None):
        given = "--report" if reports else "--save-profile"
        raise click.UsageError(
            f"{given}: there is no result yet with --detach; see `devicehub campaign report`"
        )
    for path in reports:
        check_report(path)


def _accepted(text: str) -> frozenset[str]:
    states = frozenset(state.strip().replace(" ", "_") for state in text.split(",") if state.strip())
    if unknown := sorted(states - set(ACCEPTABLE)):
        raise click.UsageError(f"--accept {unknown[0]}: is none of {', '.join(ACCEPTABLE)}")
    return states


def _show_begun(view: CampaignView, *, as_json: bool) -> None:
    from devicehub.cli.output import print_json

    if as_json:
        print_json(view)
    else:
        print(view.id)


def _follow(place: Place, view: CampaignView, reports: tuple[Path, ...]) -> CampaignResult:
    """Follow a campaign to its end, and write its reports."""
    from devicehub.cli.campaign_following import CampaignFollowing
    from devicehub.cli.campaign_result import fetch_result, write_report
    from devicehub.cli.output import run_async, say

    try:
        if view.state == "running":
            run_async(CampaignFollowing(place, view.id).ends())
    except KeyboardInterrupt:
        say(f"it goes on; `devicehub campaign show {view.id}` tells how far it is")
        raise
    result = run_async(fetch_result(place, view.id))
    for path in reports:
        write_report(result, path)
        say(f"wrote {path}")
    return result


def _end(result: CampaignResult, accepted: frozenset[str], *, as_json: bool) -> None:
    """Print a result, and end the process with its status where that is not 0."""
    from devicehub.campaign.judge import exit_of
    from devicehub.campaign.result import CELL_STATES
    from devicehub.cli.campaign_result import as_document
    from devicehub.cli.output import print_json
    from devicehub.report.terminal import render

    counts = {state: result.counts.get(state, 0) for state in CELL_STATES}
    status = exit_of(counts, accepted)
    if as_json:
        print_json(as_document(result, status))
    else:
        print(render(result).rstrip())
    if status:
        raise SystemExit(ExitCode(status))
