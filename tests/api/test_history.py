"""What is kept for a replay, held against a plain list."""

from __future__ import annotations

import json
import os

from hypothesis import given
from hypothesis import strategies as st

from devicehub.api.history import Entry, Newest, Ring, RunHistory
from devicehub.api.model import RunChanged, RunEventView
from tests.api.views import run_view


def _entry(seq: int, text: bytes = b"") -> Entry:
    return Entry(seq, f"P{seq % 3}" if seq % 2 else None, text or b"event %d" % seq)


@given(
    count=st.integers(0, 400),
    most=st.integers(1, 300),
    start=st.integers(0, 400),
    at_once=st.integers(1, 200),
)
def test_a_ring_gives_back_the_newest_from_wherever_one_was(
    count: int, most: int, start: int, at_once: int
) -> None:
    ring = Ring(most)
    added = [_entry(seq) for seq in range(1, count + 1)]
    for entry in added:
        ring.add(entry)
    assert ring.floor == max(0, count - most)
    seq = max(ring.floor, start)
    wanted = [entry for entry in added if entry.seq > seq][:at_once]
    assert ring.after(seq, at_once) == (wanted, wanted[-1].seq if wanted else seq)


@given(sizes=st.lists(st.integers(0, 50), max_size=300), most_bytes=st.integers(1, 400))
def test_a_ring_is_bounded_by_size(sizes: list[int], most_bytes: int) -> None:
    ring = Ring(10_000, most_bytes)
    for seq, size in enumerate(sizes, 1):
        ring.add(Entry(seq, None, b"x" * size))
    kept, _ = ring.after(ring.floor, 10_000)
    assert sum(len(entry.text) for entry in kept) <= most_bytes
    assert [entry.seq for entry in kept] == list(range(ring.floor + 1, len(sizes) + 1))
    if ring.floor:  # not one more was let go than had to be
        assert sum(sizes[ring.floor - 1 :]) > most_bytes


def test_a_text_that_does_not_compress_comes_back_whole() -> None:
    ring = Ring()
    added = [_entry(seq, os.urandom(500)) for seq in range(1, 200)]
    for entry in added:
        ring.add(entry)
    assert ring.after(0, 1000) == (added, 199)


def _stored(seq: int) -> RunChanged:
    event = RunEventView(seq=seq, attempt=1, wall_s=0, kind="k", state="running", detail="")
    return RunChanged(run=run_view(f"r{seq % 3}"), event=event)


@given(
    stored=st.lists(st.booleans(), max_size=120),
    ring=st.integers(1, 20),
    most=st.integers(20, 60),
    start=st.integers(0, 120),
    at_once=st.integers(1, 30),
)
def test_events_of_runs_that_left_the_ring_come_from_the_store(
    stored: list[bool], ring: int, most: int, start: int, at_once: int
) -> None:
    """Those of a queue's places alone are in no store, and those of other hubs in the store alone."""
    history = RunHistory(
        "e1",
        lambda first, last: [(seq, _stored(seq)) for seq in range(first, last + 1)],
        ring=Ring(ring),
        most=most,
    )
    for bus, is_stored in enumerate(stored, 1):
        # Every second event of the store is another hub's.
        history.add(
            Entry(bus, None, json.dumps({"params": {"seq": bus}}).encode()), bus * 2 if is_stored else 0
        )
    assert history.floor <= max(0, len(stored) - most), "reaches back as far as it has to"
    cursor = max(history.floor, start)
    first = cursor
    seen: list[int] = []
    while cursor < len(stored):
        entries, reached = history.after(cursor, at_once)
        assert cursor < reached <= cursor + at_once
        assert [json.loads(entry.text)["params"]["seq"] for entry in entries] == [one.seq for one in entries]
        seen += [entry.seq for entry in entries]
        cursor = reached
    in_ring = max(0, len(stored) - ring)
    assert seen == [bus for bus in range(first + 1, len(stored) + 1) if stored[bus - 1] or bus > in_ring]


@given(
    keys=st.lists(st.sampled_from("abcdef"), max_size=60), start=st.integers(0, 60), at_once=st.integers(1, 4)
)
def test_of_samples_the_newest_of_each_phone_is_kept(keys: list[str], start: int, at_once: int) -> None:
    newest = Newest()
    for seq, key in enumerate(keys, 1):
        newest.add(Entry(seq, key, b""))
    wanted = sorted({key: seq for seq, key in enumerate(keys, 1)}.values())
    seen: list[int] = []
    cursor = start
    while (found := newest.after(cursor, at_once))[0]:
        seen += [entry.seq for entry in found[0]]
        cursor = found[1]
    assert seen == [seq for seq in wanted if seq > start]


def test_of_more_phones_than_are_kept_the_one_silent_longest_goes() -> None:
    newest = Newest(most=2)
    for seq, key in enumerate("aba" + "c", 1):
        newest.add(Entry(seq, key, b""))
    assert (newest.floor, [entry.key for entry in newest.after(2, 9)[0]]) == (2, ["a", "c"])
