"""What logd does with too much: repetitions, a user who floods it, and what never reached it."""

from __future__ import annotations

from devicehub.sim.android.logd import ENTRY
from devicehub.sim.android.logring import LogRing


def _add(ring: LogRing, text: str, *, uid: int = 2000, pid: int = 7, buffer: str = "main") -> None:
    ring.add(time_ns=1, pid=pid, tid=pid, priority=4, tag=b"t", message=text.encode(), uid=uid, buffer=buffer)


def _texts(ring: LogRing, after: int = 0) -> list[str]:
    return [entry.message.decode() for entry in ring.after(after, ["main", "system"])]


def test_repetitions_become_the_first_a_count_and_the_last() -> None:
    ring = LogRing(chatty=True)
    for text in ["a", "b", "b", "b", "b", "b", "c"]:
        _add(ring, text)
    assert _texts(ring) == ["a", "b", "uid=2000(shell) identical 3 lines", "b", "c"]
    said = next(entry for entry in ring.after(0, ["main"]) if entry.tag == b"chatty")
    assert (said.pid, said.priority) == (7, 4)


def test_two_equal_lines_stay_two() -> None:
    ring = LogRing(chatty=True)
    for text in ["b", "b", "c"]:
        _add(ring, text)
    assert _texts(ring) == ["b", "b", "c"]


def test_equal_lines_of_two_processes_are_no_repetition() -> None:
    ring = LogRing(chatty=True)
    for pid in (1, 2, 1, 2):
        _add(ring, "b", pid=pid)
    assert _texts(ring) == ["b"] * 4


def test_a_line_that_was_held_back_is_new_to_a_reader_of_another_buffer() -> None:
    ring = LogRing(chatty=True)
    _add(ring, "b")
    _add(ring, "b")
    _add(ring, "other", buffer="system")
    read = ring.after(0, ["main", "system"])[-1].number
    _add(ring, "c")
    assert _texts(ring, read) == ["b", "c"]


def test_later_releases_keep_repetitions() -> None:
    ring = LogRing()
    for _ in range(4):
        _add(ring, "b")
    assert _texts(ring) == ["b"] * 4


def test_a_full_buffer_takes_from_who_has_most_and_says_so() -> None:
    ring = LogRing(chatty=True)
    ring.sizes["main"] = 20_000
    for number in range(50):
        _add(ring, f"system {number}", uid=1000)
    for number in range(2000):
        _add(ring, f"flood {number}")
    texts = _texts(ring)
    assert sum(text.startswith("system") for text in texts) == 50
    expired = [text for text in texts if "expire" in text]
    assert expired
    assert all(text.startswith("uid=2000(shell) expire ") for text in expired)
    assert texts[-1] == "flood 1999"
    assert ring.used("main") <= 20_000


def test_what_programs_lost_is_counted_in_the_events_buffer() -> None:
    ring = LogRing()
    ring.lose(3)
    for number in range(5):
        ring.add_datagram(ENTRY.pack(4, 7, 8, number) + b"t\0" + str(number).encode())
    assert _texts(ring) == ["3", "4"]
    [event] = ring.after(0, ["events"])
    assert (event.tag, event.message, event.pid) == (b"liblog", b"3", 7)
