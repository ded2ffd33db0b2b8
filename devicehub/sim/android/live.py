"""Files of the phone that change while it lives: times, clocks, temperatures, battery and USB.

Times and clocks follow the host's own load, spread over the phone's processors; those of a phone with warmth
or a battery of its own follow what its engine does.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from devicehub.sim.android.thermal import kind_of_zone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devicehub.sim.android.profile import Cluster
    from devicehub.sim.android.system import PhoneSystem

_HOST_STAT: Final = Path("/proc/stat")
_STEP_KHZ: Final = 19_200
"""What clocks of processors are multiples of on many phones."""


@dataclass(frozen=True)
class CpuTimes:
    """The figures of one `cpu` line of /proc/stat, in ticks since boot."""

    ticks: tuple[int, ...]

    @property
    def idle(self) -> int:
        """Ticks spent idle or waiting."""
        return sum(self.ticks[3:5])

    def after(self, ticks: int, load: float) -> CpuTimes:
        """So many ticks later, of which a share was busy."""
        busy = round(ticks * load)
        user, nice, system, idle, *rest = self.ticks
        return CpuTimes((user + busy, nice, system, idle + ticks - busy, *rest))


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

    def __init__(self, system: PhoneSystem, root: Path) -> None:
        self._system = system
        self._profile = system.profile
        self._root = root
        self._written: dict[str, str] = {}
        self._before: list[CpuTimes] = []
        self._own: list[CpuTimes] = []
        self._host_times: list[CpuTimes] = []
        self._asleep: list[CpuTimes] | None = None
        self._slept: list[tuple[int, ...]] = []
        self.temps_mc: dict[int, int] = {}

    def sleep(self) -> None:
        """The phone suspends: its processors count no ticks from now on, and nothing works."""
        if self._system.physics is not None:
            self._system.physics.rest()
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
        """Write the files anew; a host without /proc/stat leaves times as they are."""
        if self._asleep is not None:
            return
        load = self._write_times(wall_s)
        physics = self._system.physics
        if physics is not None and physics.moves:
            physics.observe()
            share = physics.thermal.shown_share if physics.thermal is not None else 1.0
            self._write_clocks(physics.load, share)
            self._write_caps(share)
        elif load is not None:
            self._write_clocks(load, 1.0)
        self._write_temperatures()
        self._write_usb()
        if physics is not None and physics.battery is not None:
            for name, text in physics.battery.files(physics.battery_mc).items():
                self._replace(f"sys/class/power_supply/battery/{name}", f"{text}\n")

    def _write_times(self, wall_s: float) -> float | None:
        """Write /proc/stat; the share of all time that was busy since the last call."""
        try:
            host = parse_stat(_HOST_STAT.read_text())
        except OSError:
            return None
        if not host:
            return None
        if self._slept:
            host = [
                CpuTimes(tuple(tick - gone for tick, gone in zip(cpu.ticks, slept, strict=True)))
                for cpu, slept in zip(host, self._slept, strict=True)
            ]
        count = sum(len(cluster.cpus) for cluster in self._profile.clusters)
        cpus = [host[number % len(host)] for number in range(count)]
        cpus = self._own_times(cpus)
        uptime_s = sum(host[0].ticks) // os.sysconf("SC_CLK_TCK")
        self._overwrite("proc/stat", format_stat(cpus, boot_s=int(wall_s) - uptime_s))
        load = busy_share(self._before, cpus)
        self._before = cpus
        return load

    def _own_times(self, host: list[CpuTimes]) -> list[CpuTimes]:
        """What of the host's time the phone's own processors were busy in, where it has warmth or a battery.

        One core is, for as long as an engine is at work: at whatever pace, as a core is that is clocked down.
        """
        physics = self._system.physics
        if physics is None or not physics.moves:
            return host
        before, self._host_times = self._host_times or host, host
        own = self._own or host
        fastest = max(self._profile.clusters, key=lambda cluster: cluster.max_khz).cpus[0]
        self._own = [
            times.after(sum(new.ticks) - sum(old.ticks), physics.load if number == fastest else 0.0)
            for number, (times, new, old) in enumerate(zip(own, host, before, strict=True))
        ]
        return self._own

    def _write_clocks(self, load: float, share: float) -> None:
        for cluster in self._profile.clusters:
            span_khz = _capped_khz(cluster, share) - cluster.min_khz
            self._write_clock(
                cluster, "scaling_cur_freq", cluster.min_khz + round(span_khz * load / 1000) * 1000
            )

    def _write_caps(self, share: float) -> None:
        for cluster in self._profile.clusters:
            self._write_clock(cluster, "scaling_max_freq", _capped_khz(cluster, share))

    def _write_clock(self, cluster: Cluster, name: str, khz: int) -> None:
        folders = [f"cpu{number}/cpufreq" for number in cluster.cpus]
        for folder in [*folders, f"cpufreq/policy{cluster.cpus[0]}"]:
            self._replace(f"sys/devices/system/cpu/{folder}/{name}", f"{khz}\n")

    def _write_temperatures(self) -> None:
        physics = self._system.physics
        thermal = physics.thermal if physics is not None else None
        for number, (kind, temp_mc) in enumerate(self._profile.zones):
            value = temp_mc
            # 0 and below are no temperatures but what broken or other sensors say.
            if thermal is not None and temp_mc > 0:
                value = round(thermal.temperature_c(kind_of_zone(kind), temp_mc / 1000) * 10) * 100
            value = self.temps_mc.get(number, value)
            self._replace(f"sys/class/thermal/thermal_zone{number}/temp", f"{value}\n")

    def _write_usb(self) -> None:
        speed = self._system.usb_speed
        if speed is None:
            return
        there = self._system.usb_connected
        files = {
            "current_speed": speed if there else "UNKNOWN",
            "maximum_speed": self._profile.usb_maximum,
            "state": "configured" if there else "not attached",
        }
        for name, text in files.items():
            self._replace(f"sys/class/udc/{self._profile.usb_controller}/{name}", f"{text}\n")

    def _overwrite(self, path: str, text: str) -> None:
        """In place: a file that is mounted by itself does not follow a rename."""
        with (self._root / path).open("r+b", buffering=0) as file:
            data = text.encode()
            file.write(data)
            if file.seek(0, os.SEEK_END) > len(data):
                file.truncate(len(data))

    def _replace(self, path: str, text: str) -> None:
        if self._written.get(path) == text:
            return
        file = self._root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        new = file.with_name(f".{file.name}.new")
        new.write_text(text)
        new.replace(file)
        self._written[path] = text


def _capped_khz(cluster: Cluster, share: float) -> int:
    """A cap as the kernel takes it: a whole step, and never below what the cores can do."""
    if share >= 1:
        return cluster.max_khz
    return max(round(cluster.max_khz * share / _STEP_KHZ) * _STEP_KHZ, cluster.min_khz)
