"""The fixed-performance mode of a virtual phone, as each release answers for it."""

from __future__ import annotations

import pytest

from devicehub.sim.android.power import FixedPerformance

SET = "set-fixed-performance-mode-enabled"


def test_only_true_turns_it_on_and_every_setting_is_kept() -> None:
    mode = FixedPerformance()
    for word in ("true", "TRUE", "1", "false"):
        answer = mode.answer([SET, word], android=14)
        assert (answer.stdout, answer.stderr, answer.status) == (b"", b"", 0)
    assert (mode.history, mode.on) == ([True, True, False, False], False)


@pytest.mark.parametrize(
    ("android", "said", "status"),
    [(8, b"No shell command implementation.\n", 0), (10, f"Unknown command: {SET}\n".encode(), 255)],
)
def test_older_releases_do_not_know_it(android: int, said: bytes, status: int) -> None:
    mode = FixedPerformance()
    answer = mode.answer([SET, "true"], android=android)
    assert (answer.stdout + answer.stderr, answer.status) == (said, status)
    assert not mode.on


def test_a_phone_whose_power_hal_lacks_it_refuses() -> None:
    mode = FixedPerformance(refuses=True)
    answer = mode.answer([SET, "true"], android=14)
    assert answer.status == 255
    assert answer.stderr.startswith(b"Failed to set FIXED_PERFORMANCE mode\n")
    assert (mode.on, mode.history) == (False, [])


def test_a_word_is_missing_or_unknown() -> None:
    mode = FixedPerformance()
    assert mode.answer([SET], android=14).status == 255
    assert mode.answer(["set-mode", "1"], android=14).stdout == b"Unknown command: set-mode\n"
    assert mode.history == []
