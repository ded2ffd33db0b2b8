"""Puts what was asked of the phone before and after a run beside what its samples say. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

if TYPE_CHECKING:
    from devicehub.device.state import EndState
    from devicehub.runs.model import Conditions
    from devicehub.runs.start import StartState


def stamp(found: Conditions, at_start: StartState | None, at_end: EndState | None) -> Conditions:
    """The conditions with all that the phone told; a reading of the samples stays where there is one.

    Args:
        found: from the samples.
        at_start: None for a run of an older hub.
        at_end: None where the phone could not be asked any more.
    """
    if at_start is not None:
        found = _with_start(found, at_start)
    if at_end is None:
        return found
    return replace(
        found,
        screen_on_end=at_end.screen.on,
        locked_end=at_end.screen.locked,
        plugged_end=at_end.plugged,
    )


def _with_start(found: Conditions, start: StartState) -> Conditions:
    functions = start.usb_functions
    return replace(
        found,
        build=start.build,
        security_patch=start.security_patch,
        cpus_online=start.cpus_online,
        clusters=start.clusters,
        usb_mode=None if functions is None else ",".join(functions) or "adb only",
        link=start.link,
        adb_version=start.adb_version,
        external_power=start.external_power,
        charge=start.charge or next(iter(found.charges), None),
        power_saver=start.power_saver,
        screen_on_start=start.screen_on,
        locked_start=start.locked,
        battery_percent_start=_first(found.battery_percent_start, start.battery_percent),
        temp_mc_start=_first(found.temp_mc_start, start.battery_temp_mc),
        **_skin(found, start),
    )


def _skin(found: Conditions, start: StartState) -> dict[str, str | int | None]:
    if found.skin_zone is not None or start.battery_temp_mc is None:
        return {}
    return {"skin_zone": "battery", "skin_mc_start": start.battery_temp_mc}


def _first(*values: int | None) -> int | None:
    return next((value for value in values if value is not None), None)
