"""What a run's figures depend on, gathered while it is under way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from devicehub.runs.model import Conditions
from devicehub.telemetry.sample import SampleReader

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from devicehub.android.battery import Battery
    from devicehub.telemetry.sample import Sample


@dataclass(frozen=True)
class AdbFacts:
    """What is known of the adb server that carries the run."""

    version: int | None = None
    burst: bool | None = None


class ConditionsReader:
    """Takes the run's `samples` in pieces; the battery's state at identification stands for the start."""

    def __init__(self, battery: Battery) -> None:
        self._battery = battery
        self._reader = SampleReader()
        self._samples: list[Sample] = []

    def feed(self, data: bytes) -> None:
        """Take a piece of the file."""
        self._samples += self._reader.feed(data)

    def finish(self, adb: AdbFacts) -> Conditions:
        """The conditions over the whole run; None is what the phone did not tell."""
        temps_mc = self._known(lambda sample: sample.hottest_mc)
        levels = self._known(lambda sample: sample.number("battery.capacity"))
        free_kib = self._known(lambda sample: sample.number("mem_kb"))
        return Conditions(
            adb_server=adb.version,
            adb_burst=adb.burst,
            temp_mc_start=temps_mc[0] if temps_mc else self._battery.temp_mc,
            temp_mc_end=temps_mc[-1] if temps_mc else None,
            temp_mc_highest=max(temps_mc, default=None),
            battery_percent_start=levels[0] if levels else self._battery.level_percent,
            battery_percent_end=levels[-1] if levels else None,
            mem_available_kib_lowest=min(free_kib, default=None),
            samples=len(self._samples),
        )

    def _known(self, figure: Callable[[Sample], float | None]) -> Sequence[int]:
        return [round(value) for sample in self._samples if (value := figure(sample)) is not None]
