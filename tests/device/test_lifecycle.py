import pytest

from devicehub.device.lifecycle import TRANSITIONS, DeviceEvent, DeviceState, event_for, next_state
from devicehub.errors import IllegalTransition


def test_every_pair_of_state_and_event_has_an_entry() -> None:
    assert set(TRANSITIONS) == {(state, event) for state in DeviceState for event in DeviceEvent}


def test_only_a_run_that_starts_on_a_device_that_is_not_ready_is_an_error() -> None:
    errors = {pair for pair, target in TRANSITIONS.items() if target is None}
    assert errors == {(s, DeviceEvent.RUN_STARTED) for s in DeviceState if s is not DeviceState.READY}
    with pytest.raises(IllegalTransition, match="no transition from busy on run_started"):
        next_state(DeviceState.BUSY, DeviceEvent.RUN_STARTED)


def test_a_cable_that_goes_and_comes_back_finds_the_run_again() -> None:
    state = DeviceState.READY
    for event in (DeviceEvent.RUN_STARTED, DeviceEvent.VANISHED, DeviceEvent.VANISHED, DeviceEvent.SEEN):
        state = next_state(state, event)
    assert state is DeviceState.BUSY


def test_only_a_release_ends_quarantine() -> None:
    leaving = {
        event
        for event in DeviceEvent
        if TRANSITIONS[DeviceState.QUARANTINED, event] not in (DeviceState.QUARANTINED, None)
    }
    assert leaving == {DeviceEvent.RELEASED}


@pytest.mark.parametrize(
    "pair", [(a, b) for a in DeviceEvent for b in DeviceEvent if "seen" in a and "seen" in b]
)
def test_the_order_of_what_adb_reports_does_not_matter_for_the_last_word(
    pair: tuple[DeviceEvent, DeviceEvent],
) -> None:
    first, last = pair
    over_first = next_state(next_state(DeviceState.ABSENT, first), last)
    assert over_first is next_state(DeviceState.ABSENT, last)


@pytest.mark.parametrize(
    "word", ["offline", "recovery", "sideload", "no permissions (missing udev rules?)", ""]
)
def test_adb_states_without_a_shell_are_offline(word: str) -> None:
    assert event_for(word) is DeviceEvent.SEEN_OFFLINE
