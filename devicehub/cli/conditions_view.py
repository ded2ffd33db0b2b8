"""What a run's figures depend on, as rows of two texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from devicehub.cli.figures import course_text
from devicehub.runs.model import Conditions
from devicehub.units import KIB, format_bytes, format_celsius

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from devicehub.runs.model import Course
    from devicehub.runs.start import CpuCluster

_MOST_ZONES: Final = 6
"""The hottest; a phone has up to eighty."""


def condition_rows(found: Conditions) -> list[tuple[str, str]]:
    """All that is known, a row each; the last one names what is not."""
    rows = [(label, text(found)) for label, _, text in _ROWS]
    rows += [(label_of(name), plain(getattr(found, name))) for name in rest()]
    unknown = [label for label, text in rows if text is None]
    known = [(label, text) for label, text in rows if text is not None]
    return [*known, *([("not known", ", ".join(unknown))] if unknown else [])]


def rest() -> list[str]:
    """The fields that have no row of their own words."""
    named = {field for _, fields, _ in _ROWS for field in fields}
    return [name for name in Conditions.__struct_fields__ if name not in named]


def label_of(field: str) -> str:
    """A field's name as words."""
    return field.replace("_", " ")


def plain(value: Any) -> str | None:
    """Any value as a text; None for what is unknown or empty."""
    if value is None or value in ([], {}, ""):
        return None
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{name} {plain(item)}" for name, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(str(plain(item)) for item in value)
    return str(value)


def _temperature(found: Conditions) -> str | None:
    text = course_text(found.temp_mc_start, found.temp_mc_end)
    if found.temp_mc_highest is None:
        return text
    highest = f"at most {format_celsius(found.temp_mc_highest)}"
    return highest if text is None else f"{text}, {highest}"


def throttling_text(found: Conditions) -> str | None:
    """Yes, no or inferred; None where the phone does not tell."""
    return found.throttling or plain(found.throttled)


def _throttled(found: Conditions) -> str | None:
    if not found.throttle_signs:
        return throttling_text(found)
    return f"{throttling_text(found) or 'not known'}: {'; '.join(found.throttle_signs)}"


def _skin(found: Conditions) -> str | None:
    if found.skin_mc_start is None:
        return None
    highest = found.skin_mc_highest
    text = f"{format_celsius(found.skin_mc_start)} at the start"
    text += "" if highest is None else f", at most {format_celsius(highest)}"
    return f"{text} (zone {found.skin_zone})" if found.skin_zone else text


def _build(found: Conditions) -> str | None:
    patch = f", security patch {found.security_patch}" if found.security_patch else ""
    return None if found.build is None else f"{found.build}{patch}"


def _clusters(found: Conditions) -> str | None:
    return "\n".join(f"{name}: {_cluster(cluster)}" for name, cluster in found.clusters.items()) or None


def _cluster(cluster: CpuCluster) -> str:
    limits = [_mhz(cluster.lowest_khz), _mhz(cluster.cap_khz)]
    parts = [
        f"CPUs {cluster.cpus}" if cluster.cpus else None,
        cluster.governor,
        f"{_mhz(cluster.khz)} MHz" if cluster.khz is not None else None,
        f"allowed {' to '.join(limits)}" if cluster.cap_khz is not None else None,
        f"built for {_mhz(cluster.most_khz)}" if cluster.most_khz is not None else None,
    ]
    return ", ".join(part for part in parts if part)


def _mhz(khz: int | None) -> str:
    return "?" if khz is None else f"{khz / 1000:.0f}"


def _power(found: Conditions) -> str | None:
    source = found.external_power or (f"plugged {found.plugged}" if found.plugged else None)
    power = "no external power" if source == "none" else source
    if power is not None and found.plugged_end is (source == "none"):
        power += f" at the start, {'plugged in' if found.plugged_end else 'unplugged'} at the end"
    charges = found.charges or ([found.charge] if found.charge else [])
    charge = " then ".join(word.replace("_", " ") for word in charges)
    return ", ".join(part for part in (power, charge) if part) or None


def _screen(found: Conditions) -> str | None:
    start = _screen_at(found.screen_on_start, found.locked_start) or found.screen
    end = _screen_at(found.screen_on_end, found.locked_end)
    return start if end in (None, start) else f"{start or 'not known'} at the start, {end} at the end"


def _screen_at(on: bool | None, locked: bool | None) -> str | None:
    words = [None if on is None else "on" if on else "off"]
    words += [None if locked is None else "locked" if locked else "unlocked"]
    return " and ".join(word for word in words if word) or None


def _usb(found: Conditions) -> str | None:
    return found.usb_mode or found.usb_state


def _link(found: Conditions) -> str | None:
    link = found.link
    if link.kind is None and link.mbit_s is None:
        return None
    text = (link.kind or "not known how").replace("usb", "USB").replace("tcp", "TCP")
    if link.mbit_s is not None:
        text += f", {link.mbit_s} Mbit/s"
    if link.most_mbit_s is not None and link.most_mbit_s != link.mbit_s:
        text += f" of {link.most_mbit_s} that the phone can do"
    return f"{text} (as told by the {link.told_by})" if link.told_by else text


def _battery(found: Conditions) -> str | None:
    start, end = found.battery_percent_start, found.battery_percent_end
    if start is None:
        return None
    return f"{start} % at the start" if end is None else f"{start} % to {end} %"


def _adb(found: Conditions) -> str | None:
    if found.adb_server is None:
        return None
    program = f" ({found.adb_version})" if found.adb_version else ""
    burst = {True: ", burst mode", False: ", no burst mode", None: ""}[found.adb_burst]
    return f"server version {found.adb_server}{program}{burst}"


def _memory(kib: int | None, words: str) -> str | None:
    return None if kib is None else f"{words} {format_bytes(kib * KIB)}"


def _zones(found: Conditions) -> str | None:
    """The hottest zones."""
    order = sorted(found.temps_mc, key=lambda zone: found.temps_mc[zone].highest, reverse=True)
    shown = [f"{zone}: {_celsius(found.temps_mc[zone])}" for zone in order[:_MOST_ZONES]]
    more = len(order) - len(shown)
    return "\n".join([*shown, f"and {more} cooler ones"] if more else shown) or None


def _celsius(course: Course) -> str:
    return f"{course.start / 1000:.1f} to {format_celsius(course.end)} (at most {course.highest / 1000:.1f})"


def _caps(caps: Mapping[str, Course]) -> str | None:
    return "\n".join(f"{name}: {_cap(course)}" for name, course in caps.items()) or None


def _cap(course: Course) -> str:
    if course.lowest == course.highest:
        return f"{course.start / 1000:.0f} MHz"
    return f"{course.start / 1000:.0f} to {course.end / 1000:.0f} MHz (at least {course.lowest / 1000:.0f})"


def _status(found: Conditions) -> str | None:
    status = found.thermal_status_highest
    if status is None:
        return None
    names = ("none", "light", "moderate", "severe", "critical", "emergency", "shutdown")
    return f"at most {status}" + (f" ({names[status]})" if 0 <= status < len(names) else "")


def _gpu(found: Conditions) -> str | None:
    busy, clock = found.gpu_percent, found.gpu_khz
    parts = [f"busy {busy.lowest} to {busy.highest} %"] if busy is not None else []
    parts += [f"at {_mhz(clock.lowest)} to {_mhz(clock.highest)} MHz"] if clock is not None else []
    return ", ".join(parts) or None


def _steady(found: Conditions) -> str:
    if found.steady == "left":
        return "on: left so by an earlier run that could not undo it"
    return found.steady or "no"


_Row = tuple[str, tuple[str, ...], "Callable[[Conditions], str | None]"]
_ROWS: Final[tuple[_Row, ...]] = (
    ("temperature", ("temp_mc_start", "temp_mc_end", "temp_mc_highest"), _temperature),
    ("skin", ("skin_mc_start", "skin_mc_highest", "skin_zone"), _skin),
    ("throttled", ("throttled", "throttle_signs", "throttling"), _throttled),
    ("thermal status", ("thermal_status_highest",), _status),
    ("zones", ("temps_mc",), _zones),
    ("governor, clocks", ("clusters",), _clusters),
    ("caps seen", ("caps_khz",), lambda found: _caps(found.caps_khz)),
    ("CPUs online", ("cpus_online",), lambda found: plain(found.cpus_online)),
    ("steady clocks", ("steady",), _steady),
    ("GPU", ("gpu_percent", "gpu_khz"), _gpu),
    ("battery", ("battery_percent_start", "battery_percent_end"), _battery),
    ("power", ("external_power", "plugged", "plugged_end", "charge", "charges"), _power),
    ("battery saver", ("power_saver",), lambda found: plain(found.power_saver)),
    ("screen", ("screen_on_start", "screen_on_end", "locked_start", "locked_end", "screen"), _screen),
    ("USB mode", ("usb_mode", "usb_state"), _usb),
    ("link", ("link",), _link),
    ("adb", ("adb_server", "adb_version", "adb_burst"), _adb),
    ("agent", ("agent",), lambda found: plain(found.agent)),
    ("Android build", ("build", "security_patch"), _build),
    (
        "memory left",
        ("mem_available_kib_lowest",),
        lambda found: _memory(found.mem_available_kib_lowest, "at least"),
    ),
    ("memory taken", ("rss_kib_highest",), lambda found: _memory(found.rss_kib_highest, "at most")),
    ("threads", ("threads_highest",), lambda found: plain(found.threads_highest)),
    ("samples", ("samples",), lambda found: str(found.samples)),
)
"""Label, the fields it tells, and how."""
