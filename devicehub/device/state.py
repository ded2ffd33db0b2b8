"""What of a phone's state may spoil a run: USB mode, screen, power, memory, space. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from devicehub.android.battery import Battery, parse_battery
from devicehub.android.files import parse_df
from devicehub.android.meminfo import Memory, parse_meminfo
from devicehub.android.screen import Screen, parse_screen
from devicehub.android.usb import Usb, parse_usb

_BETWEEN: Final = "--devicehub-8c41ae--"
_QUESTIONS: Final = {
    "state": "getprop sys.usb.state",
    "config": "getprop sys.usb.config",
    # A Java program of its own, half a second on a phone: only where nothing else tells.
    "svc": '[ -n "$(getprop sys.usb.state)$(getprop sys.usb.config)" ] || timeout 5 svc usb getFunctions',
    "usb": "timeout 5 dumpsys usb",
    "power": "timeout 5 dumpsys power",
    "window": "timeout 5 dumpsys window policy",
    "battery": "timeout 5 dumpsys battery",
    "meminfo": "cat /proc/meminfo",
    "df": "df -k {folder}",
}


@dataclass(frozen=True)
class PhoneState:
    """A phone as it is now; None is what it does not tell."""

    usb: Usb = field(default_factory=Usb)
    screen: Screen = field(default_factory=Screen)
    battery: Battery = field(default_factory=Battery)
    memory: Memory = field(default_factory=Memory)
    capacity_bytes: int | None = None
    """Of the file system that holds the runs."""
    free_bytes: int | None = None


def state_script(folder: str) -> str:
    """The sh script that asks for everything in one go.

    Args:
        folder: an existing folder of the file system whose space counts; a plain path without quotes.
    """
    # svc prints its answer to standard error.
    asked = (f"{{ {command}; }} 2>&1" for command in _QUESTIONS.values())
    return f"; echo; echo {_BETWEEN}; ".join(asked).replace("{folder}", folder)


def parse_state(output: bytes) -> PhoneState:
    """Take the script's answer apart; what lacks or cannot be read is unknown."""
    text = output.decode("utf-8", "replace").replace("\r\n", "\n")
    parts = dict.fromkeys(_QUESTIONS, "") | dict(zip(_QUESTIONS, text.split(_BETWEEN), strict=False))
    capacity, free = parse_df(parts["df"])
    return PhoneState(
        usb=parse_usb(state=parts["state"], config=parts["config"], svc=parts["svc"], dumpsys=parts["usb"]),
        screen=parse_screen(parts["power"], parts["window"]),
        battery=parse_battery(parts["battery"]),
        memory=parse_meminfo(parts["meminfo"]),
        capacity_bytes=capacity,
        free_bytes=free,
    )
