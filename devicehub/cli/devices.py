"""`devicehub devices`: the phones that adb knows."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from devicehub.cli.output import print_json, print_table, run_async, say
from devicehub.units import format_celsius

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devicehub.device.model import Device


@click.command("devices")
@click.option("--watch", is_flag=True, help="Print the list again after every change, until Ctrl-C.")
@click.option("--release", metavar="SERIAL", help="Let a phone out of quarantine.")
@click.option("--json", "as_json", is_flag=True, help="Print one list, or with --watch one list a line.")
def command(watch: bool, release: str | None, as_json: bool) -> None:
    """List the phones that adb knows, identified: state, product, SoC, Android, battery.

    A phone that failed three times in a row for causes of its own or of its cable is in quarantine until it
    is released.
    """
    if release is not None:
        run_async(_release(release))
        return
    run_async(_devices(watch=watch, as_json=as_json))


async def _devices(*, watch: bool, as_json: bool) -> None:
    from devicehub.hub import open_hub

    hub = await open_hub(tell=say)

    def show(devices: Sequence[Device]) -> None:
        _show(devices, as_json=as_json)
        sys.stdout.flush()  # a pipe would hold the list back until many have come

    if watch:
        await hub.watch(show)
    else:
        show(await hub.devices())


async def _release(serial: str) -> None:
    from devicehub.hub import open_hub

    serialno = (await open_hub(tell=say)).release(serial)
    say(f"{serialno} may run again")


def _show(devices: Sequence[Device], *, as_json: bool) -> None:
    if as_json:
        print_json([device_row(device) for device in devices])
        return
    if not devices:
        print("no phone is connected")
        return
    headers = ("serial", "state", "product", "soc", "android", "battery", "temp")
    print_table(headers, [_cells(device_row(device)) for device in devices])
    for device in devices:
        if device.quarantine:
            print(f"{device.serial} is in quarantine: {device.quarantine}")


def device_row(device: Device) -> dict[str, Any]:
    """One device as `devices --json` prints it."""
    facts = device.facts
    adb_state = device.transports[0].state if device.transports else None
    return {
        "serial": device.serial,
        "transport_id": device.transport_id,
        "state": str(device.state),
        "adb_state": adb_state,
        "product": facts.product if facts else None,
        "manufacturer": facts.manufacturer if facts else None,
        "soc": facts.soc.model if facts else None,
        "soc_name": facts.soc.name if facts else None,
        "vendor": facts.soc.vendor if facts else None,
        "android": facts.android if facts else None,
        "sdk": facts.sdk if facts else None,
        "battery": device.battery.level_percent,
        "temp_c": None if device.battery.temp_mc is None else device.battery.temp_mc / 1000,
        "run": device.run,
        "quarantine": device.quarantine,
        "virtual": device.virtual,
        "serialno": device.identity.serialno if device.identity else None,
        "boot_id": device.identity.boot_id if device.identity else None,
        "transports": [line.serial for line in device.transports],
    }


def _cells(row: dict[str, Any]) -> list[object]:
    temp_mc = None if row["temp_c"] is None else round(row["temp_c"] * 1000)
    battery = None if row["battery"] is None else f"{row['battery']} %"
    product = row["product"]
    if row["virtual"] and "irtual" not in (product or ""):
        product = f"{product} (virtual)"
    state = row["state"] if row["adb_state"] in ("device", row["state"], None) else row["adb_state"]
    soc = row["soc"] or row["soc_name"]
    return [row["serial"], state, product, soc, row["android"], battery, format_celsius(temp_mc)]
