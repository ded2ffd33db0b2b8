"""Time as an argument: the one place that reads the host's clocks and sleeps."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """What code that waits or stamps is given."""

    def monotonic_s(self) -> float:
        """Seconds on a clock that never steps; only differences mean anything."""

    def wall_s(self) -> float:
        """Seconds since the epoch; may step."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""


class SystemClock:
    """The host's own clocks."""

    def monotonic_s(self) -> float:
        """Seconds on the host's monotonic clock."""
        return time.monotonic()

    def wall_s(self) -> float:
        """Seconds since the epoch on the host's wall clock."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Wait on the running loop."""
        await asyncio.sleep(seconds)
