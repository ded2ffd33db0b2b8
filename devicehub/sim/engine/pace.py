"""The speed that the phone's clocks leave to its engine."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Final

VARIABLE: Final = "DEVICEHUB_SIM_PACE"
"""Names the file with the share of full speed, as the phone's processes see it; without it all of it."""


def pause_us(seconds: float) -> int:
    """Wait; how long it was, in microseconds."""
    began_ns = time.perf_counter_ns()
    # Not time.sleep: it fails where libfaketime has set the clock meanwhile.
    signal.sigtimedwait((), seconds)
    return (time.perf_counter_ns() - began_ns) // 1000


class Pace:
    """Makes what was done at the host's speed take as long as at the phone's.

    Attributes:
        is_set: the phone has clocks that its engine follows.
    """

    def __init__(self) -> None:
        name = os.environ.get(VARIABLE)
        self._file = Path(name) if name else None
        self.is_set = self._file is not None and self._file.exists()
        self._owed_us = 0.0

    def slow_us(self, took_us: int, own_share: float = 1.0) -> int:
        """Wait as much longer as the clocks of now would take; how long that was, in microseconds.

        Args:
            took_us: what was done.
            own_share: of the speed that the clocks leave, what is used.
        """
        share = own_share * (self._share() if self.is_set else 1.0)
        if not 0 < share < 1 or took_us <= 0:
            return 0
        # A pause is a little too long each time, and a token may take less than that.
        self._owed_us += took_us / share - took_us
        if self._owed_us <= 0:
            return 0
        paused_us = pause_us(self._owed_us / 1e6)
        self._owed_us -= paused_us
        return paused_us

    def _share(self) -> float:
        try:
            return float(self._file.read_text()) if self._file is not None else 1.0
        except (OSError, ValueError):
            # The phone ends.
            return 1.0
