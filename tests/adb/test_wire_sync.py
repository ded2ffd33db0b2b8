"""The sync protocol: byte-exact layouts, every decoder cut at every byte, garbage refused with its bytes."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devicehub.adb import wire_sync as wire
from devicehub.adb.wire import Fail, Okay
from devicehub.adb.wire_sync import (
    SyncData,
    SyncDone,
    SyncEntry,
    SyncPath,
    SyncQuit,
    SyncRecv,
    SyncReplies,
    SyncRequests,
    SyncSend,
    SyncStat,
)
from devicehub.errors import AdbProtocolError
from tests.adb.test_wire import fed_in_two

STAT_WIDE = SyncStat(0o100644, 5 * 2**30, 1_700_000_000, 0, 65, 2**40, 1, 2000, 1000, 1, 2)
GONE = SyncStat(0, 0, 0, error=2)


def feed(decoder: SyncRequests | SyncReplies, data: bytes, step: int) -> None:
    for start in range(0, len(data), step):
        list(decoder.receive(data[start : start + step]))


def test_send_v1_carries_the_mode_in_decimal_after_the_last_comma() -> None:
    data = wire.encode_sync_send(SyncSend("/t/a,b", 0o100644), v2=False)
    assert data == b"SEND\x0c\0\0\0/t/a,b,33188"
    assert list(SyncRequests().receive(data)) == [SyncSend("/t/a,b", 0o100644)]


def test_send_v2_carries_mode_and_flags_in_a_second_half() -> None:
    data = wire.encode_sync_send(SyncSend("/t", 0o100644), v2=True)
    assert data == b"SND2\x02\0\0\0/tSND2\xa4\x81\0\0\0\0\0\0"


def test_recv_v2_has_a_second_half_with_flags() -> None:
    assert wire.encode_sync_recv("/t", v2=True) == b"RCV2\x02\0\0\0/tRCV2\0\0\0\0"
    assert wire.encode_sync_recv("/t", v2=False) == b"RECV\x02\0\0\0/t"


def test_stat_v2_layout_is_72_bytes() -> None:
    data = wire.encode_sync_stat(wire.STA2, STAT_WIDE)
    assert len(data) == 72
    assert data[:8] == b"STA2\0\0\0\0"
    assert data[24:28] == b"\xa4\x81\0\0"
    assert data[40:48] == (5 * 2**30).to_bytes(8, "little")


def test_requests_are_equal_for_every_cut() -> None:
    data = b"".join(
        [
            wire.encode_sync_path(wire.STA2, "/sdcard/é x"),
            wire.encode_sync_path(wire.LIST, "/t"),
            wire.encode_sync_send(SyncSend("/t/1", 0o100600), v2=True),
            wire.encode_sync_data(b"DATA"),
            wire.encode_sync_data(b""),
            wire.encode_sync_done(1_700_000_000),
            wire.encode_sync_recv("/t/1", v2=True),
            wire.encode_sync_recv("/t/1", v2=False),
            wire.SYNC_HEADER.pack(wire.QUIT, 0),
        ]
    )
    for requests in fed_in_two(data, SyncRequests):
        assert requests == [
            SyncPath(wire.STA2, "/sdcard/é x"),
            SyncPath(wire.LIST, "/t"),
            SyncSend("/t/1", 0o100600),
            SyncData(b"DATA"),
            SyncData(b""),
            SyncDone(1_700_000_000),
            SyncRecv("/t/1"),
            SyncPath(wire.RECV, "/t/1"),
            SyncQuit(),
        ]


def test_replies_are_equal_for_every_cut() -> None:
    data = b"".join(
        [
            wire.encode_sync_stat(wire.STAT, SyncStat(0o100644, 7, 9)),
            wire.encode_sync_stat(wire.STA2, STAT_WIDE),
            wire.encode_sync_stat(wire.LST2, GONE),
            wire.encode_sync_data(b"OKAY"),
            wire.encode_sync_done(),
            wire.encode_sync_okay(),
            wire.encode_sync_fail("no space left"),
        ]
    )
    for replies in fed_in_two(data, SyncReplies):
        assert replies == [
            SyncStat(0o100644, 7, 9),
            STAT_WIDE,
            GONE,
            SyncData(b"OKAY"),
            SyncDone(),
            Okay(),
            Fail("no space left"),
        ]


@pytest.mark.parametrize(("listing", "size"), [(wire.LIST, 20), (wire.LIS2, 76)])
def test_listing_ends_with_a_done_as_long_as_an_entry(listing: bytes, size: int) -> None:
    v2 = listing == wire.LIS2
    entries = [SyncEntry("a b", SyncStat(0o040755, 4096, 5)), SyncEntry("é\udcff", SyncStat(0o100644, 6, 7))]
    end = wire.encode_sync_list_done(v2=v2)
    assert len(end) == size
    data = b"".join(wire.encode_sync_entry(entry, v2=v2) for entry in entries) + end
    for replies in fed_in_two(data, lambda: SyncReplies(listing)):
        assert replies == [*entries, SyncDone()]


def test_size_over_4_gib_wraps_in_version_1_only() -> None:
    big = SyncStat(0o100644, 2**32 + 5, 7)
    v1, v2 = (wire.encode_sync_stat(sync_id, big) for sync_id in (wire.STAT, wire.STA2))
    assert list(SyncReplies().receive(v1)) == [SyncStat(0o100644, 5, 7)]
    assert list(SyncReplies().receive(v2)) == [big]


def test_mtime_that_32_bits_cannot_say_becomes_the_nearest() -> None:
    assert wire.encode_sync_done(-5) == b"DONE\0\0\0\0"
    assert wire.encode_sync_done(2**33) == b"DONE\xff\xff\xff\xff"


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP\1\0\0\0x",
        b"\0" * 8,
        wire.encode_sync_data(b"x" * (wire.SYNC_DATA_MAX + 1))[:8],
        wire.encode_sync_path(wire.STAT, "x" * 1025)[:8],
        b"SEND\x04\0\0\0/t/a",
        b"SEND\x03\0\0\0a,b",
        b"SEND\x03\0\0\0a,\xb2",
        b"SND2\x01\0\0\0aSEND" + bytes(8),
        b"RCV2\x01\0\0\0aDATA" + bytes(4),
    ],
)
def test_request_that_no_host_sends_is_refused_with_its_bytes(data: bytes) -> None:
    for step in (1, len(data)):
        with pytest.raises(AdbProtocolError) as caught:
            feed(SyncRequests(), data, step)
        assert caught.value.received


@pytest.mark.parametrize(
    "data",
    [
        b"NOPE",
        b"DATA\x01\x00\x01\x00",
        b"FAIL\xff\xff\xff\xff",
        b"DENT" + bytes(12) + b"\xff\xff\0\0",
        b"DNT2" + bytes(68) + b"\xff\xff\xff\xff",
    ],
)
def test_reply_that_no_phone_sends_is_refused_with_its_bytes(data: bytes) -> None:
    for step in (1, len(data)):
        with pytest.raises(AdbProtocolError) as caught:
            feed(SyncReplies(), data, step)
        assert caught.value.received == data[: len(caught.value.received)] != b""


def test_smaller_data_limit_of_a_strict_phone() -> None:
    strict = SyncRequests(data_max=4)
    assert list(strict.receive(wire.encode_sync_data(b"1234"))) == [SyncData(b"1234")]
    with pytest.raises(AdbProtocolError, match="oversize data message"):
        list(strict.receive(wire.encode_sync_data(b"12345")))


@given(st.lists(st.binary(max_size=60), max_size=6), st.booleans())
def test_decoders_are_total_on_garbage(pieces: list[bytes], as_host: bool) -> None:
    decoder = SyncReplies() if as_host else SyncRequests()
    with contextlib.suppress(AdbProtocolError):
        for piece in pieces:
            list(decoder.receive(piece))


@given(
    st.builds(
        SyncStat,
        *[st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1), st.integers(-(2**63), 2**63 - 1)],
        *[st.integers(0, 2**32 - 1)],
    )
)
def test_stat_v2_round_trips(stat: SyncStat) -> None:
    assert list(SyncReplies().receive(wire.encode_sync_stat(wire.STA2, stat))) == [stat]
