"""A clock that moves only when a test says so."""

from __future__ import annotations


class ManualClock:
    """Satisfies `devicehub.clock.Clock`; `sleep` returns at once and moves both clocks."""

    def __init__(self, wall_s: float = 1_700_000_000.0) -> None:
        self._monotonic_s = 0.0
        self._wall_s = wall_s
        self.slept_s: list[float] = []

    def monotonic_s(self) -> float:
        return self._monotonic_s

    def wall_s(self) -> float:
        return self._wall_s

    async def sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        self._monotonic_s += seconds
        self._wall_s += seconds
