"""How amounts are shown."""

from __future__ import annotations

import pytest

from devicehub.units import format_left


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.2, "1 s"), (89, "89 s"), (95, "2 min"), (3600, "60 min"), (5400, "1.5 h")]
)
def test_time_left_is_shown_as_roughly_as_it_is_known(seconds: float, shown: str) -> None:
    assert format_left(seconds) == shown
