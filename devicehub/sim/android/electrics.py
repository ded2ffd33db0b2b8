"""What a virtual phone's battery gives and gets. Pure: time, load and the cable are arguments.

Its current is a sum: the phone itself, an engine at work by its clock, and the charger; its voltage falls
with the charge and, by the inner resistance, with the current.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

_EMPTY_V: Final = 3.45
_SPAN_V: Final = 0.85
_RESISTANCE_OHM: Final = 0.08
_HOUR_S: Final = 3600
_GOLDEN: Final = 0.618034


class BatterySpec(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A battery, and how /sys/class/power_supply/battery tells of it.

    Attributes:
        capacity_mah: what it holds when full.
        idle_ma: what the phone takes by itself.
        engine_ma_per_ghz: what an engine at work takes, for each GHz.
        charge_ma: what a charger gives.
        current_unit: of current_now; vendors differ.
        voltage_unit: of voltage_now.
        discharging: the sign of current_now while the battery empties; vendors differ.
        update_s: so often the gauge measures anew.
        wobble: by at most this share a measured current is off, and by a tenth of it a voltage.
        hidden: files that the shell may not read.
    """

    capacity_mah: float = 5000.0
    idle_ma: float = 200.0
    engine_ma_per_ghz: float = 250.0
    charge_ma: float = 450.0
    current_unit: Literal["uA", "mA"] = "uA"
    voltage_unit: Literal["uV", "mV"] = "uV"
    discharging: Literal["negative", "positive"] = "negative"
    update_s: float = 1.0
    wobble: float = 0.01
    hidden: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what no battery can be."""
        if self.capacity_mah <= 0:
            raise ValueError("capacity_mah must be above 0")


class BatteryModel:
    """The battery of one phone.

    Args:
        spec: what it is.
        percent: its charge at the beginning.

    Attributes:
        charge_mah: what it holds.
        current_ma: what flows into it now; below 0 it empties.
        drawn_j: what it has given since the beginning, charging left out.
        plugged: a charger is at the other end of the cable.
    """

    def __init__(self, spec: BatterySpec, *, percent: int) -> None:
        self.spec = spec
        self.charge_mah = 0.0
        self.set_percent(percent)
        self.plugged = True
        self.current_ma = 0.0
        self.drawn_j = 0.0
        self._shown: dict[str, str] = {}
        self._shown_for_s = 0.0
        self._measured = 0
        self._flow(0.0)

    @property
    def percent(self) -> int:
        """Its charge as Android shows it."""
        return round(self.charge_mah / self.spec.capacity_mah * 100)

    @property
    def voltage_v(self) -> float:
        """At its poles."""
        share = self.charge_mah / self.spec.capacity_mah
        return _EMPTY_V + _SPAN_V * share + _RESISTANCE_OHM * self.current_ma / 1000

    @property
    def status(self) -> str:
        """As the kernel words it."""
        if not self.plugged:
            return "Discharging"
        if self.percent == 100:
            return "Full"
        return "Charging" if self.current_ma > 0 else "Not charging"

    def set_percent(self, percent: int) -> None:
        """Let it hold so much."""
        self.charge_mah = self.spec.capacity_mah * percent / 100

    def advance(self, seconds: float, *, engine_ghz: float, plugged: bool) -> None:
        """Let time go by.

        Args:
            seconds: how much.
            engine_ghz: the clock times the load of an engine meanwhile; 0 is idle.
            plugged: the charger was there meanwhile.
        """
        self.plugged = plugged
        self._flow(engine_ghz)
        self.drawn_j += max(-self.current_ma, 0) / 1000 * self.voltage_v * seconds
        held = self.charge_mah + self.current_ma * seconds / _HOUR_S
        self.charge_mah = min(max(held, 0.0), self.spec.capacity_mah)
        self._shown_for_s += seconds

    def _flow(self, engine_ghz: float) -> None:
        taken_ma = self.spec.idle_ma + self.spec.engine_ma_per_ghz * engine_ghz
        self.current_ma = (self.spec.charge_ma if self.plugged else 0.0) - taken_ma
        if self.charge_mah >= self.spec.capacity_mah:
            self.current_ma = min(self.current_ma, 0.0)

    def files(self, temp_mc: float) -> dict[str, str]:
        """What the files of the battery hold, as the gauge last measured it; without those that are hidden.

        Args:
            temp_mc: its temperature in milli-degrees Celsius.
        """
        if not self._shown or self._shown_for_s >= self.spec.update_s:
            self._shown_for_s = 0.0
            # Errors that look like chance, and are the same each time; the first one is none.
            error = 2 * self.spec.wobble * ((self._measured * _GOLDEN + 0.5) % 1 - 0.5)
            self._measured += 1
            sign = 1 if self.spec.discharging == "negative" else -1
            current = self.current_ma * (1 + error) * (1000 if self.spec.current_unit == "uA" else 1)
            voltage = (
                self.voltage_v * (1 - error / 10) * (1_000_000 if self.spec.voltage_unit == "uV" else 1000)
            )
            files = {
                "type": "Battery",
                "present": "1",
                "capacity": str(self.percent),
                "status": self.status,
                "temp": str(round(temp_mc / 100)),
                "current_now": str(round(sign * current)),
                "voltage_now": str(round(voltage)),
                "charge_counter": str(round(self.charge_mah * 1000)),
            }
            self._shown = {name: text for name, text in files.items() if name not in self.spec.hidden}
        return self._shown

    def dump(self) -> dict[str, str]:
        """What dumpsys battery says of it, by its keys."""
        status = {"Charging": "2", "Discharging": "3", "Not charging": "4", "Full": "5"}
        return {
            "Charge counter": str(round(self.charge_mah * 1000)),
            "status": status[self.status],
            "level": str(self.percent),
            "voltage": str(round(self.voltage_v * 1000)),
        }
