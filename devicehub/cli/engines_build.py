"""`devicehub engines build`: an engine from MNN's sources."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from devicehub.cli.at_hub import at_hub
from devicehub.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from devicehub.api.contract import BuildEngine
    from devicehub.cli.at_hub import Place

_NDK: Final = ["ANDROID_NDK", "ANDROID_NDK_HOME", "ANDROID_NDK_ROOT"]
_TOOLS: Final = ("PATH", "JAVA_HOME", "ANDROID_HOME", "ANDROID_SDK_ROOT", "CC", "CXX", "HOME")
_FAMILIES: Final = ("CMAKE_", "CCACHE_", "ZIG_", "GRADLE_")
"""Variables by which a person tells where his tools are; the hub may have been started without them."""
_PLAN_S: Final = 60.0


@click.command("build", short_help="Build one from MNN's sources.")
@click.option("--mnn", required=True, type=click.Path(path_type=Path), metavar="DIR", help="MNN's sources.")
@click.option("--profile", required=True, help="How: see `devicehub profiles list engines`.")
@click.option("--ndk", envvar=_NDK, type=click.Path(path_type=Path), metavar="DIR", help="Android's NDK.")
@click.option(
    "--qnn-sdk", envvar="QNN_SDK_ROOT", type=click.Path(path_type=Path), metavar="DIR", help="Qualcomm's SDK."
)
@click.option("--name", help="In the catalogue; default: the profile's.")
@click.option("--jobs", type=click.IntRange(1, 1024), help="Compilers at once; default: one for each core.")
@click.option("--dry-run", is_flag=True, help="Only print the commands.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@at_hub
def build_command(*, place: Place, dry_run: bool, as_json: bool, **options: Any) -> ExitCode:
    """Build an engine from a checkout of MNN and take it into the catalogue.

    android-static needs no NDK: two static programs that run on every 64-bit phone, on its CPU. desktop is
    for this computer (`run --on local`). chat-app makes the app, which `devicehub app install` then installs.
    What is missing on this computer is told first, with the line that installs it. A second build compiles
    only what has changed.
    """
    params = _params(options)
    return _show_plan(params, place, as_json=as_json) if dry_run else _build(params, place, as_json=as_json)


def _params(options: dict[str, Any]) -> BuildEngine:
    from devicehub.api.contract import BuildEngine

    def path(name: str) -> str | None:
        return str(options[name].absolute()) if options[name] is not None else None

    return BuildEngine(
        mnn=str(options["mnn"].absolute()),
        profile=options["profile"],
        ndk=path("ndk"),
        qnn_sdk=path("qnn_sdk"),
        name=options["name"],
        jobs=options["jobs"],
        environment={
            name: value for name, value in os.environ.items() if name in _TOOLS or name.startswith(_FAMILIES)
        },
    )


def _show_plan(params: BuildEngine, place: Place, *, as_json: bool) -> ExitCode:
    from devicehub.api.contract import BUILD_PLAN
    from devicehub.cli.output import print_json, say
    from devicehub.findings import errors

    plan = place.ask(BUILD_PLAN, params, timeout_s=_PLAN_S)
    if as_json:
        print_json(plan)
    else:
        say(f"{plan.profile}: {plan.source}, in {plan.folder}")
        print("\n".join(plan.commands))
        for finding in plan.findings:
            say(f"{finding.severity}: {finding}")
    return ExitCode.FAILED if errors(plan.findings) else ExitCode.OK


def _build(params: BuildEngine, place: Place, *, as_json: bool) -> ExitCode:
    from devicehub.api.contract import BUILD_START
    from devicehub.cli.jobs import finish_jobs
    from devicehub.cli.output import print_json, run_async, say

    [made] = run_async(finish_jobs(place, BUILD_START, params))
    if as_json:
        print_json(made)
        return ExitCode.OK
    say(f"log: {made['log']}")
    if "apk" in made:
        print(made["apk"])
        say("devicehub app install brings it onto a phone")
        return ExitCode.OK
    engine = made["engine"]
    print(engine["id"])
    target = "--on local" if engine["abi"].startswith("linux-") else "--on SERIAL"
    say(f"devicehub run MODEL {target} --engine {engine['id']}")
    return ExitCode.OK
