"""What is done at a share of the speed takes that much longer, however short it is."""

from __future__ import annotations

import pytest

from devicehub.sim.engine import pace
from devicehub.sim.engine.pace import Pace


def test_pauses_that_are_too_long_are_made_good(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "pause_us", lambda seconds: round(seconds * 1e6) + 60)
    slowed = Pace()
    paused = sum(slowed.slow_us(100, 0.5) for _ in range(1000))
    assert paused == pytest.approx(1000 * 100, rel=0.01)


def test_full_speed_and_nothing_done_take_no_pause() -> None:
    slowed = Pace()
    assert (slowed.slow_us(100, 1.0), slowed.slow_us(0, 0.5), slowed.slow_us(-5, 0.5)) == (0, 0, 0)
