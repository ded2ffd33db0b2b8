"""`devicehub devices`: the phones that adb knows."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

import click

from devicehub.cli.at_hub import at_hub
from devicehub.cli.output import print_json, print_table, run_async, say, terminal_width
from devicehub.units import format_celsius

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from devicehub.api.model import DeviceView
    from devicehub.cli.at_hub import Place

_FIELDS: Final = (
    "serial", "transport_id", "state", "adb_state", "product", "manufacturer", "soc", "soc_name", "vendor",
    "android", "sdk", "battery", "temp_c", "run", "quarantine", "virtual", "serialno", "boot_id",
    "transports", "kind",
)  # fmt: skip
"""What `--json` tells of a phone."""


@click.command("devices")
@click.option("--watch", is_flag=True, help="Print the list again after every change, until Ctrl-C.")
@click.option("--release", metavar="SERIAL", help="Let a phone out of quarantine.")
@click.option("--json", "as_json", is_flag=True, help="Print one list, or with --watch one list a line.")
@at_hub
def command(watch: bool, release: str | None, as_json: bool, place: Place) -> None:
    """List the phones that adb knows, identified: state, product, SoC, Android, battery; and this computer.

    A phone that failed three times in a row for causes of its own or of its cable is in quarantine until it
    is released.
    """
    from devicehub.api.contract import DEVICES, RELEASE, DeviceNamed

    if release is not None:
        say(f"{place.ask(RELEASE, DeviceNamed(device=release))} may run again")
    elif watch:
        run_async(_watch(place, as_json=as_json))
    else:
        _show([device_row(view) for view in place.ask(DEVICES)], as_json=as_json)


async def _watch(place: Place, *, as_json: bool) -> None:
    from devicehub.api.contract import DEVICES, After
    from devicehub.api.model import DeviceChanged, DeviceRemoved

    async with place.client() as client:
        await client.call(DEVICES)  # the first list is of phones that were asked who they are
        said = await client.subscribe("devices", after={"devices": After(epoch="", seq=0)})
        views: dict[str, DeviceView] = {view.id: view for gone in said.gone for view in gone.snapshot}
        shown = _rows(views.values())
        _show(shown, as_json=as_json)
        async for event in client.events():
            match event.data:
                case DeviceChanged(device=view):
                    views[view.id] = view
                case DeviceRemoved(id=name):
                    views.pop(name, None)
            if (rows := _rows(views.values())) != shown:
                shown = rows
                _show(rows, as_json=as_json)


def device_row(view: DeviceView) -> dict[str, Any]:
    """One device as `devices --json` prints it."""
    return {name: getattr(view, name) for name in _FIELDS}


def _rows(views: Iterable[DeviceView]) -> list[dict[str, Any]]:
    """In the hub's own order: those that have said who they are first, each group by serial."""
    return [device_row(view) for view in sorted(views, key=lambda view: (not view.serialno, view.serial))]


def _show(rows: Sequence[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print_json(rows)
    else:
        headers = ("serial", "state", "product", "soc", "android", "battery", "temp")
        if rows:
            print_table(headers, [_cells(row) for row in rows], room=terminal_width())
        if all(row["kind"] == "host" for row in rows):
            print("no phone is connected")
        for row in rows:
            if row["quarantine"]:
                print(f"{row['serial']} is in quarantine: {row['quarantine']}")
    sys.stdout.flush()  # a pipe would hold the list back until many have come


def _cells(row: dict[str, Any]) -> list[object]:
    temp_mc = None if row["temp_c"] is None else round(row["temp_c"] * 1000)
    battery = None if row["battery"] is None else f"{row['battery']} %"
    product = row["product"]
    if row["virtual"] and "irtual" not in (product or ""):
        product = f"{product} (virtual)" if product else "(virtual)"
    if row["kind"] == "host":
        product = f"{product} (this computer)" if product else "(this computer)"
    state = row["state"] if row["adb_state"] in ("device", row["state"], None) else row["adb_state"]
    soc = row["soc"] or row["soc_name"]
    return [row["serial"], state, product, soc, row["android"], battery, format_celsius(temp_mc)]
