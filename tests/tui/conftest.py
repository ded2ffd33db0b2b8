"""What all tests of the screens share."""

import pytest


@pytest.fixture(autouse=True)
def look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have Pilot see sooner that the app is idle: it looks after each key, and there are thousands."""
    monkeypatch.setattr("textual._wait.SLEEP_GRANULARITY", 0.01)
