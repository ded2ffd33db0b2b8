"""`devicehub engines`: the hub's catalogue of MNN engines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from devicehub.cli.at_hub import at_hub

if TYPE_CHECKING:
    from devicehub.cli.at_hub import Place

_COPY_S: Final = 600.0


@click.group("engines")
def command() -> None:
    """Keep the catalogue of engines: bundles of MNN programs and libraries for one ABI."""


@command.command("add", short_help="Check a folder and take it into the catalogue.")
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@click.option("--name", help="Default: the folder's name.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@at_hub
def add_command(folder: Path, name: str | None, *, as_json: bool, place: Place) -> None:
    """Copy the engine in DIR into the catalogue, checked: llm_demo, its libraries, one ABI."""
    from devicehub.api.contract import ENGINE_ADD, AddFolder
    from devicehub.cli.output import print_json, say

    params = AddFolder(folder=str(folder.absolute()), name=name)
    engine = place.ask(ENGINE_ADD, params, timeout_s=_COPY_S)
    if as_json:
        print_json(engine)
        return
    print(engine.id)
    logcat = {
        True: "its lines go to logcat",
        False: "its lines go to stdout",
        None: "stdout or logcat: unknown",
    }
    version = f"MNN {engine.version}" if engine.version else "MNN of unknown version"
    say(f"{engine.name}: {version} for {engine.abi}, {logcat[engine.logcat]}")
    if engine.abi.startswith("linux-"):
        say(f"it is for this computer and no phone: devicehub run MODEL --on local --engine {engine.name}")


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@at_hub
def list_command(*, as_json: bool, place: Place) -> None:
    """List the engines."""
    from devicehub.api.contract import ENGINES
    from devicehub.cli.output import print_json, print_table, say
    from devicehub.units import format_bytes

    engines = place.ask(ENGINES)
    if as_json:
        print_json(engines)
        return
    if not engines:
        say("no engines yet: devicehub engines add PATH")
        return
    logcat = {True: "logcat", False: "stdout", None: None}
    rows = [
        [engine.id, engine.abi, engine.version, logcat[engine.logcat], format_bytes(engine.size)]
        for engine in engines
    ]
    print_table(("id", "abi", "version", "prints to", "size"), rows)


@command.command("remove", short_help="Forget one; what was pushed stays on the phones.")
@click.argument("engine")
@at_hub
def remove_command(engine: str, *, place: Place) -> None:
    """Delete ENGINE (an id or a name) from the catalogue; what was pushed stays on the phones."""
    from devicehub.api.contract import ENGINE_REMOVE, Named
    from devicehub.cli.output import say

    say(f"removed {place.ask(ENGINE_REMOVE, Named(name=engine)).id}")
