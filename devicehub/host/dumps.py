"""`dumpsys` of this computer: temperatures and battery as psutil finds them, in Android's words.

`python -m devicehub.host.dumps battery|thermalservice`. The agent reads what it prints as on a phone; load,
memory and clocks it reads from /proc and /sys itself.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Final

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

SERVICES: Final = ("battery", "thermalservice")
_CPU_CHIPS: Final = ("coretemp", "k10temp", "zenpower", "cpu_thermal", "x86_pkg_temp", "acpitz")
_CPU, _UNKNOWN = 0, -1
_DISCHARGING: Final = 3


def thermal_lines(chips: Mapping[str, Sequence[tuple[str, float]]]) -> list[str]:
    """What `dumpsys thermalservice` says of temperatures.

    Args:
        chips: (label, degrees Celsius) of each sensor, by the name of its chip.
    """
    lines = ["Current temperatures from HAL:"]
    for name, kind, degrees in _sensors(chips):
        lines.append(f"\tTemperature{{mValue={degrees:.1f}, mType={kind}, mName={name}, mStatus=0}}")
    return lines


def _sensors(chips: Mapping[str, Sequence[tuple[str, float]]]) -> Iterator[tuple[str, int, float]]:
    for chip, sensors in chips.items():
        for number, (label, degrees) in enumerate(sensors):
            # The agent's files take no blank in a name.
            name = re.sub(r"[^A-Za-z0-9._-]+", "_", f"{chip}-{label or number}")
            yield name, _CPU if chip in _CPU_CHIPS else _UNKNOWN, degrees


def battery_lines(percent: float, *, plugged: bool | None) -> list[str]:
    """What `dumpsys battery` says; whether the battery is charged, a computer with power does not tell."""
    lines = ["Current Battery Service state:", f"  level: {round(percent)}"]
    if plugged is not None:
        lines.insert(1, f"  AC powered: {str(plugged).lower()}")
    if plugged is False:
        lines.append(f"  status: {_DISCHARGING}")
    return lines


def found_services() -> list[str]:
    """Those of which this computer has anything to tell."""
    return [service for service in SERVICES if dump(service)]


def dump(service: str) -> list[str]:
    """The lines of a service; none where this computer has no such sensors."""
    if service == "thermalservice" and hasattr(psutil, "sensors_temperatures"):
        found = psutil.sensors_temperatures()
        chips = {chip: [(one.label, one.current) for one in sensors] for chip, sensors in found.items()}
        return thermal_lines(chips) if any(chips.values()) else []
    if service == "battery" and hasattr(psutil, "sensors_battery"):
        battery = psutil.sensors_battery()
        return [] if battery is None else battery_lines(battery.percent, plugged=battery.power_plugged)
    return []


def main(argv: Sequence[str]) -> int:
    """Print one service; the exit status."""
    lines = dump(argv[0]) if argv else []
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 0 if lines else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
