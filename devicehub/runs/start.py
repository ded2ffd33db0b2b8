"""How a phone stood when a run began, as the header of the run keeps it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from devicehub.device.link import HostLink
    from devicehub.device.state import PhoneState


class CpuCluster(msgspec.Struct, frozen=True, kw_only=True):
    """How the cores of one kind were clocked; None is what the phone does not tell."""

    cpus: str | None = None
    """Their numbers: `0-3`."""
    governor: str | None = None
    khz: int | None = None
    """Now; on Qualcomm's own driver what is asked for."""
    lowest_khz: int | None = None
    """What the governor may go down to."""
    cap_khz: int | None = None
    """What it may go up to."""
    most_khz: int | None = None
    """What the cores are built for."""


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """How adb reached the phone, and how fast that is."""

    kind: Literal["usb", "tcp"] | None = None
    mbit_s: int | None = None
    """What host and phone agreed on, in decimal megabits per second; None over TCP."""
    most_mbit_s: int | None = None
    """What the phone could do at a better port or cable."""
    told_by: str | None = None
    """Who says so: the adb server, the host's kernel or the phone."""


class StartState(msgspec.Struct, frozen=True, kw_only=True):
    """A phone just before its run; None is what it does not tell."""

    build: str | None = None
    """ro.build.fingerprint: names one Android build of one phone."""
    security_patch: str | None = None
    cpus_online: str | None = None
    """Their numbers: `0-7`."""
    clusters: dict[str, CpuCluster] = {}
    """By the kernel's name: `policy0`."""
    usb_functions: list[str] | None = None
    """What the USB port offers beside adb."""
    usb_connected: bool | None = None
    external_power: str | None = None
    """ac, usb, wireless, dock, several joined by `+`, `other` where it is not said which, or none."""
    charge: str | None = None
    """charging, discharging, not_charging, full."""
    battery_percent: int | None = None
    battery_temp_mc: int | None = None
    battery_mv: int | None = None
    power_saver: bool | None = None
    """Android's own battery saver, which slows the processor down on many phones."""
    screen_on: bool | None = None
    locked: bool | None = None
    link: Link = Link()
    adb_version: str | None = None
    """The adb server's own: `36.0.0`."""


def start_state(state: PhoneState, link: HostLink | None = None) -> StartState:
    """What of a phone's state belongs to its figures.

    Args:
        state: as the check before the run read it.
        link: what this host says of the way to it.
    """
    battery = state.battery
    functions = state.usb.functions
    return StartState(
        build=state.build,
        security_patch=state.security_patch,
        cpus_online=state.cpus_online,
        clusters={
            name: CpuCluster(
                cpus=clocks.cpus,
                governor=clocks.governor,
                khz=clocks.khz,
                lowest_khz=clocks.lowest_khz,
                cap_khz=clocks.cap_khz,
                most_khz=clocks.most_khz,
            )
            for name, clocks in state.clusters.items()
        },
        usb_functions=None if functions is None else sorted(functions),
        usb_connected=state.usb.connected,
        external_power=_external_power(battery.plugged, battery.sources),
        charge=battery.charge,
        battery_percent=battery.level_percent,
        battery_temp_mc=battery.temp_mc,
        battery_mv=battery.voltage_mv,
        power_saver=state.power_saver,
        screen_on=state.screen.on,
        locked=state.screen.locked,
        link=_link(state.usb_mbit_s, state.usb_most_mbit_s, link),
        adb_version=link.adb_version if link is not None else None,
    )


def _external_power(plugged: bool | None, sources: tuple[str, ...]) -> str | None:
    if plugged is None:
        return None
    return ("+".join(sources) or "other") if plugged else "none"


def _link(phone_mbit_s: int | None, phone_most_mbit_s: int | None, host: HostLink | None) -> Link:
    """What the host says counts first: the phone's port may be plugged into something else than this host."""
    if host is not None and host.kind == "tcp":
        return Link(kind="tcp")
    if host is not None and host.mbit_s is not None:
        most_mbit_s = host.most_mbit_s or phone_most_mbit_s
        return Link(kind=host.kind, mbit_s=host.mbit_s, most_mbit_s=most_mbit_s, told_by=host.told_by)
    told_by = "phone" if phone_mbit_s is not None else None
    kind = host.kind if host is not None else None
    return Link(kind=kind, mbit_s=phone_mbit_s, most_mbit_s=phone_most_mbit_s, told_by=told_by)
