"""`devicehub compare`: two engines, models, profiles or phones under one protocol."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from devicehub.cli.at_hub import at_hub
from devicehub.cli.comparison_view import MARGIN_OPTION, exit_code, print_comparison
from devicehub.cli.exit_codes import ExitCode
from devicehub.cli.output import print_json, run_async, say
from devicehub.cli.record_table import print_failures
from devicehub.cli.run_options import shared_options
from devicehub.cli.run_request import START_S, check_here, make_ask
from devicehub.cli.run_view import Narration, fetch_records, problem_error
from devicehub.cli.suite_view import print_suites
from devicehub.errors import HubError
from devicehub.measure.likeness import FACTORS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devicehub.cli.at_hub import Place
    from devicehub.measure.compare import Comparison
    from devicehub.runs.ask import CompareAsk, Factor, RunAsk
    from devicehub.runs.model import RunRecord


@click.command("compare", short_help="Compare two engines, models, profiles or phones.")
@click.option("--by", type=click.Choice(FACTORS), required=True, help="What A and B are.")
@click.argument("a")
@click.argument("b")
@click.argument("model", required=False)
@shared_options(
    workloads=("demo", "bench", "app"),
    workload="bench",
    protocol="How the figures are made [bench: standard, demo: answer, app: app].",
    launches="Measured launches of A, and as many of B [the protocol's].",
)
@MARGIN_OPTION
@click.option("--json", "as_json", is_flag=True, help="Print one document: the comparison and both records.")
@at_hub
def command(
    by: Factor,
    a: str,
    b: str,
    model: str | None,
    *,
    margin: float,
    as_json: bool,
    place: Place,
    **options: Any,
) -> None:
    """Compare A with B: engines, models, run profiles or phones; all else is the same.

    MODEL is one of the catalogue, as for `devicehub run`; --by model has none beside A and B. On one phone
    the launches of A and B alternate, on two phones they run at the same time. What is unlike beside the
    named factor is refused with the list.

    The exit status is 0 when the two were compared, whatever came of it, and 1 when they are unlike or a run
    failed.
    """
    run = make_ask(model or a, options.pop("selectors"), options, place)
    ask = make_comparison(by, a, b, model, run)
    check_here(run, place, comparing=True)
    comparison, records = run_async(_carry(place, ask, margin))
    finish_comparison(comparison, records, as_json=as_json)


def make_comparison(by: Factor, a: str, b: str, model: str | None, run: RunAsk) -> CompareAsk:
    """What the words ask for.

    Raises:
        UsageError: a model too many, or none.
    """
    from devicehub.runs.ask import CompareAsk

    if by == "model" and model is not None:
        raise click.UsageError(f"--by model compares {a} with {b}; leave {model} out")
    if by != "model" and model is None:
        raise click.UsageError(f"name the model after the two {by}s: --by {by} {a} {b} MODEL")
    return CompareAsk(by=by, a=a, b=b, run=run)


def alike_note(by: str, names: Sequence[str]) -> str | None:
    """That A and B are one and the same, which compares a thing with itself; None where they are two."""
    if names[0] != names[1]:
        return None
    return f"A and B are the same {by}: what differs between them is chance, the protocol's own noise"


async def _carry(place: Place, ask: CompareAsk, margin: float) -> tuple[Comparison, list[RunRecord]]:
    from devicehub.api.contract import RUN_COMPARE, RUNS_COMPARED, CompareRuns
    from devicehub.cli.following import Following

    if note := alike_note(ask.by, (ask.a, ask.b)):
        say(note)
    async with place.client() as client:
        views = await client.call(RUN_COMPARE, ask, timeout_s=START_S)
    narrations = {
        view.id: Narration(f"{view.serial} {letter}", stream_text=False, alone=False)
        for view, letter in zip(views, "AB", strict=True)
    }
    records: list[RunRecord] = []
    for found in await fetch_records(place, await Following(place, narrations).ends()):
        if isinstance(found, HubError):
            raise found
        records.append(found)
    async with place.client() as client:
        a, b = records
        params = CompareRuns(a=a.id, b=b.id, by=ask.by, margin=margin)
        return await client.call(RUNS_COMPARED, params), records


def finish_comparison(comparison: Comparison, records: Sequence[RunRecord], *, as_json: bool) -> None:
    """Print both runs and what they say of each other, and end the process.

    Raises:
        HubError: the first of those that ended a run; the other was said.
    """
    first, second = records
    errors = [error for error in map(problem_error, records) if error is not None]
    if as_json:
        print_json({"comparison": comparison, "runs": [first, second]})
    elif any(record.launches for record in records):
        print_suites([first, second])
        print_failures([first, second])
        print_comparison(comparison, first, second)
    sys.stdout.flush()
    for error in errors[1:]:
        if str(error) != str(errors[0]):
            say(f"devicehub: {error}")
    if errors:
        raise errors[0]
    failed = any(record.verdict != "succeeded" for record in (first, second))
    sys.exit(ExitCode.FAILED if failed else exit_code(comparison))
