import pytest

from devicehub.errors import IllegalTransition
from devicehub.runs.lifecycle import TRANSITIONS, RunEvent, RunState, next_state

PHONE_EVENTS = (RunEvent.LINK_LOST, RunEvent.LINK_BACK, RunEvent.EXITED)


def test_every_pair_of_state_and_event_has_an_entry() -> None:
    assert set(TRANSITIONS) == {(state, event) for state in RunState for event in RunEvent}


def test_what_a_phone_may_send_never_raises() -> None:
    assert all(TRANSITIONS[state, event] is not None for state in RunState for event in PHONE_EVENTS)


def test_the_straight_way_succeeds() -> None:
    state = RunState.QUEUED
    for event in (
        RunEvent.CHECK,
        RunEvent.DEPLOY,
        RunEvent.START,
        RunEvent.STARTED,
        RunEvent.EXITED,
        RunEvent.SUCCEED,
    ):
        state = next_state(state, event)
    assert state is RunState.SUCCEEDED


@pytest.mark.parametrize("end", [RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED])
def test_an_end_is_final(end: RunState) -> None:
    assert end.is_end
    assert {TRANSITIONS[end, event] for event in RunEvent} <= {end, None}


def test_lost_is_the_one_end_that_a_later_import_may_replace() -> None:
    assert next_state(RunState.LOST, RunEvent.EXITED) is RunState.COLLECTING


@pytest.mark.parametrize("state", [state for state in RunState if not state.is_end])
def test_every_attempt_begins_with_the_check(state: RunState) -> None:
    assert next_state(state, RunEvent.CHECK) is RunState.CHECKING


def test_a_step_out_of_order_raises() -> None:
    with pytest.raises(IllegalTransition):
        next_state(RunState.QUEUED, RunEvent.SUCCEED)
