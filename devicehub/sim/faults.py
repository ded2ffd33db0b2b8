"""What goes wrong with a virtual phone, on demand: cable, adbd, power, memory, disk and clock.

Each fault does what the real one does to processes and connections. What only a kernel of its own could
change a portable phone leaves as the host has it: its uptime goes on over a reboot, its disk is the host's.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import uuid
from typing import TYPE_CHECKING, Final

from devicehub.clock import SystemClock
from devicehub.errors import SimError
from devicehub.sim.app.running import APP_VARIABLE
from devicehub.sim.process import tree

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from devicehub.sim.adbd.server import Adbd
    from devicehub.sim.android.system import PhoneSystem
    from devicehub.sim.process.processes import Processes

CLOCK_FILE: Final = "dev/__properties__/.clock"
"""Seconds that the phone's wall clock is ahead of the host's, as libfaketime reads them."""
_LOOK_S: Final = 0.02
_UPTIME_S: Final = 15.0
"""So long after it was switched on a phone has its adbd."""
_KERNEL_PID: Final = 0
_BURST: Final = 256
_MEASUREMENTS: Final = 20


class Faults:
    """The faults of one phone.

    Args:
        adbd: its connections.
        system: what runs on it beside adbd.
        processes: where its processes hang.
        data: the folder of this host that is its /data/local/tmp.
        moves_data: its USB mode does more than charge.
    """

    def __init__(
        self, adbd: Adbd, system: PhoneSystem, processes: Processes, data: Path, *, moves_data: bool
    ) -> None:
        self._moves_data = moves_data
        self._adbd = adbd
        self._system = system
        self._processes = processes
        self._data = data
        self._root = adbd.shell.root
        self._clock = SystemClock()

    # cable and adbd

    async def cable_out(self) -> None:
        """Pull the cable: connections end, and in a USB mode that moves data init stops adbd's cgroup."""
        self._adbd.close()
        self.set_battery(plugged=False)
        self._system.usb_connected = False
        if self._moves_data:
            self._set_usb("adb")
            self._kill_cgroup()

    async def cable_in(self) -> None:
        """Put it back: adb servers may connect again, on the same ports."""
        self.set_battery(plugged=True)
        self._system.usb_connected = True
        self._set_usb(",".join((*self._system.usb_default, "adb")))
        await self._adbd.open()

    def cut(self) -> None:
        """Drop the connections; the next ones are welcome at once."""
        self._adbd.cut()

    def freeze(self) -> None:
        """Let no byte through, while every connection stays."""
        self._adbd.freeze()

    def thaw(self) -> None:
        """Let bytes through again; what was held back arrives."""
        self._adbd.thaw()

    async def restart_adbd(self) -> None:
        """Stop adbd and start it anew: init kills its whole cgroup, setsid or not."""
        self._kill_cgroup()
        self._adbd.cut()

    async def lock_screen(self) -> None:
        """Lock the screen; where the default USB mode moves data, that restarts adbd as well."""
        self.set_screen(on=False, locked=True)
        if self._moves_data:
            await self.restart_adbd()

    # the whole phone

    async def reboot(self, *, down_s: float = 0.0, lose: str | None = None, services_s: float = 0.0) -> None:
        """Restart the phone: no process survives, /data does, boot_id is new, uptime begins anew.

        Args:
            down_s: how long it is away.
            lose: files below /data/local/tmp, as a glob, whose data never reached the flash: they are empty.
            services_s: how long after adbd Android's services come up.
        """
        self._adbd.close()
        if self._system.apps is not None:
            self._system.apps.end_all()
        await self._processes.reboot(_UPTIME_S)
        for path in self._data.glob(lose) if lose else ():
            os.truncate(path, 0)
        self._overwrite("proc/sys/kernel/random/boot_id", f"{uuid.uuid4()}\n")
        self._system.log.clear(tuple(self._system.log.sizes))
        await self._clock.sleep(down_s)
        self._system.fixed_performance.on = False
        self._system.server_up = services_s <= 0
        await self._adbd.open()
        await self._clock.sleep(services_s)
        self._system.server_up = True

    async def suspend(self, seconds: float) -> None:
        """Let the phone sleep: its processes stand still and no byte moves, while its clocks go on."""
        self._adbd.live.sleep()
        self.freeze()
        tree.send(self._cgroup(with_apps=True), signal.SIGSTOP)
        try:
            await self._clock.sleep(seconds)
        finally:
            self._adbd.live.wake()
            tree.send(self._cgroup(with_apps=True), signal.SIGCONT)
            self.thaw()

    def step_clock(self, seconds: float) -> None:
        """Set the phone's wall clock forward, or back; its boot clock goes on.

        Raises:
            SimError: the phone was not made so that its clock can be set.
        """
        file = self._root / CLOCK_FILE
        if not file.exists():
            raise SimError("this phone's clock cannot be set; make it with settable_clock")
        now = float(file.read_text())
        # Every process reads it at each look at the clock, and one that finds it empty ends.
        arriving = file.with_name(f"{file.name}.new")
        arriving.write_text(f"{now + seconds:+.3f}\n")
        arriving.replace(file)

    # processes and memory

    def processes(self, piece: str) -> list[int]:
        """Host's numbers of the phone's processes whose command line holds this."""
        return [pid for pid in self._cgroup(with_apps=True) if piece in tree.command_line(pid)]

    def kill(self, piece: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Send a signal to every process whose command line holds this; how many there were."""
        return tree.send(self.processes(piece), number)

    def out_of_memory(self) -> str:
        """Let the kernel take the process that offers itself most, as when memory runs out; its words.

        Raises:
            SimError: no process offers itself.
        """
        victims = [pid for pid in self._cgroup(with_apps=True) if tree.oom_score_adj(pid) > 0]
        if not victims:
            raise SimError("no process of the phone has a positive oom_score_adj")
        victim = max(victims, key=tree.oom_score_adj)
        words = tree.command_line(victim)
        self._system.note("kernel", _oom_line(victim), pid=_KERNEL_PID, buffer="kernel")
        tree.send([victim], signal.SIGKILL)
        return words

    def set_memory(self, available_mib: int) -> None:
        """Let /proc/meminfo say that so much is available."""
        text = (self._root / "proc/meminfo").read_text()
        line = f"MemAvailable:   {available_mib * 1024:8d} kB"
        self._overwrite("proc/meminfo", re.sub(r"MemAvailable:\s*\d+ kB", line, text))

    # disk, battery, screen, heat

    async def set_free(self, free_kib: int) -> None:
        """Leave so much space below /data/local/tmp; who writes more meets a full disk.

        Raises:
            SimError: the phone has no file system of its own there.
        """
        if not self._processes.limited:
            raise SimError("this phone has no /data/local/tmp of its own size; make it with data_mib")
        for left in reversed(range(_MEASUREMENTS)):
            found = os.statvfs(self._data)
            used_kib = (found.f_blocks - found.f_bfree) * found.f_frsize // 1024
            try:
                # A size of 0 would mean no bound at all.
                await self._processes.limit(max(used_kib + free_kib, 4))
                break
            except SimError:  # what was written since it was measured does not fit
                if not left:
                    raise

    def set_battery(
        self, *, level: int | None = None, temp_c: float | None = None, plugged: bool | None = None
    ) -> None:
        """Let the battery be so."""
        if self._system.physics is not None:
            self._system.physics.look()  # until now it was as before
        changes: dict[str, str] = {}
        if level is not None:
            changes["level"] = str(level)
        if temp_c is not None:
            changes["temperature"] = str(round(temp_c * 10))
        if plugged is not None:
            changes |= {"USB powered": str(plugged).lower(), "status": "2" if plugged else "3"}
        self._system.battery |= changes
        self._system.battery_temp_set = self._system.battery_temp_set or temp_c is not None
        physics = self._system.physics
        if physics is not None and physics.moves:
            physics.observe()
            if level is not None and physics.battery is not None:
                physics.battery.set_percent(level)

    def set_screen(self, *, on: bool, locked: bool = False) -> None:
        """Light the screen, or not; lock it, or not."""
        self._system.screen_on, self._system.locked = on, locked

    def set_temperature(self, temp_c: float, *, zone: str = "", status: int = 0) -> None:
        """Let every thermal zone and sensor whose name holds the word measure this.

        Args:
            temp_c: degrees Celsius.
            zone: what the zone's type or the sensor's name holds.
            status: the thermal status, 0 none to 6 shutdown; 2 and more is throttling.
        """
        profile = self._system.profile
        for number, (kind, _) in enumerate(profile.zones):
            if zone in kind:
                self._adbd.live.temps_mc[number] = round(temp_c * 1000)
        names = [name for name, _, _ in profile.temperatures if zone.lower() in name.lower()]
        self._system.temps_c |= dict.fromkeys(names, temp_c)
        self._system.thermal_status = status

    def warm_to(self, skin_c: float) -> None:
        """Let the phone be so warm, in degrees Celsius at its skin; from there it goes on as it does.

        Raises:
            SimError: nothing was said of how the phone warms.
        """
        self._system.warmth().warm_to(skin_c)

    # Android

    async def system_server_restart(self, down_s: float = 20.0) -> None:
        """End Android's own process with all apps: commands that need a service fail until it is back."""
        self._system.server_up = False
        if self._system.apps is not None:
            self._system.apps.end_all()
        self._system.note(
            "Zygote", "Exit zygote because system server has terminated", priority=6, buffer="main"
        )
        try:
            await self._clock.sleep(down_s)
        finally:
            self._system.server_up = True

    def kill_app_by_lmkd(self, package: str) -> bool:
        """Let lmkd take an app for want of memory; whether it ran."""
        return self._system.apps is not None and self._system.apps.kill_by_lmkd(package)

    # the log

    async def log_burst(
        self, lines: int, *, tag: str = "burst", text: str = "line {number}", uid: int = 2000, pid: int = 999
    ) -> None:
        """Write many entries to the main buffer, faster than any process can.

        Args:
            lines: how many.
            tag: their tag.
            text: what they say; `{number}` counts from 0. Without it they are all equal.
            uid: whose they are.
            pid: which process they seem to be from.
        """
        for number in range(lines):
            self._system.log.add(
                time_ns=round(self._clock.wall_s() * 1e9),
                pid=pid,
                tid=pid,
                uid=uid,
                priority=4,
                tag=tag.encode(),
                message=text.replace("{number}", str(number)).encode(),
            )
            if number % _BURST == 0:
                await self._clock.sleep(0)

    def log_loss(self, entries: int) -> None:
        """Lose the next entries that processes log; with the first that gets through liblog counts them."""
        self._system.log.lose(entries)

    def kick_readers(self) -> None:
        """Let logd drop every logcat that follows the log: `Unexpected EOF!`."""
        self._system.kick_readers()

    # moments

    async def when_file(self, pattern: str) -> Path:
        """Wait until a file below /data/local/tmp is there, named by a glob; the first of them."""
        async for _ in self._looks():
            if found := sorted(self._data.glob(pattern)):
                return found[0]
        raise AssertionError

    async def when_process(self, piece: str) -> None:
        """Wait until a process runs whose command line holds this."""
        async for _ in self._looks():
            if self.processes(piece):
                return

    async def when_gone(self, piece: str) -> None:
        """Wait until no process runs whose command line holds this."""
        async for _ in self._looks():
            if not self.processes(piece):
                return

    async def when_bytes(self, pattern: str, size: int) -> None:
        """Wait until files below /data/local/tmp, named by a glob, hold so many bytes together."""
        async for _ in self._looks():
            if sum(_size(path) for path in self._data.glob(pattern)) >= size:
                return

    async def when_status(self, status: int) -> None:
        """Wait until the thermal status is this or a higher one."""
        async for _ in self._looks():
            if self._system.warmth().status >= status:
                return

    async def _looks(self) -> AsyncIterator[None]:
        while True:
            yield
            await self._clock.sleep(_LOOK_S)

    def _set_usb(self, functions: str) -> None:
        for name in ("sys.usb.state", "sys.usb.config"):
            self._system.set_property(name, functions)

    def _cgroup(self, *, with_apps: bool = False) -> list[int]:
        """What init kills when adbd stops; apps are not adbd's."""
        found = tree.descendants(self._processes.keeper_pid)[1:]  # without the phone's init
        return [pid for pid in found if with_apps or not tree.has_variable(pid, APP_VARIABLE)]

    def _kill_cgroup(self) -> None:
        # Children first would let a parent report them: all at once, and again what was just being born.
        for _ in range(2):
            tree.send(self._cgroup(), signal.SIGKILL)

    def _overwrite(self, path: str, text: str) -> None:
        """In place: a file that is mounted by itself does not follow a rename."""
        with (self._root / path).open("r+b") as file:
            file.write(text.encode())
            file.truncate()


def _oom_line(pid: int) -> str:
    """What the kernel logs of a process that it takes; source: mm/oom_kill.c of Linux 5.10."""
    own = tree.describe(pid)
    return (
        f"Out of memory: Killed process {own.phone_pid} ({own.name}) total-vm:{own.size_kib}kB, "
        f"anon-rss:{own.rss_kib}kB, file-rss:0kB, shmem-rss:0kB, UID:2000 pgtables:64kB "
        f"oom_score_adj:{tree.oom_score_adj(pid)}"
    )


def _size(path: Path) -> int:
    with contextlib.suppress(OSError):
        return path.stat().st_size
    return 0
