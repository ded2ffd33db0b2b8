"""Which USB functions a phone offers: adb's daemon stops when they change, and takes its children along."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_FUNCTIONS: Final = {
    "adb": 1 << 0,
    "accessory": 1 << 1,
    "mtp": 1 << 2,
    "midi": 1 << 3,
    "ptp": 1 << 4,
    "rndis": 1 << 5,
    "audio_source": 1 << 6,
    "uvc": 1 << 7,
    "ncm": 1 << 10,
}
"""The bits of UsbManager.FUNCTION_*, by the words that properties use."""
_WORDS: Final = frozenset(_FUNCTIONS)

# Android 8: "  mCurrentFunctions: mtp,adb"; since 9: "      current_functions=4"; some: "[", "MTP", "]".
_DUMPED: Final = r"(?:m_?)?{name}\s*[:=]\s*\[?\s*([A-Za-z0-9_, ]+)"
_CURRENT: Final = re.compile(_DUMPED.format(name="current_?functions"), re.IGNORECASE)
_UNLOCKED: Final = re.compile(_DUMPED.format(name="screen_?unlocked_?functions"), re.IGNORECASE)
_KERNEL: Final = re.compile(_DUMPED.format(name="kernel_?function_?list"), re.IGNORECASE)
_SPEED: Final = re.compile(r"^(current|maximum)_speed=([a-z-]+)\s*$", re.MULTILINE)
_SPEEDS_MBIT_S: Final = {
    "full-speed": 12,
    "high-speed": 480,
    "super-speed": 5000,
    "super-speed-plus": 10_000,
}
"""Source: Linux, drivers/usb/common/common.c; UNKNOWN while no host is at the other end."""
_CONNECTED: Final = re.compile(r"^\s*(?:mConnected|connected)\s*[:=]\s*(true|false)", re.MULTILINE)


@dataclass(frozen=True)
class Usb:
    """What the phone says of its USB port; None where it does not.

    Attributes:
        functions: what it offers now, `adb` left out.
        unlocked_functions: what it switches to while the screen is unlocked: the default that a person chose.
        connected: whether a host is at the other end.
    """

    functions: frozenset[str] | None = None
    unlocked_functions: frozenset[str] | None = None
    connected: bool | None = None


def parse_functions(text: str) -> frozenset[str] | None:
    """Read a list of functions: of sys.usb.state (`mtp,adb`), of `svc usb getFunctions`, of dumpsys.

    `none` and `adb` alone are no functions; None where no line is such a list (Android 8's svc prints usage).
    """
    for line in text.lower().splitlines():
        words = re.split(r"[,\s]+", line.strip())
        if words == [""]:
            continue
        if len(words) == 1 and words[0].isascii() and words[0].isdigit() and len(words[0]) < 10:
            bits = int(words[0])
            return frozenset(word for word, bit in _FUNCTIONS.items() if bits & bit) - {"adb"}
        # Vendors add functions of their own to the list ("diag,serial_cdev,rmnet,adb").
        if any(word in _WORDS or word == "none" for word in words) and all(map(_is_function, words)):
            return frozenset(words) - {"adb", "none"}
    return None


def parse_usb(*, state: str, config: str, svc: str, dumpsys: str) -> Usb:
    """Put together what getprop sys.usb.state and sys.usb.config, `svc usb` and `dumpsys usb` print.

    The state is what the driver runs with; it counts before the config, which is what is to come.
    """
    connected = _CONNECTED.search(dumpsys)
    found = (
        parse_functions(state),
        parse_functions(config),
        _dumped(_CURRENT, dumpsys),
        _dumped(_KERNEL, dumpsys),
        parse_functions(svc),
    )
    return Usb(
        functions=next((functions for functions in found if functions is not None), None),
        unlocked_functions=_dumped(_UNLOCKED, dumpsys),
        connected=connected[1] == "true" if connected else None,
    )


def parse_speeds(text: str) -> tuple[int | None, int | None]:
    """What a phone's USB port runs at and could run at, in Mbit/s; None where it does not tell.

    Args:
        text: lines `current_speed=high-speed` and `maximum_speed=super-speed` of each of /sys/class/udc.
    """
    known: dict[str, int] = {}
    for name, word in _SPEED.findall(text):
        # A phone may have several controllers; only one is at the plug.
        if word in _SPEEDS_MBIT_S:
            known.setdefault(name, _SPEEDS_MBIT_S[word])
    return known.get("current"), known.get("maximum") if "current" in known else None


def _is_function(word: str) -> bool:
    return re.fullmatch(r"[a-z][a-z0-9_.]{1,20}", word) is not None


def _dumped(pattern: re.Pattern[str], dumpsys: str) -> frozenset[str] | None:
    match = pattern.search(dumpsys)
    return parse_functions(match[1]) if match else None
