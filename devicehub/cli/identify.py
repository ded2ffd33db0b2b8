"""`devicehub identify`: which phone and SoC, from adb or from a saved property dump."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from devicehub.errors import InputError

if TYPE_CHECKING:
    from devicehub.android.cpuinfo import CpuInfo
    from devicehub.device.identify import Identification

_HOW_TO_SAVE: Final = "save one with `adb shell getprop > FILE`"


@click.command("identify")
@click.argument("serial", required=False)
@click.option(
    "--getprop", "getprop_file", type=click.Path(path_type=Path), help="A saved dump or build.prop."
)
@click.option("--cpuinfo", "cpuinfo_file", type=click.Path(path_type=Path), help="A saved /proc/cpuinfo.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(
    serial: str | None, getprop_file: Path | None, cpuinfo_file: Path | None, *, as_json: bool
) -> None:
    """Tell which phone and SoC this is: SERIAL on adb, or a saved property dump.

    What is not known for certain is null.
    """
    from devicehub.cli.output import print_json

    if (serial is None) == (getprop_file is None):
        raise click.UsageError("give either SERIAL or --getprop FILE")
    if cpuinfo_file is not None and getprop_file is None:
        raise click.UsageError("--cpuinfo goes with --getprop")
    found = _from_phone(serial) if serial is not None else _from_files(getprop_file, cpuinfo_file)
    if as_json:
        print_json(found)
    else:
        _print(found)


def _from_files(getprop_file: Path | None, cpuinfo_file: Path | None) -> Identification:
    from devicehub.android.getprop import is_property_dump, parse_getprop

    assert getprop_file is not None
    props = parse_getprop(_read(getprop_file, remedy=_HOW_TO_SAVE))
    if not is_property_dump(props):
        raise InputError(getprop_file, "holds no Android properties", remedy=_HOW_TO_SAVE)
    cpuinfo = None
    if cpuinfo_file is not None:
        from devicehub.android.cpuinfo import parse_cpuinfo

        remedy = "save one with `adb shell cat /proc/cpuinfo > FILE`"
        cpuinfo = parse_cpuinfo(_read(cpuinfo_file, remedy=remedy))
        if not cpuinfo.recognised:
            raise InputError(cpuinfo_file, "is not a /proc/cpuinfo", remedy=remedy)
    return _identify(props, cpuinfo)


def _from_phone(serial: str) -> Identification:
    from devicehub.adb.address import server_address
    from devicehub.adb.client import AdbClient
    from devicehub.adb.server import ensure_server
    from devicehub.cli.output import run_async
    from devicehub.device.probe import PhoneText, read_properties

    async def probe() -> PhoneText:
        address = server_address()
        await ensure_server(address)
        return await read_properties(AdbClient(address).transport(serial=serial))

    found = run_async(probe())
    return _identify(found.props, found.cpuinfo)


def _identify(props: dict[str, str], cpuinfo: CpuInfo | None) -> Identification:
    from devicehub.device.identify import identify
    from devicehub.profiles.load import load_socs
    from devicehub.settings import find_home

    return identify(props, cpuinfo, socs=load_socs(find_home()))


def _read(path: Path, *, remedy: str) -> bytes:
    from devicehub.cli.files import read_file

    data = read_file(path, remedy=remedy)
    if not data:
        raise InputError(path, "is empty", remedy=remedy)
    return data


def _print(found: Identification) -> None:
    from devicehub.cli.output import print_table

    print_table(
        ("", ""),
        [
            ("product", found.product),
            ("manufacturer", found.manufacturer),
            ("android", found.android),
            ("sdk", None if found.sdk is None else str(found.sdk)),
            ("abis", ", ".join(found.abis) or None),
            ("vendor", found.soc.vendor),
            ("model", found.soc.model),
            ("name", found.soc.name),
            ("gpu", found.soc.gpu),
            ("htp", found.soc.htp),
        ],
    )
