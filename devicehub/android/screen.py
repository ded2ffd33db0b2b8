"""Whether the screen is on and the phone unlocked: `dumpsys power` and `dumpsys window policy`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

# "mWakefulness=Awake"; Dozing is the always-on display, which keeps no processor awake.
_WAKEFULNESS: Final = re.compile(r"^\s*mWakefulness(?:Raw)?=(\w+)", re.MULTILINE)
# "Display Power: state=ON"
_DISPLAY: Final = re.compile(r"^Display Power: state=(\w+)", re.MULTILINE)
_TIMEOUT: Final = re.compile(r"^\s*mScreenOffTimeoutSetting=(\d{1,10})\b", re.MULTILINE)
# The names differ by release: "mShowingLockscreen=true", "mDreamingLockscreen=false",
# "isStatusBarKeyguard=true", and "showing=true" below "KeyguardServiceDelegate".
_KEYGUARD: Final = re.compile(
    r"\b(?:mShowingLockscreen|mDreamingLockscreen|isStatusBarKeyguard|isKeyguardShowing|mKeyguardShowing)"
    r"=(true|false)"
)
_DELEGATE: Final = re.compile(r"^\s*KeyguardServiceDelegate\s*\n\s*showing=(true|false)", re.MULTILINE)


@dataclass(frozen=True)
class Screen:
    """What the phone says of its screen; None where it does not.

    Attributes:
        on: lit and awake.
        locked: the lock screen is in front.
        timeout_s: after which it goes off by itself.
    """

    on: bool | None = None
    locked: bool | None = None
    timeout_s: float | None = None


def parse_screen(power: str, window: str) -> Screen:
    """Read `dumpsys power` and `dumpsys window policy` (or all of `dumpsys window`)."""
    wakefulness, display = _WAKEFULNESS.search(power), _DISPLAY.search(power)
    timeout = _TIMEOUT.search(power)
    keyguard = _KEYGUARD.findall(window) + _DELEGATE.findall(window)
    on = None
    if wakefulness:
        on = wakefulness[1] == "Awake"
    elif display:
        on = display[1] in ("ON", "BRIGHT", "DIM")
    return Screen(
        on=on,
        locked="true" in keyguard if keyguard else None,
        timeout_s=int(timeout[1]) / 1000 if timeout else None,
    )
