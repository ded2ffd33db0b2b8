"""The frames that a push is made of."""

import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devicehub.adb.sender import FrameBuffer, first_status
from devicehub.adb.wire import Fail, Okay
from devicehub.adb.wire_sync import SYNC_DATA_MAX, SyncData, SyncDone, SyncReplies, SyncRequests
from devicehub.errors import AdbProtocolError

BUFFER = 4 * SYNC_DATA_MAX


def frames(buffer: FrameBuffer) -> tuple[bytes, int]:
    data, size = buffer.fill()
    payloads = [
        request.payload for request in SyncRequests().receive(bytes(data)) if isinstance(request, SyncData)
    ]
    assert len(data) == size + 8 * len(payloads)
    return b"".join(payloads), size


@settings(max_examples=25)
@given(st.integers(0, 2 * BUFFER + 2), st.binary(min_size=1, max_size=7))
def test_every_byte_is_in_a_frame_in_order(size: int, pattern: bytes) -> None:
    content = (pattern * (size // len(pattern) + 1))[:size]
    buffer, seen = FrameBuffer(io.BytesIO(content)), b""
    while (piece := frames(buffer))[1] > 0:
        seen += piece[0]
    assert seen == content


def test_one_write_holds_many_frames() -> None:
    data, size = FrameBuffer(io.BytesIO(bytes(2 * BUFFER))).fill()
    assert (len(data), size) == (BUFFER + 4 * 8, BUFFER)


def test_file_that_grows_while_it_is_sent_keeps_its_frames_whole(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"a" * 10)
    with io.FileIO(path) as file:
        buffer = FrameBuffer(file)
        assert frames(buffer) == (b"a" * 10, 10)
        with path.open("ab") as more:
            more.write(b"b" * (SYNC_DATA_MAX + 3))
        assert frames(buffer) == (b"b" * (SYNC_DATA_MAX + 3), SYNC_DATA_MAX + 3)
        assert frames(buffer) == (b"", 0)


def test_first_status_is_okay_fail_or_not_there_yet() -> None:
    assert first_status([]) is None
    assert first_status([Okay()]) == Okay()
    assert first_status(SyncReplies().receive(b"FAIL\x01\0\0\0x")) == Fail("x")


def test_another_reply_than_a_status_is_refused() -> None:
    with pytest.raises(AdbProtocolError, match="SyncDone"):
        first_status([SyncDone()])
