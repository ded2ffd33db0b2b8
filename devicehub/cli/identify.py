"""`devicehub identify`: which phone and SoC, from adb or from a saved property dump."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from devicehub.cli.at_hub import at_hub
from devicehub.errors import InputError, NoPhoneReady

if TYPE_CHECKING:
    from devicehub.android.cpuinfo import CpuInfo
    from devicehub.cli.at_hub import Place

_TOLD: Final = ("product", "manufacturer", "android", "sdk", "abis", "soc")
_OPENS: Final = {
    "install": "apps over adb",
    "settings": "settings and input over adb",
    "debugging": "adb while no data transfer is chosen",
}
_HOW_TO_SAVE: Final = "save one with `adb shell getprop > FILE`"


@click.command("identify")
@click.argument("serial", required=False)
@click.option(
    "--getprop", "getprop_file", type=click.Path(path_type=Path), help="A saved dump or build.prop."
)
@click.option("--cpuinfo", "cpuinfo_file", type=click.Path(path_type=Path), help="A saved /proc/cpuinfo.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@at_hub
def command(
    serial: str | None, getprop_file: Path | None, cpuinfo_file: Path | None, *, as_json: bool, place: Place
) -> None:
    """Tell which phone and SoC this is: SERIAL on adb, or a saved property dump.

    What is not known for certain is null.
    """
    from devicehub.cli.output import print_json

    if (serial is None) == (getprop_file is None):
        raise click.UsageError("give either SERIAL or --getprop FILE")
    if cpuinfo_file is not None and getprop_file is None:
        raise click.UsageError("--cpuinfo goes with --getprop")
    found = _from_phone(serial, place) if serial is not None else _from_files(getprop_file, cpuinfo_file)
    if as_json:
        print_json(found)
    else:
        _print(found)


def _from_files(getprop_file: Path | None, cpuinfo_file: Path | None) -> dict[str, Any]:
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


def _from_phone(serial: str, place: Place) -> dict[str, Any]:
    from devicehub.api.contract import DEVICES

    views = place.ask(DEVICES)
    found = [view for view in views if serial in (view.id, view.serial, view.serialno)]
    if len(found) != 1:
        problem = f"{serial} means several phones" if found else f"no phone is called {serial}"
        raise NoPhoneReady(problem, serials=[view.id for view in views])
    [view] = found
    if view.vendor is None:
        raise NoPhoneReady(view.problem or f"{serial} has not said yet who it is")
    return {
        "product": view.product,
        "manufacturer": view.manufacturer,
        "android": view.android,
        "sdk": view.sdk,
        "abis": view.abis,
        "soc": {
            "vendor": view.vendor,
            "model": view.soc,
            "name": view.soc_name,
            "gpu": view.gpu,
            "htp": view.htp,
        },
    }


def _identify(props: dict[str, str], cpuinfo: CpuInfo | None) -> dict[str, Any]:
    import msgspec

    from devicehub.device.identify import identify
    from devicehub.profiles.load import load_devices, load_socs
    from devicehub.settings import find_home

    home = find_home()
    facts = identify(props, cpuinfo, socs=load_socs(home), devices=load_devices(home))
    found: dict[str, Any] = msgspec.to_builtins(facts)
    return {key: found[key] for key in _TOLD}


def _read(path: Path, *, remedy: str) -> bytes:
    from devicehub.files import read_file

    data = read_file(path, remedy=remedy)
    if not data:
        raise InputError(path, "is empty", remedy=remedy)
    return data


def _print(found: dict[str, Any]) -> None:
    from devicehub.cli.output import print_table, terminal_width

    soc = found["soc"]
    doubtful, more = _known_of(soc)
    print_table(
        ("", ""),
        [
            ("product", found["product"]),
            ("manufacturer", found["manufacturer"]),
            ("android", found["android"]),
            ("sdk", None if found["sdk"] is None else str(found["sdk"])),
            ("abis", ", ".join(found["abis"]) or None),
            *(
                (name, f"{soc[name]} (unverified)" if name in doubtful else soc[name])
                for name in ("vendor", "model", "name", "gpu", "htp")
            ),
            *more,
            *(("setting", remedy) for remedy in _switches(found)),
        ],
        room=terminal_width(),
    )


def _known_of(soc: dict[str, Any]) -> tuple[set[str], list[tuple[str, str]]]:
    """Which of the told facts no source vouches for, and what more the SoC's profile tells."""
    import msgspec

    from devicehub.device.hardware import hardware_of, known_soc
    from devicehub.device.soc import SocFacts
    from devicehub.profiles.load import load_socs
    from devicehub.settings import find_home

    facts, socs = msgspec.convert(soc, SocFacts), load_socs(find_home())
    known, hardware = known_soc(facts, socs), hardware_of(facts, socs)
    if known is None:
        return set(), []
    doubtful = {
        told
        for told, key in (("name", "names"), ("gpu", "gpu"))
        if soc[told] is not None and not known.verified(key)
    }
    more = []
    if hardware.cores is not None:
        mark = "" if known.verified("clusters") else " (unverified)"
        more.append(("cores", f"{hardware.cores}, {hardware.big_cores} of them big{mark}"))
    if known.facts.memory_gb_s is not None:
        mark = "" if known.verified("memory_gb_s") else " (unverified)"
        more.append(("memory", f"{known.facts.memory_gb_s} GB/s at most{mark}"))
    more.append(("sources", f"devicehub profiles show {known.id}"))
    return doubtful, more


def _switches(found: dict[str, Any]) -> list[str]:
    """What the maker's own switches want, by what the phone says of itself."""
    from devicehub.device.quirks import fitting, merged
    from devicehub.profiles.load import load_devices
    from devicehub.settings import find_home

    props = {
        "ro.product.manufacturer": found["manufacturer"] or "",
        "ro.product.model": found["product"] or "",
    }
    switches = merged(fitting(props, load_devices(find_home()))).switches
    return [f"{switch.remedy}: for {_OPENS[switch.opens]}" for switch in switches]
