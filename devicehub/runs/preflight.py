"""What may spoil a run, told before it starts. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devicehub.runs.model import Caution
from devicehub.units import GIB, KIB, format_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devicehub.device.state import PhoneState

ENDING_ADBD: Final = frozenset({"mtp", "ptp", "rndis", "ncm", "midi"})
"""USB functions that Android switches off with the cable, by stopping adb's daemon on many phones."""

_NAMES: Final = {
    "mtp": "file transfer",
    "ptp": "photo transfer",
    "rndis": "USB tethering",
    "ncm": "USB tethering",
}
_LEAST_FREE: Final = GIB
_LEAST_MEMORY_KIB: Final = 256 * KIB
_LEAST_PERCENT: Final = 5
"""Of storage and of memory alike."""
_LOW_BATTERY_PERCENT: Final = 20
"""From here down phones begin to save power; figures of such a run are compared with none."""


def preflight(
    state: PhoneState,
    *,
    needed_kib: int | None,
    needed_bytes: int = 0,
    energy: bool = False,
    over_usb: bool = False,
) -> list[Caution]:
    """Say what of the phone's state may spoil a run; what the phone does not tell raises no caution.

    Args:
        state: the phone as it is now.
        needed_kib: what the workload will take of the phone's memory; None where that is unknown.
        needed_bytes: what will be pushed before.
        energy: joules are asked for.
        over_usb: adb reaches the phone over USB.
    """
    return [
        *_usb_mode(state),
        *_sleep(state),
        *_memory(state, needed_kib),
        *_space(state, needed_bytes),
        *_power_saving(state),
        *(_energy(state, over_usb=over_usb) if energy else ()),
    ]


def _usb_mode(state: PhoneState) -> Iterator[Caution]:
    """Where adb's daemon stops, init kills all that it has started, whatever session that is in."""
    now = (state.usb.functions or frozenset()) & ENDING_ADBD
    default = (state.usb.unlocked_functions or frozenset()) & ENDING_ADBD
    if not now and not default:
        return
    mode = ", ".join(sorted({_NAMES.get(name, name) for name in now or default}))
    when = (
        "the cable is pulled or the screen locks" if now else "the screen is unlocked or the cable is pulled"
    )
    what = f"the USB mode is {mode}" if now else f"the default USB mode is {mode}"
    yield Caution(
        slug="usb_mode",
        sentence=f"{what}: when {when}, many phones stop adb's daemon and with it the run",
        remedy="set Default USB configuration to No data transfer in the developer options",
    )


def _sleep(state: PhoneState) -> Iterator[Caution]:
    """Nothing that the shell may do keeps a phone on battery awake."""
    if state.battery.plugged is not False:
        return
    if state.screen.on is False:
        when = "its screen is off: it may fall asleep within seconds"
    elif state.screen.timeout_s is not None:
        when = f"its screen goes off after {state.screen.timeout_s:g} s: it falls asleep then"
    else:
        when = "it falls asleep when its screen goes off"
    yield Caution(
        slug="screen_off_on_battery",
        sentence=f"the phone runs on battery and {when}; a run that slept has no figures to trust",
        remedy="plug it in, or keep the screen on until the run has ended",
    )


def _memory(state: PhoneState, needed_kib: int | None) -> Iterator[Caution]:
    available_kib = state.memory.available_kib
    # The agent ends a run that leaves the phone less.
    reserve_kib = max(_LEAST_MEMORY_KIB, (state.memory.total_kib or 0) * _LEAST_PERCENT // 100)
    if needed_kib is None or available_kib is None or needed_kib + reserve_kib <= available_kib:
        return
    yield Caution(
        slug="memory_short",
        sentence=f"weights and KV cache take about {format_bytes(needed_kib * KIB)}, "
        f"{format_bytes(available_kib * KIB)} of memory are free, "
        f"of which the phone keeps {format_bytes(reserve_kib * KIB)}",
        remedy="close other apps, take a smaller model or a shorter context, or set use_mmap to true",
    )


def _space(state: PhoneState, needed_bytes: int) -> Iterator[Caution]:
    """Below its own threshold Android clears the caches of apps and refuses installations."""
    if state.free_bytes is None:
        return
    reserve = max(_LEAST_FREE, (state.capacity_bytes or 0) * _LEAST_PERCENT // 100)
    left = state.free_bytes - needed_bytes
    if left >= reserve:
        return
    after = " after the push" if needed_bytes else ""
    yield Caution(
        slug="space_short",
        sentence=f"{format_bytes(max(left, 0))} of storage are free{after}; "
        f"below {format_bytes(reserve)} Android clears caches, and a full phone ends the run",
        remedy="remove models or old work folders from the phone",
    )


def _power_saving(state: PhoneState) -> Iterator[Caution]:
    if state.power_saver:
        yield Caution(
            slug="power_saver",
            sentence="Android's battery saver is on: on many phones it holds the processor back",
            remedy="switch the battery saver off",
        )
    percent = state.battery.level_percent
    if percent is not None and percent <= _LOW_BATTERY_PERCENT:
        yield Caution(
            slug="battery_low",
            sentence=f"the battery is at {percent} %: at {_LOW_BATTERY_PERCENT} % and below many phones hold "
            "their processor back",
            remedy=f"charge it to more than {_LOW_BATTERY_PERCENT} %",
        )


def _energy(state: PhoneState, *, over_usb: bool) -> Iterator[Caution]:
    """Current into or past a battery that is being charged is not what the phone takes."""
    if not over_usb and not state.battery.plugged:
        return
    how = "adb goes over USB, which powers the phone" if over_usb else "the phone is plugged in"
    yield Caution(
        slug="no_energy",
        sentence=f"{how}: the run will have no energy figure",
        remedy="connect over Wi-Fi (`adb pair`, `adb connect`) and pull the cable",
    )
