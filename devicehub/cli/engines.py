"""`devicehub engines`: the hub's catalogue of MNN engines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from devicehub.cli.at_hub import at_hub
from devicehub.cli.engines_build import build_command

if TYPE_CHECKING:
    from devicehub.api.params import Backend
    from devicehub.cli.at_hub import Place

_COPY_S: Final = 600.0


@click.group("engines")
def command() -> None:
    """Keep the catalogue of engines: bundles of MNN programs and libraries for one ABI."""


command.add_command(build_command)


@command.command("add", short_help="Check a folder, zip or checkout; take it into the catalogue.")
@click.argument("folder", type=click.Path(path_type=Path), metavar="PATH")
@click.option("--name", help="Default: the name of PATH.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@at_hub
def add_command(folder: Path, name: str | None, *, as_json: bool, place: Place) -> None:
    """Copy the engine in PATH into the catalogue, checked: llm_demo, its libraries, one ABI.

    PATH is a folder that holds llm_demo, a zip with one inside, or a checkout of MNN that was built.
    """
    from devicehub.api.contract import ENGINE_ADD, ENGINE_CHECK, AddFolder, CheckEngine
    from devicehub.cli.jobs import finish_jobs
    from devicehub.cli.output import print_json, run_async, say

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
    [check] = run_async(finish_jobs(place, ENGINE_CHECK, CheckEngine(name=engine.id)))
    for finding in check["findings"]:
        if finding["severity"] == "warning":
            say(f"warning: {Path(finding['place']).name}: {finding['why']}; {finding['fix']}")
    if engine.abi.startswith("linux-"):
        say(f"it is for this computer and no phone: devicehub run MODEL --on local --engine {engine.name}")


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@at_hub
def list_command(*, as_json: bool, place: Place) -> None:
    """List the engines."""
    from devicehub.api.contract import ENGINES
    from devicehub.cli.output import print_json, print_table, say, terminal_width
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
        [
            engine.id,
            engine.abi,
            engine.version,
            ", ".join(engine.backends) or None,
            logcat[engine.logcat],
            format_bytes(engine.size),
        ]
        for engine in engines
    ]
    print_table(("id", "abi", "version", "backends", "prints to", "size"), rows, room=terminal_width())


@command.command("check", short_help="Judge an engine, and whether it suits phones.")
@click.argument("engine", metavar="PATH|ID")
@click.option("--on", "selectors", multiple=True, metavar="SELECTOR", help="Hold it against these phones.")
@click.option("--probe", is_flag=True, help="Push it there and start it, without a model.")
@click.option(
    "--backend",
    "backends",
    multiple=True,
    type=click.Choice(["cpu", "opencl", "vulkan", "hexagon"]),
    help="What the probe tries; can be given several times. Default: cpu.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@at_hub
def check_command(
    engine: str,
    *,
    selectors: tuple[str, ...],
    probe: bool,
    backends: tuple[Backend, ...],
    as_json: bool,
    place: Place,
) -> None:
    """Judge an engine: one of the catalogue, a folder, a zip, or a checkout of MNN.

    Told are its ABI, its C library, its backends, its libraries, its pages, and what is wrong with them; with
    --on, what speaks against it on a phone, and which of its files would be pushed. The exit status is 1
    where an error forbids it.
    """
    from devicehub.api.contract import ENGINE_CHECK, CheckEngine
    from devicehub.cli.engine_view import show_check
    from devicehub.cli.exit_codes import ExitCode
    from devicehub.cli.jobs import finish_jobs
    from devicehub.cli.output import print_json, run_async

    if probe and not selectors:
        raise click.UsageError("--probe needs --on SELECTOR")
    path = Path(engine)
    is_path = "/" in engine or path.exists()
    params = CheckEngine(
        name=None if is_path else engine,
        path=str(path.absolute()) if is_path else None,
        selectors=list(selectors),
        probe=probe,
        backends=list(backends),
    )
    [result] = run_async(finish_jobs(place, ENGINE_CHECK, params))
    if as_json:
        print_json(result)
    else:
        show_check(result)
    if not result["ok"]:
        raise SystemExit(ExitCode.FAILED)


@command.command("remove", short_help="Forget one; what was pushed stays on the phones.")
@click.argument("engine")
@at_hub
def remove_command(engine: str, *, place: Place) -> None:
    """Delete ENGINE (an id or a name) from the catalogue; what was pushed stays on the phones."""
    from devicehub.api.contract import ENGINE_REMOVE, Named
    from devicehub.cli.output import say

    say(f"removed {place.ask(ENGINE_REMOVE, Named(name=engine)).id}")
