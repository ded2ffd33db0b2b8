from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devicehub.runs.retry import PHONE_CAUSES, Breaker, RetryPolicy, backoff_s
from devicehub.workloads.failures import BY_SLUG


def test_the_causes_are_those_of_the_one_table() -> None:
    assert BY_SLUG.keys() >= PHONE_CAUSES


@pytest.mark.parametrize(
    "cause", ["model_missing", "segfault", "wrong_output", "limit_time", "stopped", None]
)
def test_a_cause_of_model_engine_or_person_is_not_tried_again(cause: str | None) -> None:
    assert RetryPolicy(retries=5).wait_s(cause, 1) is None


def test_each_retry_waits_twice_as_long_and_then_there_is_none() -> None:
    policy = RetryPolicy(retries=3, first_wait_s=2, longest_wait_s=5)
    assert [policy.wait_s("adbd_restarted", attempt) for attempt in (1, 2, 3, 4)] == [2, 4, 5, None]


def test_no_retries() -> None:
    assert RetryPolicy(retries=0).wait_s("rebooted", 1) is None


@given(st.integers(1, 10_000))
def test_a_wait_never_passes_its_bound(failures: int) -> None:
    assert 0 < backoff_s(failures, first_s=0.5, longest_s=8) <= 8


def test_a_breaker_opens_after_failures_in_a_row_only() -> None:
    breaker = Breaker(failures=3, pause_s=5)
    for now in (0.0, 1.0):
        breaker.failed(now)
    breaker.succeeded()
    for now in (2.0, 3.0):
        breaker.failed(now)
    assert breaker.wait_s(3.0) == 0
    breaker.failed(4.0)
    assert breaker.wait_s(4.0) == 5


def test_an_open_breaker_lets_one_at_a_time_try() -> None:
    breaker = Breaker(failures=1, pause_s=5)
    breaker.failed(0.0)
    assert breaker.wait_s(5.0) == 0
    assert breaker.wait_s(5.0) == 5
    breaker.failed(5.5)
    assert breaker.wait_s(6.0) == pytest.approx(9.5)
    breaker.succeeded()
    assert breaker.wait_s(6.0) == 0
