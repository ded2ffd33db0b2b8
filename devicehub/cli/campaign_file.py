"""Reads a campaign's file with the files that it names; `devicehub campaign check`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from devicehub.cli.at_hub import at_hub
from devicehub.cli.exit_codes import ExitCode
from devicehub.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devicehub.api.contract import CampaignText
    from devicehub.cli.at_hub import Place

_MOST_MIB = 8


def read_campaign(
    path: Path, *, max_duration: str | None = None, selectors: Sequence[str] = ()
) -> CampaignText:
    """A campaign's file with those that it names, as far as they are there.

    Raises:
        InputError: the file cannot be read.
    """
    from devicehub.api.contract import CampaignText
    from devicehub.campaign.file import named_files
    from devicehub.files import read_file

    def read(file: Path, remedy: str) -> str:
        data = read_file(file, remedy=remedy, most_mib=_MOST_MIB)
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = error.object[: error.start].count(b"\n") + 1
            raise InputError(f"{file} line {line}", "is not UTF-8", remedy="save it as UTF-8") from None

    text = read(path, "give the file of a campaign; `devicehub campaign init` writes one")
    files = {}
    for name in named_files(text):
        file = path.parent / name
        if file.is_file():
            files[name] = read(file, f"{path} names it")
    return CampaignText(
        text=text,
        place=str(path),
        files=files,
        max_duration=max_duration,
        selectors=list(selectors),
    )


@click.command("check")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@at_hub
def command_check(file: Path, *, as_json: bool, place: Place) -> None:
    """Name all that is wrong in the campaign's FILE, each with its line.

    The exit status is 0 where nothing is, 4 where something is.
    """
    from devicehub.api.contract import CAMPAIGN_CHECK
    from devicehub.cli.output import print_json, say

    problems = place.ask(CAMPAIGN_CHECK, read_campaign(file))
    if as_json:
        print_json(problems)
    else:
        for one in problems:
            print(_words(file, one))
    if problems:
        say(f"{len(problems)} problem{'s' if len(problems) != 1 else ''}")
        raise SystemExit(ExitCode.BAD_INPUT)
    say("nothing is wrong with it")


def _words(file: Path, problem: Any) -> str:
    place = f"{file} line {problem.line}" if problem.line else str(file)
    return f"{place}: {problem.key}: {problem.problem}" if problem.key else f"{place}: {problem.problem}"
