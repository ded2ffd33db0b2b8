"""`devicehub models`: the catalogue of MNN models on this host."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from devicehub.models.catalog import Model, ModelCatalog


@click.group("models")
def command() -> None:
    """Keep the catalogue of models: folders as llmexport writes them, left where they lie."""


@command.command("add", short_help="Check a folder and take it into the catalogue.")
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@click.option("--name", help="Its name here and on phones; default: the folder's.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def add_command(folder: Path, name: str | None, *, as_json: bool) -> None:
    """Check the model in DIR and take it into the catalogue; again after it changed.

    The files are hashed, not copied: the folder has to stay.
    """
    from devicehub.cli.output import Progress, print_json, say

    bars: list[Progress] = []

    def begin(total: int) -> None:
        bars.append(Progress("hash", total))

    try:
        model = _catalog().add(
            folder, name, begin=begin, progress=lambda size: bars[-1].advance(size) if bars else None
        )
    finally:
        for bar in bars:
            bar.close()
    for warning in model.warnings:
        say(f"warning: {warning}")
    if as_json:
        print_json(model_row(model, "ok"))
    else:
        print(model.name)


@command.command("list", short_help="List them and whether they are as they were.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def list_command(*, as_json: bool) -> None:
    """List the models and whether their files are as they were when added."""
    from devicehub.cli.output import print_json, print_table, say
    from devicehub.units import format_bytes

    catalog = _catalog()
    rows = [model_row(model, catalog.state(model)) for model in catalog.list()]
    if as_json:
        print_json(rows)
        return
    if not rows:
        say("no models yet: devicehub models add DIR")
        return
    print_table(
        ("name", "state", "size", "folder"),
        [[row["name"], row["state"], format_bytes(row["size"]), row["root"]] for row in rows],
    )


@command.command("remove", short_help="Forget one; what was pushed stays on the phones.")
@click.argument("model")
def remove_command(model: str) -> None:
    """Forget MODEL; its folder stays, and what was pushed stays on the phones."""
    from devicehub.cli.output import say

    say(f"removed {_catalog().remove(model).name}")


def model_row(model: Model, state: str) -> dict[str, Any]:
    """One model as `models list --json` prints it."""
    return {
        "name": model.name,
        "id": model.id,
        "state": state,
        "root": str(model.root),
        "files": [entry.path for entry in model.manifest.files],
        "size": model.manifest.size,
        "sha256": model.manifest.id,
        "warnings": model.warnings,
    }


def _catalog() -> ModelCatalog:
    from devicehub.models.catalog import ModelCatalog
    from devicehub.settings import find_home

    return ModelCatalog(find_home())
