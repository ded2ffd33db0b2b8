"""`devicehub engines`: the catalogue of MNN engines on this host."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from devicehub.engines.catalog import Engine, EngineCatalog


@click.group("engines")
def command() -> None:
    """Keep the catalogue of engines: bundles of MNN programs and libraries for one ABI."""


@command.command("add", short_help="Check a folder and take it into the catalogue.")
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@click.option("--name", help="Default: the folder's name.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def add_command(folder: Path, name: str | None, *, as_json: bool) -> None:
    """Copy the engine in DIR into the catalogue, checked: llm_demo, its libraries, one ABI."""
    from devicehub.cli.output import print_json, say

    engine = _catalog().add(folder, name)
    if as_json:
        print_json(engine_row(engine))
        return
    print(engine.id)
    logcat = {
        True: "its lines go to logcat",
        False: "its lines go to stdout",
        None: "stdout or logcat: unknown",
    }
    version = f"MNN {engine.version}" if engine.version else "MNN of unknown version"
    say(f"{engine.name}: {version} for {engine.abi}, {logcat[engine.logcat]}")


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def list_command(*, as_json: bool) -> None:
    """List the engines."""
    from devicehub.cli.output import print_json, print_table, say
    from devicehub.units import format_bytes

    engines = _catalog().list()
    if as_json:
        print_json([engine_row(engine) for engine in engines])
        return
    if not engines:
        say("no engines yet: devicehub engines add DIR")
        return
    logcat = {True: "logcat", False: "stdout", None: None}
    rows = [
        [engine.id, engine.abi, engine.version, logcat[engine.logcat], format_bytes(engine.manifest.size)]
        for engine in engines
    ]
    print_table(("id", "abi", "version", "prints to", "size"), rows)


@command.command("remove", short_help="Forget one; what was pushed stays on the phones.")
@click.argument("engine")
def remove_command(engine: str) -> None:
    """Delete ENGINE (an id or a name) from the catalogue; what was pushed stays on the phones."""
    from devicehub.cli.output import say

    say(f"removed {_catalog().remove(engine).id}")


def engine_row(engine: Engine) -> dict[str, Any]:
    """One engine as `engines list --json` prints it."""
    return {
        "id": engine.id,
        "name": engine.name,
        "abi": engine.abi,
        "version": engine.version,
        "logcat": engine.logcat,
        "programs": engine.executables,
        "files": [entry.path for entry in engine.manifest.files],
        "size": engine.manifest.size,
        "page_align": engine.page_align,
        "sha256": engine.manifest.id,
        "origin": engine.origin,
    }


def _catalog() -> EngineCatalog:
    from devicehub.engines.catalog import EngineCatalog
    from devicehub.settings import find_home

    return EngineCatalog(find_home())
