import pytest

from devicehub.api.contract import Gone
from devicehub.api.model import (
    Event,
    JobChanged,
    JobView,
    ModelRemoved,
    Noted,
    ProgressMade,
    RunChanged,
    RunEventView,
    ShellSaid,
    TokensSaid,
)
from devicehub_tui.state import (
    ENDED_KEPT,
    HISTORY_LENGTH,
    NOTES_KEPT,
    TEXT_KEPT,
    LinkView,
    State,
    apply,
    apply_gone,
    clear_marks,
    mark_all,
    set_link,
    take_changes,
    toggle_mark,
)
from tests.tui.scripted import WALL_S, changed, device, removed, run, sample


def tell(state: State, topic: str, *data: object) -> State:
    for seq, item in enumerate(data):
        apply(state, Event(topic=topic, epoch="e", seq=seq, data=item))
    return state


def test_a_device_that_changes_takes_the_place_of_what_was_known() -> None:
    state = tell(State(), "devices", changed(device("a")), changed(device("a", state="busy")))
    assert [view.state for view in state.devices.values()] == ["busy"]
    assert take_changes(state).listed


def test_a_device_that_goes_takes_its_samples_along_and_keeps_its_mark() -> None:
    state = tell(State(), "devices", changed(device("a")))
    tell(state, "samples", sample("a"))
    toggle_mark(state, "a")
    tell(state, "devices", removed("a"))
    assert (state.devices, state.samples, state.history, state.marked()) == ({}, {}, {}, [])
    tell(state, "devices", changed(device("a")))
    assert state.marked() == ["a"]


def test_a_removal_of_what_was_never_there_changes_nothing_known() -> None:
    assert tell(State(), "devices", removed("a")).devices == {}


def test_a_sample_of_a_device_not_told_of_yet_is_kept_for_it() -> None:
    state = tell(State(), "samples", sample("a", temp_mc=40_000))
    assert state.samples["a"].temp_mc == 40_000
    assert take_changes(state).devices == {"a"}


def test_ten_samples_a_second_leave_one_point_a_second() -> None:
    state = tell(State(), "samples", *(sample("a", wall_s=WALL_S + n / 10, temp_mc=n) for n in range(30)))
    assert [point.temp_mc for point in state.history["a"].points] == [9, 19, 29]


def test_history_is_bounded() -> None:
    state = tell(State(), "samples", *(sample("a", wall_s=WALL_S + n) for n in range(HISTORY_LENGTH * 2)))
    assert len(state.history["a"].points) == HISTORY_LENGTH


def test_a_clock_that_was_set_back_begins_the_history_anew() -> None:
    state = tell(State(), "samples", sample("a"), sample("a", wall_s=WALL_S - 3600))
    assert len(state.history["a"].points) == 1


def test_history_with_gaps_finds_the_first_of_the_last_minute() -> None:
    state = tell(State(), "samples", *(sample("a", wall_s=WALL_S + s) for s in (0, 50, 90, 100, 130)))
    first = state.history["a"].since(60)
    assert first is not None
    assert first.wall_s == WALL_S + 90


def test_progress_of_a_phase_ends_with_it() -> None:
    state = tell(State(), "runs", RunChanged(run=run("r", state="deploying", device="a")))
    tell(state, "progress", ProgressMade(run="r", job=None, label="push", done=5, total=10))
    assert state.progress["r"].done == 5
    tell(state, "runs", RunChanged(run=run("r", state="running", device="a")))
    assert state.progress == {}


@pytest.mark.parametrize("end", ["succeeded", "failed", "cancelled", "lost"])
def test_progress_that_comes_after_the_end_is_of_no_interest(end: str) -> None:
    state = tell(State(), "runs", RunChanged(run=run("r", state=end)))
    tell(state, "progress", ProgressMade(run="r", job=None, label="push", done=5, total=10))
    assert state.progress == {}


def test_progress_of_a_run_marks_its_phone_as_changed() -> None:
    state = tell(State(), "devices", changed(device("a", run="r")))
    tell(state, "runs", RunChanged(run=run("r", state="deploying")))
    take_changes(state)
    tell(state, "progress", ProgressMade(run="r", job=None, label="push", done=5, total=10))
    assert take_changes(state).devices == {"a"}


def test_progress_of_nothing_named_is_ignored() -> None:
    state = tell(State(), "progress", ProgressMade(run=None, job=None, label="?", done=5, total=0))
    assert state.progress == {}
    assert not take_changes(state)


def test_events_of_a_run_come_once_when_they_are_replayed() -> None:
    event = RunEventView(seq=3, attempt=1, wall_s=WALL_S, kind="check", state="checking", detail="")
    state = tell(State(), "runs", *(RunChanged(run=run("r"), event=event) for _ in range(2)))
    assert list(state.events["r"]) == [event]


def test_the_words_of_a_model_follow_on_and_are_bounded() -> None:
    state = tell(State(), "tokens", TokensSaid(run="r", text="Hel"), TokensSaid(run="r", text="lo"))
    assert state.texts["r"] == "Hello"
    tell(state, "tokens", TokensSaid(run="r", text="x" * TEXT_KEPT + "end"))
    assert len(state.texts["r"]) == TEXT_KEPT
    assert state.texts["r"].endswith("xend")


def test_the_oldest_runs_that_ended_are_forgotten_and_none_under_way() -> None:
    under_way = RunChanged(run=run("w", state="running", updated=WALL_S - 9e6))
    ended = (RunChanged(run=run(f"r{n}", state="failed", updated=WALL_S + n)) for n in range(ENDED_KEPT * 2))
    state = tell(State(), "runs", under_way, *ended)
    assert "w" in state.runs
    assert f"r{ENDED_KEPT * 2 - 1}" in state.runs
    assert len(state.runs) <= ENDED_KEPT * 5 // 4 + 1


def test_notes_are_bounded() -> None:
    state = tell(State(), "notes", *(Noted(text=str(n), wall_s=WALL_S) for n in range(NOTES_KEPT + 5)))
    assert (len(state.notes), state.notes[-1].text) == (NOTES_KEPT, str(NOTES_KEPT + 4))


def test_jobs_that_ended_are_bounded() -> None:
    jobs = (JobChanged(job=JobView(id=f"j{n}", kind="push", state="done")) for n in range(ENDED_KEPT * 2))
    state = tell(State(), "jobs", JobChanged(job=JobView(id="now", kind="push", state="running")), *jobs)
    assert len(state.jobs) == ENDED_KEPT + 1
    assert "now" in state.jobs


def test_an_event_of_no_topic_shown_here_changes_nothing() -> None:
    state = tell(State(), "shell", ShellSaid(session="s"))
    assert not take_changes(state)


def test_a_snapshot_takes_the_place_of_all_that_was_known() -> None:
    state = tell(State(), "devices", changed(device("a")), changed(device("b")))
    tell(state, "samples", sample("a"))
    apply_gone(state, Gone(topic="devices", seq=9, snapshot=[device("b", state="busy"), device("c")]))
    assert {view.id: view.state for view in state.devices.values()} == {"b": "busy", "c": "ready"}
    assert state.samples == {}


def test_a_snapshot_may_come_as_plain_json() -> None:
    state = State()
    apply_gone(state, Gone(topic="samples", seq=9, snapshot=[{"device": "a", "wall_s": 1.0, "temp_mc": 7}]))
    assert state.samples["a"].temp_mc == 7


@pytest.mark.parametrize("snapshot", [None, [], [1], {"a": 1}, "x"])
@pytest.mark.parametrize(
    "topic",
    ["devices", "samples", "runs", "tokens", "progress", "notes", "jobs", "models", "campaigns", "?"],
)
def test_no_shape_of_a_snapshot_raises(topic: str, snapshot: object) -> None:
    apply_gone(State(), Gone(topic=topic, seq=1, snapshot=snapshot))


def test_a_run_that_ended_unseen_is_not_under_way_for_ever() -> None:
    state = tell(State(), "runs", RunChanged(run=run("gone", state="running")))
    tell(state, "runs", RunChanged(run=run("old", state="failed")))
    apply_gone(state, Gone(topic="runs", seq=9, snapshot=[run("new", state="running")]))
    assert sorted(state.runs) == ["new", "old"]


def test_runs_wait_in_their_places() -> None:
    state = tell(
        State(),
        "runs",
        RunChanged(run=run("b", place=2)),
        RunChanged(run=run("unplaced")),
        RunChanged(run=run("a", place=1)),
        RunChanged(run=run("r", state="running")),
    )
    assert [view.id for view in state.waiting()] == ["a", "b", "unplaced"]
    assert [view.id for view in state.under_way()] == ["r"]


def test_what_is_known_stays_while_the_hub_is_away() -> None:
    state = tell(State(), "devices", changed(device("a")))
    set_link(state, LinkView(up=False, text="gone"))
    assert list(state.devices) == ["a"]
    assert take_changes(state).link


def test_marking_all_of_what_is_marked_unmarks_it() -> None:
    state = tell(State(), "devices", changed(device("a")), changed(device("b")))
    toggle_mark(state, "a")
    mark_all(state, ["a", "b"])
    assert state.marked() == ["a", "b"]
    mark_all(state, ["a", "b"])
    assert state.marked() == []
    toggle_mark(state, "b")
    clear_marks(state)
    assert (state.marked(), take_changes(state).marks) == ([], True)


def test_what_changed_is_told_once() -> None:
    state = tell(State(), "devices", changed(device("a")))
    assert take_changes(state)
    assert not take_changes(state)


def test_phones_of_one_product_are_told_apart_by_their_serials() -> None:
    state = tell(State(), "devices", changed(device("127.0.0.1:6801", product="Pixel")))
    assert state.names == {"127.0.0.1:6801": "Pixel"}
    tell(
        state, "devices", changed(device("R5CT1234567", product="Pixel")), changed(device("x", product=None))
    )
    assert state.names == {"127.0.0.1:6801": "Pixel 6801", "R5CT1234567": "Pixel 34567", "x": "x"}
    take_changes(state)
    tell(state, "devices", removed("R5CT1234567"))
    assert state.names["127.0.0.1:6801"] == "Pixel"
    assert "127.0.0.1:6801" in take_changes(state).devices


def test_a_run_that_ended_is_still_its_phones() -> None:
    state = tell(State(), "devices", changed(device("new:1", serialno="S1")))
    found = state.device_of(run("r", state="succeeded", device=None, serial="old:1", serialno="S1"))
    assert found is state.devices["new:1"]


def test_model_that_came_or_went_is_seen_by_the_screen_that_lists_them() -> None:
    state = tell(State(), "models", ModelRemoved(name="tiny"))
    assert state.changes.models
    other = State()
    apply_gone(other, Gone(topic="models", seq=3, snapshot=[]))
    assert other.changes.models
