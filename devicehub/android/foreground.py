"""Whether an app is in front, on a phone that is awake and unlocked, from lines of dumpsys."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class Foreground:
    """What the phone shows; None is what it did not say.

    Attributes:
        front: the component in front, `package/.Activity`.
        awake: whether the phone is; a dozing or dreaming one is not.
    """

    front: str | None = None
    awake: bool | None = None
    locked: bool | None = None

    def problem(self, package: str) -> str | None:
        """Why an app is slowed down now; None where nothing tells that it is.

        A package that is named below the given one (`com.app.release`) is the same app.
        """
        if self.awake is False:
            return "the screen is off"
        if self.locked is True:
            return "the phone is locked"
        if self.front is not None and not f"{self.front.partition('/')[0]}.".startswith(f"{package}."):
            return f"{self.front} is in front"
        return None


# dumpsys activity activities: "    mResumedActivity: ActivityRecord{1a2b3c u0 com.app/.Main t12}" (until 11),
# "  topResumedActivity=ActivityRecord{...}" (since 10), "  ResumedActivity: ActivityRecord{...}" (since 12).
_RESUMED: Final = re.compile(
    r"(?:^|[^A-Za-z])(m|top|)ResumedActivity[:=] ?ActivityRecord\{\S+ u\d+ (\S+/[^ }]+)"
)
# "  mKeyguardShowing=false" (until 11), "    KeyguardShowing=false AodShowing=false" per display since.
# dumpsys window: "    mShowingLockscreen=false mShowingDream=false mDreamingLockscreen=true"
_LOCKED: Final = re.compile(r"(?:KeyguardShowing|mDreamingLockscreen|mShowingLockscreen)=(true|false)\b")
# dumpsys power: "  mWakefulness=Awake"
_WAKEFULNESS: Final = re.compile(r"mWakefulness=(\w+)")
# "Display Power: state=ON"
_DISPLAY: Final = re.compile(r"Display Power: state=(\w+)")


def read_foreground(lines: Iterable[str]) -> Foreground:
    """Read lines of `dumpsys activity activities`, `power` and `window` in any order."""
    fronts: dict[str, str] = {}
    states: list[bool] = []
    locks: list[bool] = []
    for line in lines:
        resumed = _RESUMED.search(line)
        if resumed:
            fronts.setdefault(resumed[1], resumed[2])
        locks += [found == "true" for found in _LOCKED.findall(line)]
        states += [word == "Awake" for word in _WAKEFULNESS.findall(line)]
        states += [word == "ON" for word in _DISPLAY.findall(line)]
    # With several displays or windows, the topmost is what Android itself calls the top one.
    front = fronts.get("top") or fronts.get("m") or fronts.get("")
    return Foreground(front, all(states) if states else None, any(locks) if locks else None)
