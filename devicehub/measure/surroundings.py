"""Under which conditions two runs took place, and on what kind of phone. Pure."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any, Final

from devicehub.measure.asked import PHONE
from devicehub.measure.pairs import chosen
from devicehub.measure.thing import Thing, yes_no
from devicehub.units import format_celsius, format_share

if TYPE_CHECKING:
    from collections.abc import Callable

    from devicehub.runs.model import RunRecord
    from devicehub.runs.start import CpuCluster

MOST_APART_MC: Final = 3000
ENOUGH_PERCENT: Final = 20
_NO_THROTTLING: Final = "no"
_HELD: Final = frozenset(("on", "left"))
"""Nobody asked for the mode that an earlier run left; it held the clocks all the same."""
_PLUGGED_ONLY: Final = frozenset(("full", "not_charging"))


def _charging(run: RunRecord) -> str | None:
    """Whether the battery was charged when the run began, and whether the cable changed meanwhile."""
    found = run.conditions
    charge = found.charge or found.plugged
    if charge is None or found.external_power is None or found.plugged_end is None:
        return charge
    if found.plugged_end == (found.external_power != "none"):
        return charge
    return f"{charge}, {'plugged in' if found.plugged_end else 'unplugged'} meanwhile"


def _charged_alike(a: str, b: str) -> bool:
    """A full battery takes as little as one whose charging is held."""
    return a == b or {a, b} <= _PLUGGED_ONLY


def _throttled(run: RunRecord) -> str | None:
    return run.conditions.throttling or yes_no(run.conditions.throttled)


def _steady(run: RunRecord) -> str | None:
    return run.conditions.steady or (None if run.steady else "not asked for")


def _screen(run: RunRecord) -> str | None:
    found = run.conditions
    start, end = found.screen_on_start, found.screen_on_end
    if start is None:
        return found.screen
    word = "on" if start else "off"
    return word if end is None or end == start else f"{word}, then {'on' if end else 'off'}"


def _start(run: RunRecord) -> tuple[int, str] | None:
    """How warm the phone was when its launches began, and by which measure.

    The median over the gates: a phone may come hot and wait there until it is cool, and of two runs in one
    list the second begins warmer. Without gates that of the skin or the battery, where known: the hottest
    zone leaps with each process that starts.
    """
    gates = [launch.gate for launch in chosen(run) if launch.gate is not None]
    if temps := [gate.temp_mc for gate in gates if gate.temp_mc is not None]:
        return round(statistics.median(temps)), f"{gates[0].zone or 'zone'}, at the gates"
    found = run.conditions
    if found.skin_mc_start is not None:
        return found.skin_mc_start, found.skin_zone or "skin"
    return None if found.temp_mc_start is None else (found.temp_mc_start, "hottest zone")


def _start_mc(run: RunRecord) -> int | None:
    start = _start(run)
    return start[0] if start else None


def _start_text(run: RunRecord) -> str:
    start = _start(run)
    return f"{format_celsius(start[0])} ({start[1]})" if start else ""


def _battery_percent(run: RunRecord) -> int | None:
    """The lowest that is known of the run."""
    ends = (run.conditions.battery_percent_start, run.conditions.battery_percent_end)
    return min((percent for percent in ends if percent is not None), default=None)


def _governors(run: RunRecord) -> str | None:
    return _of_clusters(run, lambda cluster: cluster.governor)


def _clocks(run: RunRecord) -> str | None:
    """What the cores may be clocked at; what they just are changes with every look."""
    return _of_clusters(
        run,
        lambda cluster: cluster.most_khz and f"{cluster.lowest_khz or '?'} to {cluster.most_khz} kHz",
    )


def _caps(run: RunRecord) -> str | None:
    """The highest that were seen: a phone that came warm and waited at its gate is alike a cool one."""
    found = run.conditions
    caps_khz = {name: cluster.cap_khz for name, cluster in found.clusters.items() if cluster.cap_khz}
    for name, course in found.caps_khz.items():
        caps_khz[name] = max(caps_khz.get(name, 0), course.highest)
    return ", ".join(f"{name} {khz} kHz" for name, khz in sorted(caps_khz.items())) or None


def _of_clusters(run: RunRecord, value: Callable[[CpuCluster], Any]) -> str | None:
    found = [(name, value(cluster)) for name, cluster in sorted(run.conditions.clusters.items())]
    return ", ".join(f"{name} {said}" for name, said in found if said) or None


def _link(run: RunRecord) -> str | None:
    link = run.conditions.link
    if link.kind is None:
        return None
    return link.kind if link.mbit_s is None else f"{link.kind}, {link.mbit_s} Mbit/s"


def _flags(run: RunRecord) -> str:
    flags = [*run.flags, *(flag for launch in run.launches for flag in launch.flags)]
    return ", ".join(sorted({flag.slug for flag in flags})) or "none"


def _sampling(run: RunRecord) -> str:
    kinds = {launch.sampled for launch in run.launches if launch.kind == "measured"}
    return "in some launches" if len(kinds) > 1 else f"{run.sample_hz:g} Hz" if True in kinds else "none"


CONDITIONS: Final = (
    Thing("charging", _charging, like=_charged_alike),
    Thing(
        "throttled",
        _throttled,
        like=lambda a, b: (a == _NO_THROTTLING) == (b == _NO_THROTTLING),
        told_of_both=_NO_THROTTLING,
    ),
    Thing("steady", _steady, like=lambda a, b: (a in _HELD) == (b in _HELD)),
    Thing("screen", _screen),
    Thing(
        "temperature at the start", _start_mc, text=_start_text, like=lambda a, b: abs(a - b) <= MOST_APART_MC
    ),
    Thing(
        f"battery above {ENOUGH_PERCENT} %",
        _battery_percent,
        text=lambda run: f"{_battery_percent(run)} %",
        like=lambda a, b: (a > ENOUGH_PERCENT) == (b > ENOUGH_PERCENT),
    ),
)
"""What is compared whatever the factor is."""
PHONE_PARTS: Final = (
    Thing("Android", lambda run: run.device.android, PHONE),
    Thing("build", lambda run: run.conditions.build, PHONE),
    Thing("SoC", lambda run: run.device.soc.model or run.device.soc.name, PHONE),
    Thing("cores online", lambda run: run.conditions.cpus_online, PHONE),
    Thing("governor", _governors, PHONE),
    Thing("clocks", _clocks, PHONE),
    Thing("caps", _caps, PHONE),
    Thing("link", _link, PHONE),
)
"""What follows from the phone."""
SHOWN: Final = (
    Thing("battery saver", lambda run: yes_no(run.conditions.power_saver)),
    Thing("external power", lambda run: run.conditions.external_power),
    Thing("locked", lambda run: yes_no(run.conditions.locked_start)),
    Thing("security patch", lambda run: run.conditions.security_patch),
    Thing("USB mode", lambda run: run.conditions.usb_mode or run.conditions.usb_state),
    Thing("adb server", lambda run: run.conditions.adb_server),
    Thing("adb burst mode", lambda run: yes_no(run.conditions.adb_burst)),
    Thing("agent", lambda run: run.conditions.agent),
    Thing("boot", lambda run: run.device.boot_id),
    Thing("sampling", _sampling),
    Thing("flags", _flags),
    Thing("fidelity", lambda run: run.fidelity, text=lambda run: format_share(run.fidelity or 0.0)),
)
"""What is told where it differs, and forbids nothing."""
