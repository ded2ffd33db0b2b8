"""What one client, and all together, may ask of the hub. Pure."""

from __future__ import annotations

from typing import Final

from devicehub.units import MIB

MOST_CONNECTIONS: Final = 64
MOST_SOCKETS: Final = 256
"""Open at once, those among them that have not yet asked for anything."""
MOST_REQUESTS_S: Final = 200
"""Of one connection; after a pause as many may come at once."""
MOST_UNDER_WAY: Final = 64
"""Requests of one connection that have no reply yet."""
HELLO_S: Final = 5.0
MOST_WAITING: Final = 1000
"""Messages that wait for one client to read."""
MOST_WAITING_BYTES: Final = 4 * MIB
KEPT_EVENTS: Final = 10_000
"""Of each topic, for a replay."""
KEPT_BYTES: Final = 16 * MIB
"""Of each topic: lines of a log are long."""
KEPT_RUN_EVENTS: Final = 100_000
"""Of topic `runs`, whose older ones come from the store."""


class Rate:
    """Counts requests against a number per second; a pause saves up for one second, no longer."""

    def __init__(self, per_s: float = MOST_REQUESTS_S, *, now: float) -> None:
        self._per_s = per_s
        self._left = per_s
        self._seen = now

    def allows(self, now: float) -> bool:
        """Whether one more may come at this time, which then counts; seconds on a clock that never steps."""
        self._left = min(self._per_s, self._left + (now - self._seen) * self._per_s)
        self._seen = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
