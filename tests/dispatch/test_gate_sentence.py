"""What a person is told while a launch waits for a cool phone."""

from __future__ import annotations

import pytest

from devicehub.dispatch.follower import gate_sentence

WARM = {
    "waiting": "gate",
    "gate_zone": "skin-therm",
    "gate_temp_mc": "41200",
    "gate_limit_mc": "35000",
    "gate_throttled": "0",
}


def test_the_zone_and_what_is_asked_of_it() -> None:
    said = gate_sentence(WARM)
    assert said == "waiting at the gate: skin-therm has 41.2 °C, the gate wants 35.0 °C"


def test_a_cool_phone_that_throttles() -> None:
    said = gate_sentence({**WARM, "gate_temp_mc": "30000", "gate_throttled": "1"})
    assert said == "waiting at the gate: the phone throttles"


@pytest.mark.parametrize(
    "changed",
    [
        {"waiting": ""},
        {"gate_limit_mc": ""},
        {"gate_temp_mc": "", "gate_throttled": ""},
        {"gate_temp_mc": "-", "gate_zone": "\x00"},
    ],
)
def test_nothing_where_the_phone_does_not_wait_or_tell(changed: dict[str, str]) -> None:
    assert gate_sentence({**WARM, **changed}) is None
