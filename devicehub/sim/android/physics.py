"""The warmth and the battery of a phone in time: by a clock, and by what its processes do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devicehub.sim.android.electrics import BatteryModel
from devicehub.sim.android.thermal import ThermalModel, kind_of_zone
from devicehub.sim.process import tree

if TYPE_CHECKING:
    from pathlib import Path

    from devicehub.clock import Clock
    from devicehub.sim.android.electrics import BatterySpec
    from devicehub.sim.android.system import PhoneSystem
    from devicehub.sim.android.thermal import ThermalSpec

PACE_FILE: Final = "pace"
"""In the folder of the phone's sockets: the share of its full speed at which an engine works now."""
_ENGINES: Final = frozenset({"llm_demo", "llm_bench", "ppl_eval"})
_VIRTUAL_ENGINE: Final = "devicehub.sim.engine"
_APP: Final = "devicehub.sim.app"
_BUSY_TICKS: Final = 2


class Physics:
    """What heat and current do to one phone; without a specification each of them stays as it is.

    Args:
        system: the phone.
        clock: what time is.

    Attributes:
        thermal: its warmth, where it was given one.
        battery: its battery, where it was given one.
    """

    def __init__(
        self,
        system: PhoneSystem,
        *,
        thermal: ThermalSpec | None,
        battery: BatterySpec | None,
        clock: Clock,
    ) -> None:
        profile = system.profile
        self._system = system
        self._clock = clock
        self._at_s = clock.monotonic_s()
        self._ghz = max(cluster.max_khz for cluster in profile.clusters) / 1e6
        skin_mc = next(temp_mc for name, temp_mc in profile.zones if kind_of_zone(name) == "skin")
        self.thermal = (
            ThermalModel(thermal, skin_idle_c=skin_mc / 1000, ghz=self._ghz) if thermal is not None else None
        )
        percent = int(profile.battery["level"])
        self.battery = BatteryModel(battery, percent=percent) if battery is not None else None
        self._load = 0.0
        self._published: float | None = None
        self._keeper_pid: int | None = None
        self._app_ticks: dict[int, int] = {}

    @property
    def moves(self) -> bool:
        """Whether anything changes by itself."""
        return self.thermal is not None or self.battery is not None

    @property
    def load(self) -> float:
        """What the phone is at work with: 0 idle, 1 an engine."""
        return self._load

    @property
    def battery_mc(self) -> float:
        """The temperature of the battery, in milli-degrees Celsius."""
        idle_c = int(self._system.profile.battery["temperature"]) / 10
        if self.thermal is None or self._system.battery_temp_set:
            return int(self._system.battery["temperature"]) * 100
        return self.thermal.temperature_c("battery", idle_c) * 1000

    def watch(self, keeper_pid: int) -> None:
        """Let processes below this one be the phone's load."""
        self._keeper_pid = keeper_pid

    def look(self) -> None:
        """Come to the clock's now, at the load that was seen last."""
        now_s = self._clock.monotonic_s()
        seconds, self._at_s = now_s - self._at_s, now_s
        share = 1.0
        if self.thermal is not None:
            self.thermal.steady = self._system.fixed_performance.on
            self.thermal.advance(seconds)
            share = self.thermal.share
        if self.battery is not None:
            ghz = self._ghz * share * self._load
            self.battery.advance(seconds, engine_ghz=ghz, plugged=self._system.plugged)

    def observe(self) -> None:
        """Come to now, and see what the phone is at work with from here on."""
        if not self.moves:
            return
        self.look()
        self._set_load(1.0 if self._works() else 0.0)
        if self.thermal is not None and self.thermal.share != self._published:
            self._published = self.thermal.share
            _publish(self._system.sockets / PACE_FILE, f"{self._published}\n")

    def rest(self) -> None:
        """Come to now; the phone does nothing from here on."""
        self.look()
        self._set_load(0.0)

    def _set_load(self, load: float) -> None:
        self._load = load
        if self.thermal is not None:
            self.thermal.load = load
        # The current of now follows at once.
        if self.battery is not None:
            share = self.thermal.share if self.thermal is not None else 1.0
            ghz = self._ghz * share * load
            self.battery.advance(0.0, engine_ghz=ghz, plugged=self._system.plugged)

    def _works(self) -> bool:
        if self._keeper_pid is None:
            return False
        before, self._app_ticks = self._app_ticks, {}
        works = False
        for pid in tree.descendants(self._keeper_pid):
            words = tree.command_line(pid).split()
            # The second word where an emulator runs it.
            if _VIRTUAL_ENGINE in words or not _ENGINES.isdisjoint(map(_base_name, words[:2])):
                works = True
            elif _APP in words:
                # An app stays when its answer has come: only what it computes counts.
                ticks = self._app_ticks[pid] = tree.cpu_ticks(pid)
                works = works or ticks - before.get(pid, ticks) >= _BUSY_TICKS
        return works


def _base_name(path: str) -> str:
    return path.rpartition("/")[2]


def _publish(file: Path, text: str) -> None:
    """Under the readers' eyes."""
    arriving = file.with_name(f"{file.name}.new")
    arriving.write_text(text)
    arriving.replace(file)
