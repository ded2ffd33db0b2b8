"""Events and samples of a run."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devicehub.store.store import Store
from tests.store.samples import run_row


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "devicehub.db") as opened:
        opened.add_run(run_row())
        yield opened


def test_events_keep_the_state_and_attempt_they_happened_in(store: Store) -> None:
    store.advance("r1", "running", "started", wall_s=110.0, attempt=2)
    store.add_event("r1", "adopt_failed", "the phone\nsaid: no; 'quoted' ä", 120.0)
    last = store.events("r1")[-1]
    assert (last.attempt, last.state, last.kind, last.wall_s) == (2, "running", "adopt_failed", 120.0)
    assert last.detail == "the phone\nsaid: no; 'quoted' ä"
    assert store.events("r1", after=last.seq) == []
    assert store.events("nothing") == []


def test_event_of_a_run_that_is_not_there_is_dropped(store: Store) -> None:
    store.add_event("nothing", "note", "", 120.0)
    assert store.events("nothing") == []


def test_samples_of_each_attempt_are_counted_anew(store: Store) -> None:
    assert store.add_samples("r1", 1, 0, b"a\nb\n") == 2
    assert store.add_samples("r1", 2, 0, b"c\n") == 1
    assert (store.samples_stored("r1", 1), store.samples_stored("r1", 2)) == (2, 1)
    assert (store.samples("r1", 1), store.samples("r1", 2)) == (b"a\nb\n", b"c\n")
    assert store.samples("r1", 3) == b""


def test_batch_without_a_line_is_not_stored(store: Store) -> None:
    assert store.add_samples("r1", 1, 0, b"") == 0
    assert store.samples_stored("r1", 1) == 0


def test_samples_may_hold_any_byte_but_the_end_of_a_line(store: Store) -> None:
    lines = [b"fast\tname=\xff\x00\xe4\r\x0b\x0c\x85\n", b"\n", b"fast\tup=1\n"]
    assert store.add_samples("r1", 1, 0, b"".join(lines)) == 3
    assert store.samples("r1", 1) == b"".join(lines)
    assert store.add_samples("r1", 1, 2, lines[2] + b"more\n") == 1
    assert store.samples("r1", 1) == b"".join(lines) + b"more\n"


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=12))
def test_hubs_that_begin_anywhere_store_each_line_once(store: Store, cuts: list[tuple[int, int]]) -> None:
    lines = [b"%d\n" % number for number in range(60)]
    attempt = len(store.events("r1"))  # a fresh one for each example
    store.add_event("r1", "example", "", 100.0)
    known = 0
    for back, length in cuts:
        first = max(known - back, 0)
        piece = lines[first : first + length]
        new = store.add_samples("r1", attempt, first, b"".join(piece))
        assert new == max(first + len(piece) - known, 0)
        known += new
    assert store.samples("r1", attempt) == b"".join(lines[:known])
    assert store.samples_stored("r1", attempt) == known
