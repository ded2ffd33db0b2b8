"""`devicehub doctor`: what stands in the way of a run, on this host and on each phone."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import click

from devicehub.cli.at_hub import at_hub, named_phones
from devicehub.cli.exit_codes import ExitCode
from devicehub.cli.output import emphasize, print_json, print_table, run_async, say, terminal_width
from devicehub.columns import wrap_text
from devicehub.errors import HubError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devicehub.api.contract import Diagnose, Report, Row
    from devicehub.cli.at_hub import Place

_LOOK_S: Final = 120.0
"""A phone that does not answer is waited for half a minute, and its storage for as long."""
_HOST: Final = "host"


@click.command("doctor")
@click.option(
    "--on", "selectors", multiple=True, metavar="SELECTOR", help="The phones to look at [all of them]."
)
@click.option("--engine", metavar="ENGINE", help="Hold this engine against them [the one that fits].")
@click.option("--model", metavar="MODEL", help="Likewise this model [the only one].")
@click.option("--profile", metavar="PROFILE", help="Likewise this run profile [default].")
@click.option(
    "--probe/--no-probe",
    default=None,
    help="Start a short run on each phone [where both --engine and --model are given].",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@at_hub
def command(
    selectors: tuple[str, ...],
    engine: str | None,
    model: str | None,
    profile: str | None,
    probe: bool | None,
    as_json: bool,
    place: Place,
) -> None:
    """Look at this host and at the phones for what stands in the way of a run.

    Each row is ok, a warning or a problem, with the remedy beneath. The exit status is 0 where a run of this
    engine, model and profile can work on each of the phones, 1 where a problem stands, 3 where there is no
    hub or no phone.
    """
    from devicehub.api.contract import DOCTOR, Diagnose

    params = Diagnose(selectors=named_phones(selectors), engine=engine, model=model, profile=profile)
    if place.url is None and (problem := _no_hub(place)) is not None:
        report = run_async(_here(problem))
        _show(report, as_json=as_json)
        raise SystemExit(ExitCode.UNREACHABLE)
    if probe or (probe is None and engine is not None and model is not None):
        report = _probe(place, params)
    else:
        report = place.ask(DOCTOR, params, timeout_s=_LOOK_S)
    _show(report, as_json=as_json)
    if not report.phones:
        raise SystemExit(ExitCode.UNREACHABLE)
    if report.has_problem:
        raise SystemExit(ExitCode.FAILED)


def _no_hub(place: Place) -> HubError | OSError | None:
    """Why this user's hub neither runs nor starts; None where it is there."""

    async def meet() -> None:
        async with place.client():
            pass

    try:
        run_async(meet())
    except (HubError, OSError) as error:
        return error
    return None


async def _here(problem: HubError | OSError) -> Report:
    """The host's rows alone, found by this process: there is no hub to ask."""
    from devicehub.api.contract import Report
    from devicehub.clock import SystemClock
    from devicehub.doctor.host_judge import judge_host, no_hub
    from devicehub.doctor.host_look import look_at_host
    from devicehub.settings import find_home

    facts = await look_at_host(find_home(), wall_s=SystemClock().wall_s())
    return Report(rows=[*judge_host(facts), *no_hub(str(problem))])


def _probe(place: Place, params: Diagnose) -> Report:
    import msgspec

    from devicehub.api.contract import DOCTOR_PROBE, Report
    from devicehub.cli.jobs import finish_jobs

    [found] = run_async(finish_jobs(place, DOCTOR_PROBE, params))
    return msgspec.convert(found, Report)


def _show(report: Report, *, as_json: bool) -> None:
    if as_json:
        print_json(report)
        return
    for subject in (_HOST, *report.phones):
        rows = [row for row in report.rows if row.subject == subject]
        if subject != _HOST:
            print()
        title = report.titles.get(subject)
        for line in wrap_text(f"{subject}  {title}" if title else subject, terminal_width()):
            print(emphasize(line))
        print_table(("", "", ""), [_cells(row) for row in rows], room=terminal_width())
    if not report.phones:
        say("no phone is connected; plug one in with USB debugging on, or try `devicehub serve --virtual 2`")
    say(_sum_up(report))


def _cells(row: Row) -> Sequence[str]:
    return (row.state, row.name, f"{row.says}\n-> {row.remedy}" if row.remedy else row.says)


def _sum_up(report: Report) -> str:
    """`2 problems, 1 warning`."""
    from devicehub.api.contract import Standing

    counts = Counter(row.state for row in report.rows)
    told = (counts[Standing.PROBLEM], "problem"), (counts[Standing.WARNING], "warning")
    words = [f"{count} {name}{'s' if count != 1 else ''}" for count, name in told if count]
    return ", ".join(words) or "nothing stands in the way"
