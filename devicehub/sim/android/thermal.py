"""How warm a virtual phone gets at work, and how it holds itself back then. Pure: time is an argument.

One body of one time constant: it moves towards `idle + heat_c_per_ghz * GHz * load` and carries every zone
with it; what is near the processor is warmer still for as long as it works. The skin's temperature decides
Android's thermal status, the status the highest clock, and the clock the heat.
"""

from __future__ import annotations

import math
from typing import Final, Literal

import msgspec

_IDLE_AMBIENT_C: Final = 25.0
"""The room in which a phone's idle temperatures hold."""
_STEPS: Final = 50
_CONSTANTS: Final = 20
_SHARES: Final = {"skin": 1.0, "battery": 0.6, "die": 1.1}
"""How much of the body's warmth a sensor of each kind sees."""
_BATTERY_SENSOR, _SKIN_SENSOR = 2, 3
_STATUSES: Final = 6

Kind = Literal["skin", "battery", "die"]


class ThermalSpec(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """How a phone warms and what it does then.

    Attributes:
        ambient_c: the temperature of the room.
        heat_c_per_ghz: how much warmer the skin ends up, for each GHz of an engine at work.
        time_constant_s: after so long 63 % of a change have come.
        die_c_per_ghz: how much warmer than the body its processor is while it works, for each GHz.
        thresholds_c: the skin's temperature from which the thermal status is 1 light, 2 moderate, 3 severe,
            4 critical, 5 emergency, 6 shutdown; a phone that is warm enough for the last one goes on.
        hysteresis_c: so far below its threshold a status ends.
        caps: the share of the highest clock that each status, 0 to 6, leaves.
        steady_share: the share of it in the fixed-performance mode.
        hidden: it holds back and tells so neither by its status nor by its caps.
    """

    ambient_c: float = _IDLE_AMBIENT_C
    heat_c_per_ghz: float = 6.0
    time_constant_s: float = 120.0
    die_c_per_ghz: float = 4.0
    thresholds_c: tuple[float, float, float, float, float, float] = (38.0, 41.0, 43.5, 46.0, 50.0, 55.0)
    hysteresis_c: float = 1.5
    caps: tuple[float, float, float, float, float, float, float] = (1.0, 1.0, 0.8, 0.65, 0.5, 0.35, 0.25)
    steady_share: float = 0.6
    hidden: bool = False

    def __post_init__(self) -> None:
        """Refuse what no phone can be."""
        if self.time_constant_s <= 0:
            raise ValueError("time_constant_s must be above 0")
        if list(self.thresholds_c) != sorted(self.thresholds_c):
            raise ValueError("thresholds_c must rise")
        if not all(0 < share <= 1 for share in (*self.caps, self.steady_share)):
            raise ValueError("caps and steady_share are shares: above 0, at most 1")


class ThermalModel:
    """The warmth of one phone.

    Args:
        spec: how it warms.
        skin_idle_c: its skin when it has long been idle, in a room of 25 degrees.
        ghz: the highest clock of the cores that an engine uses.

    Attributes:
        skin_c: its skin now.
        status: Android's thermal status now, 0 none to 6 shutdown.
        load: what it was last told: 0 idle, 1 an engine at work.
        steady: the fixed-performance mode is on.
    """

    def __init__(self, spec: ThermalSpec, *, skin_idle_c: float, ghz: float) -> None:
        self.spec = spec
        self._ghz = ghz
        self._idle_c = skin_idle_c + spec.ambient_c - _IDLE_AMBIENT_C
        self.skin_c = self._idle_c
        self.status = 0
        self.load = 0.0
        self.steady = False
        self._set_status()

    @property
    def share(self) -> float:
        """The share of the highest clock that is left now."""
        left = self.spec.caps[self.status]
        return min(left, self.spec.steady_share) if self.steady else left

    @property
    def shown_status(self) -> int:
        """What Android says of the status."""
        return 0 if self.spec.hidden else self.status

    @property
    def shown_share(self) -> float:
        """What scaling_max_freq says of the share."""
        if not self.spec.hidden:
            return self.share
        return self.spec.steady_share if self.steady else 1.0

    def warm_to(self, skin_c: float) -> None:
        """Be so warm now, and go on from there."""
        self.skin_c = skin_c
        self._set_status()

    def advance(self, seconds: float) -> None:
        """Let time go by at the load of now."""
        constant_s = self.spec.time_constant_s
        left_s = min(seconds, constant_s * _CONSTANTS)
        while left_s > 0:
            # In steps, since the clock that makes the heat follows from the heat.
            step_s = min(left_s, constant_s / _STEPS)
            goal_c = self._idle_c + self.spec.heat_c_per_ghz * self._ghz * self.share * self.load
            self.skin_c = goal_c + (self.skin_c - goal_c) * math.exp(-step_s / constant_s)
            self._set_status()
            left_s -= step_s

    def temperature_c(self, kind: Kind, idle_c: float) -> float:
        """What a sensor measures that shows `idle_c` on an idle phone in a room of 25 degrees."""
        room_c = self.spec.ambient_c - _IDLE_AMBIENT_C
        warmth_c = (self.skin_c - self._idle_c) * _SHARES[kind]
        die_c = self.spec.die_c_per_ghz * self._ghz * self.share * self.load if kind == "die" else 0.0
        return idle_c + room_c + warmth_c + die_c

    def _set_status(self) -> None:
        """Up at a threshold, down only well below it."""
        above = sum(self.skin_c >= threshold for threshold in self.spec.thresholds_c)
        still = sum(self.skin_c >= threshold - self.spec.hysteresis_c for threshold in self.spec.thresholds_c)
        self.status = min(max(self.status, above), still, _STATUSES)


def kind_of_zone(name: str) -> Kind:
    """What a thermal zone measures, by the names that vendors give."""
    lowered = name.lower()
    if "batt" in lowered:
        return "battery"
    return "skin" if "skin" in lowered or "quiet" in lowered or name == "mtktsAP" else "die"


def kind_of_sensor(number: int) -> Kind:
    """What a sensor of the thermal service measures; source: AOSP android.os.Temperature."""
    if number == _BATTERY_SENSOR:
        return "battery"
    return "skin" if number == _SKIN_SENSOR else "die"
