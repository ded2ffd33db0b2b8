"""When a way to a phone is asked and connected anew."""

from __future__ import annotations

from devicehub.fleet.breaker import FIRST_WAIT_S, LONGEST_WAIT_S, QUIET_S, Absence, Breaker, Step


def frozen_at(now_s: float) -> Breaker:
    breaker = Breaker(0.0)
    breaker.silent(now_s)
    assert breaker.step(now_s) is Step.ASK
    breaker.unanswered()
    assert breaker.step(now_s) is Step.ASK
    breaker.unanswered()
    return breaker


def test_way_that_speaks_is_never_asked() -> None:
    breaker = Breaker(0.0)
    for second in range(1000):
        breaker.heard(second)
        assert breaker.step(second + QUIET_S - 1) is None


def test_quiet_way_is_asked() -> None:
    breaker = Breaker(0.0)
    assert breaker.step(QUIET_S - 0.1) is None
    assert breaker.step(QUIET_S) is Step.ASK


def test_one_question_without_answer_freezes_nothing() -> None:
    breaker = Breaker(0.0)
    breaker.unanswered()
    assert not breaker.frozen
    assert breaker.step(QUIET_S) is Step.ASK


def test_two_questions_without_answer_freeze_and_connect_anew() -> None:
    breaker = frozen_at(100.0)
    assert breaker.frozen
    assert breaker.step(100.0) is Step.RECONNECT


def test_pause_after_each_new_connection_doubles_up_to_a_bound() -> None:
    breaker, now_s, pauses = frozen_at(100.0), 100.0, []
    for _ in range(12):
        assert breaker.step(now_s) is Step.RECONNECT
        breaker.reconnected(now_s)
        began_s = now_s
        while breaker.step(now_s) is None:
            now_s += 1
        pauses.append(now_s - began_s)
        assert breaker.step(now_s) is Step.ASK
        breaker.unanswered()
        assert breaker.frozen
    assert pauses[:4] == [FIRST_WAIT_S, 2 * FIRST_WAIT_S, 4 * FIRST_WAIT_S, 8 * FIRST_WAIT_S]
    assert pauses[-1] == LONGEST_WAIT_S
    assert breaker.reconnects == 12


def test_answer_after_a_new_connection_closes_the_breaker() -> None:
    breaker = frozen_at(100.0)
    breaker.reconnected(100.0)
    breaker.heard(106.0)
    assert not breaker.frozen
    assert breaker.reconnects == 0
    assert breaker.step(107.0) is None


def test_question_that_could_not_be_put_is_put_later() -> None:
    breaker = Breaker(0.0)
    breaker.silent(5.0)
    breaker.unclear(5.0)
    assert breaker.step(6.0) is None
    assert breaker.step(5.0 + QUIET_S) is Step.ASK


def test_phone_that_is_away_is_tried_with_more_patience() -> None:
    absence = Absence(0.0, first_s=2.0, longest_s=10.0)
    tries = []
    for second in range(40):
        if absence.is_due(second):
            tries.append(second)
            absence.tried(second)
    assert tries == [2, 4, 8, 16, 26, 36]
