"""Events: numbered, kept, filtered, given again, and never without bounds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devicehub.api.contract import After, Subscribe
from devicehub.api.events import Bus, Listener
from devicehub.api.limits import KEPT_EVENTS, MOST_WAITING
from devicehub.api.model import LogLines, Noted, SampleView
from devicehub.api.outbox import Outbox

if TYPE_CHECKING:
    from collections.abc import Mapping


class Desk:
    """A bus with one client."""

    def __init__(self) -> None:
        self.wanted: list[frozenset[str]] = []
        self.bus = Bus(
            "e1",
            snapshot=lambda topic, keys: [topic, sorted(keys or ())],
            replay_runs=lambda _first, _last: [],
            on_wanted=lambda _topic, keys: self.wanted.append(keys),
        )
        self.outbox = Outbox(lambda _haste: None)
        self.client = Listener("e1", self.outbox)

    def subscribe(self, *topics: str, after: Mapping[str, After] | None = None, **only: list[str]) -> Any:
        asked = Subscribe(topics=list(topics), only=only, after=dict(after or {}))
        return self.bus.subscribe(self.client, asked)

    def note(self, number: int, run: str | None = None) -> None:
        self.bus.publish("notes", Noted(text=str(number), wall_s=0, run=run), key=run)

    def heard(self) -> list[dict[str, Any]]:
        """All that is there for the client now, in order."""
        found: list[dict[str, Any]] = []
        while frame := self.outbox.next_frame() or self.bus.catch_up(self.client):
            messages = json.loads(frame)
            found += [one["params"] for one in (messages if isinstance(messages, list) else [messages])]
        return found

    def seqs(self) -> list[int]:
        return [event["seq"] for event in self.heard()]


def test_events_are_numbered_by_topic_from_one() -> None:
    desk = Desk()
    desk.subscribe("notes", "samples")
    desk.note(1)
    desk.bus.publish("samples", SampleView(device="a", wall_s=0), key="a")
    desk.note(2)
    assert [(event["topic"], event["seq"]) for event in desk.heard()] == [
        ("notes", 1), ("samples", 1), ("notes", 2)
    ]  # fmt: skip


def test_nobody_hears_of_what_was_not_asked_for() -> None:
    desk = Desk()
    desk.subscribe("notes", notes=["r1"])
    for run in ("r1", "r2", None):
        desk.note(1, run)
    assert desk.seqs() == [1, 3], "what is about nothing is for all"
    desk.subscribe("devices")
    desk.note(1, "r1")
    assert desk.seqs() == []


@given(st.integers(0, 300), st.integers(0, 300), st.integers(0, 50))
def test_client_that_was_away_gets_each_event_once_and_in_order(seen: int, more: int, later: int) -> None:
    desk = Desk()
    for number in range(seen + more):
        desk.note(number)
    subscribed = desk.subscribe("notes", after={"notes": After(epoch="e1", seq=seen)})
    assert (subscribed.seqs, subscribed.gone) == ({"notes": seen}, [])
    for number in range(later):
        desk.note(number)
    assert desk.seqs() == list(range(seen + 1, seen + more + later + 1))
    desk.note(0)
    assert desk.seqs() == [seen + more + later + 1], "from then on as it happens"


@pytest.mark.parametrize("after", [After(epoch="e0", seq=3), After(epoch="e1", seq=99)])
def test_what_is_of_another_epoch_or_not_there_yet_is_gone(after: After) -> None:
    desk = Desk()
    desk.note(1)
    subscribed = desk.subscribe("notes", after={"notes": after})
    assert [(gone.topic, gone.seq, gone.snapshot) for gone in subscribed.gone] == [
        ("notes", 1, ["notes", []])
    ]
    desk.note(2)
    assert desk.seqs() == [2]


def test_what_is_older_than_is_kept_is_gone() -> None:
    desk = Desk()
    for number in range(KEPT_EVENTS + 5):
        desk.note(number)
    assert desk.subscribe("notes", after={"notes": After(epoch="e1", seq=4)}).gone
    kept = desk.subscribe("notes", after={"notes": After(epoch="e1", seq=5)})
    assert kept.gone == []
    assert desk.seqs() == list(range(6, KEPT_EVENTS + 6))


def test_samples_that_wait_collapse_to_the_newest_of_each_phone() -> None:
    desk = Desk()
    desk.subscribe("samples")
    for second in range(50):
        for device in "ab":
            desk.bus.publish("samples", SampleView(device=device, wall_s=second), key=device)
    heard = desk.heard()
    assert [(event["data"]["device"], event["data"]["wall_s"]) for event in heard] == [("a", 49), ("b", 49)]


def test_outbox_is_full_after_so_many_and_keeps_nothing() -> None:
    desk = Desk()
    desk.subscribe("notes")
    for number in range(MOST_WAITING + 10):
        desk.note(number)
    assert desk.outbox.is_full
    assert (len(desk.outbox), desk.outbox.size, desk.heard()) == (0, 0, [])


def test_outbox_is_full_after_so_many_bytes() -> None:
    desk = Desk()
    desk.subscribe("notes")
    for _ in range(5):
        desk.bus.publish("notes", Noted(text="x" * (1 << 20), wall_s=0))
    assert desk.outbox.is_full


def test_event_that_json_cannot_say_is_dropped_and_no_number_is_lost() -> None:
    desk = Desk()
    desk.subscribe("notes")
    unsayable: Any = object()
    desk.bus.publish("notes", Noted(text=unsayable, wall_s=0))
    desk.note(1)
    assert desk.seqs() == [1]


def test_phones_whose_log_is_wanted_are_told_as_they_change() -> None:
    desk = Desk()
    desk.subscribe("log", log=["a", "b"])
    other = Listener("e1", Outbox(lambda _haste: None))
    desk.bus.subscribe(other, Subscribe(topics=["log"], only={"log": ["b", "c"]}))
    desk.bus.leave(other)
    desk.bus.leave(desk.client)
    assert [sorted(keys) for keys in desk.wanted] == [["a", "b"], ["a", "b", "c"], ["a", "b"], []]
    desk.bus.publish("log", LogLines(device="a", lines=["x"]), key="a")
    assert desk.heard() == []


def test_a_large_reply_is_no_jam_and_goes_alone_in_its_place() -> None:
    outbox = Outbox(lambda _haste: None)
    outbox.put_event(b"1")
    outbox.put_reply(b"r" * (6 << 20))
    outbox.put_event(b"2")
    outbox.put_event(b"3")
    frames = [outbox.next_frame() for _ in range(4)]
    assert [frame and frame[:5] for frame in frames] == [b"1", b"rrrrr", b"[2,3]", None]
    assert (outbox.is_full, len(outbox), outbox.size) == (False, 0, 0)


def test_haste_is_made_for_replies_alone() -> None:
    woken: list[bool] = []
    outbox = Outbox(woken.append)
    outbox.put_event(b"1")
    outbox.put_reply(b"2")
    assert woken == [False, True]


def test_client_whose_replay_is_overtaken_is_told_so() -> None:
    desk = Desk()
    for number in range(300):
        desk.note(number)
    desk.subscribe("notes", after={"notes": After(epoch="e1", seq=0)})
    assert desk.bus.catch_up(desk.client) is not None
    for number in range(KEPT_EVENTS + 300):
        desk.note(number)
    with pytest.raises(LookupError):
        desk.bus.catch_up(desk.client)
