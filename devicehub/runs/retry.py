"""When a run is tried again, and when a phone is left alone. Pure: the decisions, not the waiting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

TRANSIENT_CAUSES: Final = frozenset(
    {"adbd_restarted", "agent_killed", "deploy_failed", "phone_gone", "rebooted"}
)
"""What may go well the next time: neither model, engine, configuration nor prompt is at fault."""

HUB_KILLED: Final = "hub_killed"
"""The hub's word for a run that it never brought onto the phone."""

PHONE_CAUSES: Final = TRANSIENT_CAUSES | {"phone_lost"}
"""What speaks against the phone or its cable."""

STRIKES: Final = 3
"""So many runs in a row that ended for causes of the phone put it into quarantine."""


@dataclass(frozen=True)
class RetryPolicy:
    """How often and how soon a run is tried again.

    Attributes:
        retries: attempts after the first.
        first_wait_s: before the second attempt; doubled for each further one.
    """

    retries: int = 1
    first_wait_s: float = 2.0
    longest_wait_s: float = 60.0

    def wait_s(self, cause: str | None, attempt: int) -> float | None:
        """How long to wait before another attempt; None where there is none.

        Args:
            cause: why this attempt failed.
            attempt: its number, from 1.
        """
        if cause not in TRANSIENT_CAUSES or attempt > self.retries:
            return None
        return backoff_s(attempt, first_s=self.first_wait_s, longest_s=self.longest_wait_s)


def backoff_s(failures: int, *, first_s: float, longest_s: float) -> float:
    """Twice as long after each failure in a row, up to a bound; `failures` counts from 1."""
    return min(first_s * 2.0 ** min(failures - 1, 30), longest_s)


class Breaker:
    """A circuit breaker: after some failures in a row nobody tries, but one at a time after a pause.

    Shared by all who use one thing: when an adb server dies, twenty phones must not each hammer at it.
    """

    def __init__(self, *, failures: int = 3, pause_s: float = 5.0, longest_s: float = 60.0) -> None:
        self._most = failures
        self._pause_s = pause_s
        self._longest_s = longest_s
        self._failures = 0
        self._closed_until_s = 0.0

    def wait_s(self, now_s: float) -> float:
        """How long the asker has to wait; 0 lets it try and keeps others off until it tells the outcome."""
        if self._failures < self._most:
            return 0.0
        if now_s < self._closed_until_s:
            return self._closed_until_s - now_s
        self._closed_until_s = now_s + self._pause_s
        return 0.0

    def failed(self, now_s: float) -> None:
        """A try failed."""
        self._failures += 1
        over = self._failures - self._most + 1
        if over > 0:
            self._closed_until_s = now_s + backoff_s(over, first_s=self._pause_s, longest_s=self._longest_s)

    def succeeded(self) -> None:
        """A try went well: the way is free again."""
        self._failures = 0
