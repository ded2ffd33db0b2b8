"""`cmd power` of a virtual phone: Android's fixed-performance mode."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from devicehub.sim.android.commands import Answer

if TYPE_CHECKING:
    from collections.abc import Sequence

_SET: Final = "set-fixed-performance-mode-enabled"
_SINCE_COMMANDS: Final = 9
_SINCE_MODE: Final = 11
_REFUSAL: Final = b"""Failed to set FIXED_PERFORMANCE mode
This is likely because Power HAL AIDL is not implemented on this device
"""
_ERROR: Final = 255


@dataclass
class FixedPerformance:
    """The mode of one phone; no command of Android tells it.

    Attributes:
        on: as it is now; a boot ends it.
        history: every setting that the phone took, boots left out.
        refuses: the phone's power HAL does not know the mode.
    """

    on: bool = False
    history: list[bool] = field(default_factory=list)
    refuses: bool = False

    def answer(self, words: Sequence[str], *, android: int) -> Answer:
        """Run `cmd power`, without the words `cmd power`.

        Source: AOSP services/core, PowerManagerShellCommand.java; Binder.java for a service without commands.
        """
        if android < _SINCE_COMMANDS:
            return Answer(stderr=b"No shell command implementation.\n")
        if list(words[:1]) != [_SET] or android < _SINCE_MODE:
            return Answer(f"Unknown command: {' '.join(words[:1])}\n".encode(), status=_ERROR)
        if len(words) < 2:
            said = f"\nException occurred while executing '{_SET}':\njava.lang.IllegalArgumentException: "
            return Answer(stderr=f'{said}Argument expected after "{_SET}"\n'.encode(), status=_ERROR)
        if self.refuses:
            return Answer(stderr=_REFUSAL, status=_ERROR)
        self.on = words[1].lower() == "true"
        self.history.append(self.on)
        return Answer()
