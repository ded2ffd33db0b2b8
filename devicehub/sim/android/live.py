"""Files of the phone that change while it lives: /proc/stat, clocks and temperatures.

They follow the host's own load, spread over the phone's processors.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devicehub.sim.android.profile import Profile

_HOST_STAT: Final = Path("/proc/stat")
_HEAT_MC: Final = 14_000
"""What full load adds to a zone's temperature."""


@dataclass(frozen=True)
class CpuTimes:
    """The figures of one `cpu` line of /proc/stat, in ticks since boot."""

    ticks: tuple[int, ...]

    @property
    def idle(self) -> int:
        """Ticks spent idle or waiting."""
        return sum(self.ticks[3:5])


def parse_stat(text: str) -> list[CpuTimes]:
    """The processors of a /proc/stat, in order; the sum of all is left out."""
    # cpu0 53034 2 6871 1063 20 0 1012 0 0 0
    found: list[CpuTimes] = []
    for line in text.splitlines():
        name, *figures = line.split() or [""]
        if name.startswith("cpu") and name != "cpu" and all(figure.isdecimal() for figure in figures):
            found.append(CpuTimes(tuple(map(int, figures))))
    return found


def format_stat(cpus: Sequence[CpuTimes], *, boot_s: int) -> str:
    """A /proc/stat of fixed length: it is overwritten in place under its readers."""
    total = [sum(column) for column in zip(*(cpu.ticks for cpu in cpus), strict=True)]
    lines = ["cpu  " + " ".join(f"{value:>12}" for value in total)]
    lines += [f"cpu{i} " + " ".join(f"{value:>11}" for value in cpu.ticks) for i, cpu in enumerate(cpus)]
    rest = f"intr 0\nctxt {total[0]:>12}\nbtime {boot_s}\nprocesses 31000\nprocs_running 1\nprocs_blocked 0\n"
    return "\n".join(lines) + "\n" + rest + "softirq 0\n"


def busy_share(before: Sequence[CpuTimes], now: Sequence[CpuTimes]) -> float:
    """The share of all processors' time, 0 to 1, that was not idle in between."""
    total = sum(sum(new.ticks) - sum(old.ticks) for old, new in zip(before, now, strict=False))
    idle = sum(new.idle - old.idle for old, new in zip(before, now, strict=False))
    return min(max(1 - idle / total, 0.0), 1.0) if total > 0 else 0.0


class LiveFiles:
    """Writes the changing files of one phone.

    Attributes:
        temps_mc: temperatures that somebody set, by the number of the zone.
    """

    def __init__(self, profile: Profile, root: Path) -> None:
        self._profile = profile
        self._root = root
        self._before: list[CpuTimes] = []
        self._asleep: list[CpuTimes] | None = None
        self._slept: list[tuple[int, ...]] = []
        self.temps_mc: dict[int, int] = {}

    def sleep(self) -> None:
        """The phone suspends: its processors count no ticks from now on."""
        with contextlib.suppress(OSError):
            self._asleep = parse_stat(_HOST_STAT.read_text())

    def wake(self) -> None:
        """The phone runs again; what the host counted meanwhile is not the phone's."""
        if self._asleep is None:
            return
        now = parse_stat(_HOST_STAT.read_text())
        slept = [
            tuple(new - old for new, old in zip(after.ticks, before.ticks, strict=True))
            for after, before in zip(now, self._asleep, strict=True)
        ]
        earlier = self._slept or [(0,) * len(ticks) for ticks in slept]
        self._slept = [tuple(map(sum, zip(*pair, strict=True))) for pair in zip(earlier, slept, strict=True)]
        self._asleep = None

    def refresh(self, *, wall_s: float) -> None:
        """Write the files anew; a host without /proc/stat leaves them as they are."""
        try:
            host = parse_stat(_HOST_STAT.read_text())
        except OSError:
            return
        if not host or self._asleep is not None:
            return
        if self._slept:
            host = [
                CpuTimes(tuple(tick - gone for tick, gone in zip(cpu.ticks, slept, strict=True)))
                for cpu, slept in zip(host, self._slept, strict=True)
            ]
        count = sum(len(cluster.cpus) for cluster in self._profile.clusters)
        cpus = [host[number % len(host)] for number in range(count)]
        uptime_s = sum(host[0].ticks) // os.sysconf("SC_CLK_TCK")
        self._overwrite("proc/stat", format_stat(cpus, boot_s=int(wall_s) - uptime_s))
        load = busy_share(self._before, cpus)
        self._before = cpus
        self._write_clocks(load)
        self._write_temperatures(load)

    def _write_clocks(self, load: float) -> None:
        for cluster in self._profile.clusters:
            khz = cluster.min_khz + round((cluster.max_khz - cluster.min_khz) * load / 1000) * 1000
            folders = [f"cpu{number}/cpufreq" for number in cluster.cpus]
            for folder in [*folders, f"cpufreq/policy{cluster.cpus[0]}"]:
                self._replace(f"sys/devices/system/cpu/{folder}/scaling_cur_freq", f"{khz}\n")

    def _write_temperatures(self, load: float) -> None:
        for number, (_, temp_mc) in enumerate(self._profile.zones):
            # 0 and below are no temperatures but what broken or other sensors say.
            value = temp_mc + round(load * _HEAT_MC / 100) * 100 if temp_mc > 0 else temp_mc
            value = self.temps_mc.get(number, value)
            self._replace(f"sys/class/thermal/thermal_zone{number}/temp", f"{value}\n")

    def _overwrite(self, path: str, text: str) -> None:
        """In place: a file that is mounted by itself does not follow a rename."""
        with (self._root / path).open("r+b", buffering=0) as file:
            data = text.encode()
            file.write(data)
            if file.seek(0, os.SEEK_END) > len(data):
                file.truncate(len(data))

    def _replace(self, path: str, text: str) -> None:
        file = self._root / path
        new = file.with_name(f".{file.name}.new")
        new.write_text(text)
        new.replace(file)
