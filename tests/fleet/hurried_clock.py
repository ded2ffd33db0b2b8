"""A clock whose seconds are milliseconds, so that loops that wait for ever take turns."""

from __future__ import annotations

from typing import Final

from devicehub.clock import SystemClock
from tests.manual_clock import ManualClock

_REAL: Final = SystemClock()


class HurriedClock(ManualClock):
    """Moves by what is slept, as `ManualClock`, and lets others go on meanwhile."""

    async def sleep(self, seconds: float) -> None:
        await _REAL.sleep(seconds / 1000)
        await super().sleep(seconds)
