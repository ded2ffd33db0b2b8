"""`devicehub logs`: phones' logs, merged."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING

import click

from devicehub.cli.at_hub import at_hub
from devicehub.cli.log_filter import LEVELS, LogFilter
from devicehub.cli.output import print_json, run_async

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from devicehub.api.model import DeviceView
    from devicehub.cli.at_hub import Place


@click.command("logs")
@click.argument("serials", metavar="[SERIAL]...", nargs=-1)
@click.option("--all", "all_phones", is_flag=True, help="Of every phone that is there now.")
@click.option("--level", type=click.Choice(LEVELS, case_sensitive=False), help="This level and graver ones.")
@click.option("--search", metavar="REGEX", help="Lines that hold it, in whatever case.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document per line.")
@at_hub
def command(
    serials: tuple[str, ...],
    *,
    all_phones: bool,
    level: str | None,
    search: str | None,
    as_json: bool,
    place: Place,
) -> None:
    """Follow the logs of phones until Ctrl-C, each line after its phone's serial.

    It begins a little before now. A phone that goes away is read again when it is back.
    """
    if all_phones and serials:
        raise click.UsageError("name serials, or --all of them")
    try:
        pattern = re.compile(search, re.IGNORECASE) if search else None
    except re.error as error:
        raise click.UsageError(f"--search: {error}") from error

    async def follow() -> None:
        from devicehub.api.contract import DEVICES

        async with place.client() as client:
            devices = await client.call(DEVICES)
            labels = choose_phones(devices, serials, all_phones=all_phones)
            width = max(map(len, labels.values()))
            filters = {device: LogFilter(level, pattern) for device in labels}
            await client.subscribe("log", only={"log": list(labels)})
            async for event in client.events():
                if event.topic != "log" or event.data.device not in labels:
                    continue
                label = labels[event.data.device]
                for shown in filters[event.data.device].take(event.data.lines):
                    if as_json:
                        print_json({"serial": label, **shown.fields()})
                    else:
                        print(f"{label:<{width}}  {shown.text}")
                sys.stdout.flush()

    run_async(follow())


def choose_phones(
    devices: Sequence[DeviceView],
    names: Sequence[str],
    *,
    all_phones: bool,
    environ: Mapping[str, str] = os.environ,
) -> dict[str, str]:
    """What to call each phone that is meant, by its id.

    Raises:
        SelectionError: a name is no phone's, or none is named and not exactly one is ready.
    """
    from devicehub.errors import NoPhoneReady, SelectionError

    serials = [device.serial for device in devices]
    present = [device for device in devices if device.state not in ("absent", "unauthorized", "offline")]
    chosen: list[DeviceView] = []
    if not names and not all_phones:
        names = [environ["ANDROID_SERIAL"]] if environ.get("ANDROID_SERIAL") else []
        if not names and len(present) != 1:
            problem = "name the phones, or --all" if present else "no phone is ready"
            raise (SelectionError if present else NoPhoneReady)(problem, serials=serials)
    for name in names:
        found = [device for device in devices if name in (device.id, device.serial, device.serialno)]
        if not found:
            raise SelectionError(f"no phone is called {name}", serials=serials)
        chosen += found
    if not names:
        chosen = present
    if not chosen:
        raise NoPhoneReady("no phone is ready", serials=serials)
    return {device.id: device.id if serials.count(device.serial) > 1 else device.serial for device in chosen}
