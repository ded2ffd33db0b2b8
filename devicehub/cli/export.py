"""`devicehub export`: from a checkpoint to models that phones run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from devicehub.cli.at_hub import at_hub

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from devicehub.api.contract import Export
    from devicehub.api.model import ExportPlanView, JobView, ProgressMade
    from devicehub.cli.at_hub import Place


class _ExportCommand(click.Command):
    """A command that tells what to write in place of llmexport's own flags."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            raise click.UsageError(_explain(error), ctx) from error


@click.command("export", cls=_ExportCommand)
@click.argument("source", metavar="SRC")
@click.option("--recipe", "recipes", multiple=True, metavar="R", help="How; several make variants.")
@click.option("--all-recipes", is_flag=True, help="By every recipe that suits SRC.")
@click.option("--set", "overrides", multiple=True, metavar="FLAG[=VALUE]", help="Any option of llmexport.")
@click.option("--calib", "calibration", type=click.Path(path_type=Path), help="A text, one sample a line.")
@click.option("--gguf", type=click.Path(path_type=Path), help="Take the weights of this file.")
@click.option("--fit-block", is_flag=True, help="Take what fits where R's block, or hqq, does not.")
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="What the model becomes.")
@click.option("--name", help="Its name here and on phones; default: SRC's name and R.")
@click.option("--text", type=click.Path(path_type=Path), help="Measure the perplexity on this text.")
@click.option("--no-fixture", is_flag=True, help="Do not ask it on this host what phones must answer.")
@click.option("--push-to", multiple=True, metavar="SELECTOR", help="Push it as soon as it is ready.")
@click.option("--then-run", metavar="PROFILE", help="Then measure it there with this run profile.")
@click.option(
    "--qnn-sdk", type=click.Path(path_type=Path), metavar="DIR", help="Qualcomm's QNN SDK, for npu-qnn."
)
@click.option(
    "--mnn", type=click.Path(path_type=Path), metavar="DIR", help="MNN's checkout, built; likewise."
)
@click.option("--soc", metavar="NAME", help="For phones with this SoC, as SM8650, likewise.")
@click.option("--on", "soc_of", multiple=True, metavar="SELECTOR", help="For the SoC of these, likewise.")
@click.option("--dry-run", is_flag=True, help="Only tell what it would come to.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print a JSON document for each event; the last is all."
)
@at_hub
def command(*, place: Place, dry_run: bool, as_json: bool, **options: Any) -> None:
    """Export the checkpoint SRC, a folder or hf:ORG/NAME once pulled, to a model of MNN.

    Each model is checked against SRC on this host before it appears in the catalogue. The recipes are told by
    `devicehub profiles list recipes`; several in one call make variants, which a table compares (* : none of
    the others is better in everything). It takes the extra `export`, which holds PyTorch.
    """
    params = _params(options)
    if dry_run:
        _show_plans(params, place, as_json=as_json)
    else:
        _export(params, place, as_json=as_json)


def _params(options: Mapping[str, Any]) -> Export:
    from devicehub.api.contract import Export

    if options["recipes"] and options["all_recipes"]:
        raise click.UsageError("--all-recipes and --recipe do not go together")
    source: str = options["source"]
    if not source.startswith(("hf:", "modelscope:", "https://")):
        source = str(Path(source).absolute())

    def path(name: str) -> str | None:
        return str(options[name].absolute()) if options[name] is not None else None

    return Export(
        source=source,
        recipes=list(options["recipes"]),
        all_recipes=options["all_recipes"],
        overrides=[_absolute(word) for word in options["overrides"]],
        gguf=path("gguf"),
        calibration=path("calibration"),
        fit_block=options["fit_block"],
        out=path("out"),
        name=options["name"],
        text=path("text"),
        fixture=not options["no_fixture"],
        push_to=list(options["push_to"]),
        then_run=options["then_run"],
        qnn_sdk=path("qnn_sdk"),
        mnn=path("mnn"),
        soc=options["soc"],
        soc_of=list(options["soc_of"]),
    )


def _absolute(word: str) -> str:
    """An override whose path, if it is one, counts from here and not from where the hub runs."""
    from devicehub.profiles.exporter import OPTIONS

    name, equals, value = word.partition("=")
    option = OPTIONS.get(name.strip().lstrip("-").replace("-", "_"))
    if option is None or not option.path or not value:
        return word
    return f"{name}{equals}{Path(value).absolute()}"


def _export(params: Export, place: Place, *, as_json: bool) -> None:
    from devicehub.api.contract import EXPORT_START
    from devicehub.cli.exit_codes import ExitCode
    from devicehub.cli.jobs import finish_jobs
    from devicehub.cli.output import print_json, run_async, say

    [result] = run_async(finish_jobs(place, EXPORT_START, params, hear=_print_event if as_json else None))
    if as_json:
        print_json({"event": "result", **result})
    else:
        _show_variants(result["variants"])
        for log in result["logs"]:
            say(f"log: {log}")
    if result["skipped"] and not params.all_recipes:
        raise SystemExit(ExitCode.FAILED)


def _print_event(event: JobView | ProgressMade) -> None:
    from msgspec import to_builtins

    from devicehub.api.model import JobView
    from devicehub.cli.output import print_json

    print_json({"event": "job" if isinstance(event, JobView) else "progress", **to_builtins(event)})
    sys.stdout.flush()  # a pipe would hold it back until much has come


def _show_variants(variants: Sequence[Mapping[str, Any]]) -> None:
    from devicehub.cli.output import print_table
    from devicehub.units import format_bytes

    columns: dict[str, list[str | None]] = {
        "recipe": [one["recipe"] for one in variants],
        "name": [one["name"] for one in variants],
        "size": [format_bytes(one["size"]) for one in variants],
        "bits/weight": [_number(one["bits_per_weight"], 2) for one in variants],
        "cosine": [_number(one["cosine"], 4) for one in variants],
        "perplexity": [_number(one["perplexity"], 2) for one in variants],
        "tok/s here": [_number(one["decode_tok_s"], 1) for one in variants],
        "best": ["*" if one["pareto"] else None for one in variants],
    }
    shown = {name: cells for name, cells in columns.items() if any(cells)}
    if len(variants) == 1:
        del shown["best"]
    print_table(list(shown), list(zip(*shown.values(), strict=True)))


def _show_plans(params: Export, place: Place, *, as_json: bool) -> None:
    from devicehub.api.contract import EXPORT_PLAN
    from devicehub.cli.exit_codes import ExitCode
    from devicehub.cli.output import print_json, print_table, say
    from devicehub.units import format_bytes

    plans: list[ExportPlanView] = place.ask(EXPORT_PLAN, params, timeout_s=600)
    possible = [plan for plan in plans if plan.refused is None]
    if as_json:
        print_json(plans)
    elif possible:
        rows = [
            (
                plan.recipe,
                f"about {format_bytes(plan.size or 0)}",
                _number(plan.bits_per_weight, 2),
                format_bytes(plan.ram or 0),
                format_bytes(plan.disk or 0),
                " ".join(_option(name, value) for name, value in plan.options.items()),
            )
            for plan in possible
        ]
        print_table(("recipe", "size", "bits/weight", "memory", "room", "options"), rows)
    for plan in plans:
        for said in [*plan.notes, *(f"warning: {warning}" for warning in plan.warnings)]:
            say(f"{plan.recipe}: {said}")
        if not as_json and plan.commands:
            print("\n".join(plan.commands))
        if plan.refused is not None:
            say(f"{plan.recipe} is refused: {plan.refused}")
    if not possible:
        raise SystemExit(ExitCode.BAD_INPUT)


def _option(name: str, value: object) -> str:
    return name if value is True else f"{name}={value}"


def _number(value: float | None, digits: int) -> str | None:
    return None if value is None else f"{value:.{digits}f}"


def _explain(error: click.NoSuchOption) -> str:
    from devicehub.export.flags import explain_flag
    from devicehub.profiles.exporter import OPTIONS

    name = error.option_name.lstrip("-").replace("-", "_")
    if name in OPTIONS:
        return f"{error.option_name} is an option of llmexport: write --set {name}=VALUE"
    explained = explain_flag(name)
    if explained is None:
        return error.format_message()
    problem, remedy = explained
    return f"{error.option_name}: {problem}; {remedy}"
