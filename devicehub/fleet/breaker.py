"""When a way to a phone is asked whether it still answers, and when it is connected anew. Pure."""

from __future__ import annotations

from enum import Enum, unique
from typing import Final

from devicehub.runs.retry import backoff_s

QUIET_S: Final = 20.0
"""A way of which nothing was heard for so long is asked."""
STRIKES: Final = 2
"""So many questions in a row without an answer: the way is frozen."""
FIRST_WAIT_S: Final = 5.0
LONGEST_WAIT_S: Final = 300.0
IN_VAIN: Final = 3
"""After so many new connections without an answer a person has to look."""


@unique
class Step(Enum):
    """What is to be done about a way now."""

    ASK = "ask"
    RECONNECT = "reconnect"


class Breaker:
    """One way to a phone.

    ::

        closed ──quiet──▶ asked ──answer──▶ closed
                            │ no answer, twice
                            ▼
                          frozen ──reconnect, pause──▶ asked once ──no answer──▶ frozen, a longer pause
                                                           └──answer──▶ closed

    While it is frozen nobody uses the way but the one question after each pause.

    Attributes:
        frozen: adb lists the way, and nobody answers there.
        reconnects: new connections in a row that brought no answer.
    """

    def __init__(self, now_s: float) -> None:
        self.frozen = False
        self.reconnects = 0
        self._heard_s = now_s
        self._strikes = 0
        self._not_before_s = now_s

    def heard(self, now_s: float) -> None:
        """A sign of life came."""
        self._heard_s = now_s
        self._strikes = 0
        self.reconnects = 0
        self.frozen = False

    def silent(self, now_s: float) -> None:
        """A stream that should speak does not: ask at once."""
        self._heard_s = min(self._heard_s, now_s - QUIET_S)

    def unanswered(self) -> None:
        """A question had no answer in time."""
        self._strikes += 1
        self.frozen = self.frozen or self._strikes >= STRIKES

    def unclear(self, now_s: float) -> None:
        """A question could not be put, for a reason that adb's list will tell."""
        self._not_before_s = now_s + QUIET_S

    def reconnected(self, now_s: float) -> None:
        """A new connection was made, or tried in vain."""
        self._strikes = 0
        self.reconnects += 1
        wait_s = backoff_s(self.reconnects, first_s=FIRST_WAIT_S, longest_s=LONGEST_WAIT_S)
        self._not_before_s = now_s + wait_s

    def step(self, now_s: float) -> Step | None:
        """What is due; None where nothing is."""
        if now_s < self._not_before_s:
            return None
        if self.frozen and self._strikes:
            return Step.RECONNECT
        if self.frozen or now_s - self._heard_s >= QUIET_S:
            return Step.ASK
        return None


class Absence:
    """One phone on the network that should be there: when it is connected again."""

    def __init__(self, now_s: float, *, first_s: float = 2.0, longest_s: float = LONGEST_WAIT_S) -> None:
        self._first_s = first_s
        self._longest_s = longest_s
        self._tries = 0
        self._next_s = now_s + first_s

    def is_due(self, now_s: float) -> bool:
        """Whether to try now."""
        return now_s >= self._next_s

    def tried(self, now_s: float) -> None:
        """A try brought nothing."""
        self._tries += 1
        self._next_s = now_s + backoff_s(self._tries, first_s=self._first_s, longest_s=self._longest_s)
