from __future__ import annotations

import pytest

from devicehub.sim.android.logcat import Printer, UsageError, format_entry, parse_options, parse_time
from devicehub.sim.android.logd import ENTRY
from devicehub.sim.android.logring import Entry, LogRing

NOW = 1_795_384_740_123_456_789
ENTRY_ = Entry(1, "main", NOW, 2000, 123, 4567, 4, b"MNNJNI", b"one\ntwo")


def _lines(arguments: str, entry: Entry = ENTRY_) -> bytes:
    return b"".join(format_entry(entry, parse_options(arguments.split(), now_ns=NOW)))


@pytest.mark.parametrize(
    ("arguments", "first"),
    [
        ("", b"11-22 21:59:00.123   123  4567 I MNNJNI  : one\n"),
        (
            "-v threadtime -v epoch -v nsec -v uid",
            b"1795384740.123456789 shell   123  4567 I MNNJNI  : one\n",
        ),
        ("-v threadtime,usec,year,zone", b"2026-11-22 21:59:00.123456 +0000   123  4567 I MNNJNI  : one\n"),
        ("-vtime", b"11-22 21:59:00.123 I/MNNJNI  (  123): one\n"),
        ("-v brief", b"I/MNNJNI  (  123): one\n"),
        ("-v process", b"I(  123) one  (MNNJNI)\n"),
        ("-v tag", b"I/MNNJNI  : one\n"),
        ("-v thread", b"I(  123: 4567) one\n"),
        ("-v raw", b"one\n"),
    ],
)
def test_formats(arguments: str, first: bytes) -> None:
    assert _lines(arguments).splitlines(keepends=True)[0] == first


def test_long_format_has_one_head_for_all_lines() -> None:
    assert _lines("-v long") == b"[ 11-22 21:59:00.123   123: 4567 I/MNNJNI   ]\none\ntwo\n\n"


@pytest.mark.parametrize(
    ("filters", "shown"),
    [
        ("", True),
        ("MNNJNI:I *:S", True),
        ("MNNJNI:W *:S", False),
        ("-s MNNJNI", True),
        ("-s other", False),
        ("other:E", True),
        ("--pid=123", True),
        ("--pid 124", False),
        ("-e tw[o]", True),
        ("-e four", False),
    ],
)
def test_filters(filters: str, shown: bool) -> None:
    assert parse_options(filters.split(), now_ns=NOW).wants(ENTRY_) is shown


@pytest.mark.parametrize("text", ["-v nonsense", "-b nowhere", "-Z", "-T yesterday", "-r much", "-f", ":x:"])
def test_what_logcat_does_not_know_is_an_error(text: str) -> None:
    with pytest.raises(UsageError):
        parse_options(text.split(), now_ns=NOW)


def test_options_of_the_capture_on_the_phone() -> None:
    text = "-b main,system,crash -v threadtime -T 1 -f /data/local/tmp/log -r 4096 -n 4 MNNJNI:V *:S"
    options = parse_options(text.split(), now_ns=NOW)
    assert (options.file, options.rotate_kib, options.rotate_count) == ("/data/local/tmp/log", 4096, 4)
    assert (options.tail, options.dump) == (1, False)
    assert options.buffers == ("main", "system", "crash")


def test_times_of_every_kind_mean_the_same() -> None:
    stamps = ["11-22 21:59:00.123", "2026-11-22 21:59:00.123", "1795384740.123"]
    assert {parse_time(stamp, now_ns=NOW) for stamp in stamps} == {1_795_384_740_123_000_000}
    assert parse_time("13-45 99:00:00.0", now_ns=NOW) is None


def test_dividers_tell_where_a_buffer_begins_and_with_d_where_it_changes() -> None:
    system = Entry(2, "system", NOW, 1000, 1, 1, 4, b"a", b"b")
    plain = Printer(parse_options(["-v", "raw"], now_ns=NOW))
    shown = b"".join(map(plain.show, [ENTRY_, system, ENTRY_]))
    assert shown == b"--------- beginning of main\none\ntwo\n--------- beginning of system\nb\none\ntwo\n"
    divided = Printer(parse_options(["-D", "-v", "raw"], now_ns=NOW))
    assert b"--------- switch to main\n" in b"".join(map(divided.show, [ENTRY_, system, ENTRY_]))


def test_a_full_buffer_loses_its_oldest_entries() -> None:
    ring = LogRing()
    ring.sizes["main"] = 1000
    for number in range(100):
        text = f"line {number}".encode()
        ring.add(time_ns=number, pid=1, tid=1, priority=4, tag=b"t", message=text)
    kept = ring.after(0, ["main"])
    assert kept[-1].message == b"line 99"
    assert 10 < len(kept) < 40
    assert ring.used("main") <= 1000


def test_datagrams_that_are_no_entries_count_for_nothing() -> None:
    ring = LogRing()
    ring.add_datagram(b"short")
    ring.add_datagram(ENTRY.pack(6, 7, 8, 9) + b"tag\0hello")
    [entry] = ring.after(0, ["main"])
    assert (entry.priority, entry.pid, entry.tid, entry.tag, entry.message) == (6, 7, 8, b"tag", b"hello")
