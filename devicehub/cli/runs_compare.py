"""`devicehub runs compare`: what two stored runs say of each other."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from devicehub.cli.at_hub import at_hub
from devicehub.cli.comparison_view import MARGIN_OPTION, exit_code, print_comparison
from devicehub.cli.output import print_json, run_async
from devicehub.cli.run_view import read_record
from devicehub.measure.likeness import FACTORS

if TYPE_CHECKING:
    from devicehub.cli.at_hub import Place
    from devicehub.measure.compare import Comparison
    from devicehub.runs.model import RunRecord


@click.command("compare")
@click.argument("first", metavar="ID")
@click.argument("second", metavar="ID")
@click.option(
    "--by",
    type=click.Choice(FACTORS),
    help="The factor that may differ [the one of their comparison, else the one that differs].",
)
@MARGIN_OPTION
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@at_hub
def command(first: str, second: str, *, by: str | None, margin: float, as_json: bool, place: Place) -> None:
    """Compare two runs, A and B in the order that they are named.

    Runs of one comparison are paired launch by launch. Others get their medians and the ratio of these, and
    no claim. Runs that differ in more than one factor are refused with the list, and the exit status is 1.
    """
    comparison, a, b = run_async(_ask(place, first, second, by, margin))
    if as_json:
        print_json(comparison)
    else:
        print_comparison(comparison, a, b)
    sys.stdout.flush()
    sys.exit(exit_code(comparison))


async def _ask(
    place: Place, first: str, second: str, by: str | None, margin: float
) -> tuple[Comparison, RunRecord, RunRecord]:
    from devicehub.api.contract import RUN_RECORDS, RUNS_COMPARED, CompareRuns, RecordsQuery

    async with place.client() as client:
        comparison = await client.call(
            RUNS_COMPARED, CompareRuns(a=first, b=second, by=by, margin=margin), timeout_s=120.0
        )
        page = await client.call(RUN_RECORDS, RecordsQuery(runs=[comparison.a, comparison.b]))
    a, b = map(read_record, page.records)
    return comparison, a, b
