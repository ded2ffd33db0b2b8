"""`devicehub app`: MnnLlmChat on phones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from devicehub.cli.output import Progress, print_json, run_async, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devicehub.adb.client import Transport
    from devicehub.deploy.apk import InstalledApp


@click.group("app")
def command() -> None:
    """Keep MnnLlmChat, MNN's own app, on phones; `run --workload app` measures it."""


@command.command("install", short_help="Install it from an APK, or tell where it is installed.")
@click.argument("apk", type=click.Path(path_type=Path), required=False)
@click.option("--on", "selectors", multiple=True, metavar="SELECTOR", help="A serial, `all`, or terms.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def install_command(apk: Path | None, selectors: tuple[str, ...], *, as_json: bool) -> None:
    """Install the app from the file APK; its chats and models of an older version stay.

    Without APK, tell which version is installed, or where to get one.
    """
    from devicehub.deploy.apk import check_apk

    # Before a phone is asked.
    size = check_apk(apk).stat().st_size if apk is not None else 0
    run_async(_install_all(apk, size, selectors, as_json=as_json))


async def _install_all(apk: Path | None, size: int, selectors: Sequence[str], *, as_json: bool) -> None:
    from devicehub.hub import open_hub

    hub = await open_hub()
    rows: list[dict[str, Any]] = []
    for device in await hub.select(selectors):
        app = await _app_on(hub.transport(device), apk, size)
        rows.append(
            {
                "serial": device.serial,
                "package": app.package,
                "version": app.version,
                "debuggable": app.debuggable,
                "installed": apk is not None,
            }
        )
        if not as_json:
            print(f"{device.serial}: {app.package} {app.version or 'of an unknown version'}{_channel(app)}")
    if as_json:
        print_json(rows)


async def _app_on(transport: Transport, apk: Path | None, size: int) -> InstalledApp:
    from devicehub.deploy.apk import WHERE, find_app, install_app
    from devicehub.errors import InputError

    if apk is None:
        app = await find_app(transport)
        if app is None:
            problem = "MnnLlmChat is not installed, and no APK was given"
            raise InputError(transport.label, problem, remedy=WHERE)
        return app
    bar = Progress(apk.name, size)
    try:
        app = await install_app(transport, apk, progress=bar.advance)
    finally:
        bar.close()
    say(f"{transport.label}: installed {apk.name}")
    return app


def _channel(app: InstalledApp) -> str:
    if app.debuggable is None:
        return ""
    if app.debuggable:
        return ", a debug build"
    return "; prompts go by its API, whose key belongs into DEVICEHUB_APP_KEY"
