"""`devicehub app`: MnnLlmChat on phones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from devicehub.cli.at_hub import at_hub, named_phones
from devicehub.cli.output import print_json, run_async

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devicehub.cli.at_hub import Place


@click.group("app")
def command() -> None:
    """Keep MnnLlmChat, MNN's own app, on phones; `run --workload app` measures it."""


@command.command("install", short_help="Install it from an APK, or tell where it is installed.")
@click.argument("apk", type=click.Path(path_type=Path), required=False)
@click.option("--on", "selectors", multiple=True, metavar="SELECTOR", help="A serial, `all`, or terms.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@at_hub
def install_command(apk: Path | None, selectors: tuple[str, ...], *, as_json: bool, place: Place) -> None:
    """Install the app from the file APK; its chats and models of an older version stay.

    Without APK, tell which version is installed, or where to get one.
    """
    from devicehub.api.contract import APP_INSTALL, AppInstall
    from devicehub.cli.jobs import finish_jobs

    def show(row: Mapping[str, Any]) -> None:
        if not as_json:
            version = row["version"] or "of an unknown version"
            print(f"{row['serial']}: {row['package']} {version}{_channel(row)}")

    params = AppInstall(apk=None if apk is None else str(apk.absolute()), selectors=named_phones(selectors))
    rows = run_async(finish_jobs(place, APP_INSTALL, params, show))
    if as_json:
        print_json(rows)


def _channel(row: Mapping[str, Any]) -> str:
    if row["debuggable"] is None:
        return ""
    if row["debuggable"]:
        return ", a debug build"
    return "; prompts go by its API, whose key belongs into settings.toml as app_key"
