from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from devicehub.runner.frames import Data, Ended, FrameDecoder, FrameEvent, LaunchText, Tick, Vanished

if TYPE_CHECKING:
    from collections.abc import Iterable

NONCE = "0123456789abcdef" * 2
MARK = NONCE.encode()


def decode(pieces: Iterable[bytes]) -> list[FrameEvent]:
    """All events, neighbouring data of one stream joined."""
    decoder = FrameDecoder(NONCE)
    events: list[FrameEvent] = []
    for piece in pieces:
        for event in decoder.receive(piece):
            last = events[-1] if events else None
            if isinstance(event, Data) and isinstance(last, Data) and last.stream == event.stream:
                events[-1] = Data(event.stream, last.data + event.data, event.launch)
            else:
                events.append(event)
    return events


STREAM = (
    MARK + b" stdout 2\nno newline at the end" + MARK + b" stderr 2\n" + MARK + b" log\nline\n"
    + MARK + b" tick\n"
    + MARK + b" stdout 2\n" + MARK[:20] + b"looks like a mark" + MARK + b" launch_exit\nlaunch=2\n"
    + MARK + b" tick\n" + MARK + b" exit\ncause=\n" + MARK + b" end\n"
)  # fmt: skip
EVENTS = [
    Data("stdout", b"no newline at the end", 2),
    Data("log", b"line\n", 0),
    Tick(),
    Data("stdout", MARK[:20] + b"looks like a mark", 2),
    LaunchText(b"launch=2\n"),
    Tick(),
    Ended(b"cause=\n"),
]


def test_a_file_may_end_without_newline_and_hold_half_a_mark() -> None:
    assert decode([STREAM]) == EVENTS


def test_cut_at_every_byte_gives_the_same_events() -> None:
    assert decode(bytes([byte]) for byte in STREAM) == EVENTS
    for cut in range(len(STREAM)):
        assert decode([STREAM[:cut], STREAM[cut:]]) == EVENTS


def test_data_is_not_held_back_until_the_next_mark() -> None:
    assert decode([MARK + b" stdout 1\ntoken"]) == [Data("stdout", b"token", 1)]


def test_a_lost_run_gives_its_fields_and_an_unknown_word_nothing() -> None:
    stream = b"noise" + MARK + b" weather\nrain" + MARK + b" lost\ncause=rebooted\n" + MARK + b" end\n"
    assert decode([stream]) == [Vanished(b"cause=rebooted\n")]


def test_a_mark_across_pieces_is_found_at_every_pair_of_cuts() -> None:
    cuts = [0, 5, 20, 40, 41, len(STREAM)]
    assert decode(STREAM[start:end] for start, end in pairwise(cuts)) == EVENTS
