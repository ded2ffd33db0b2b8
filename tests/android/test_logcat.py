from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devicehub.android.lines import Line, LineSplitter
from devicehub.android.logcat import Divider, Entry, Heading, Item, LogcatParser, Unparsed
from tests.shared_data import SHARED_DATA, needs_shared_data

if TYPE_CHECKING:
    from pathlib import Path


def read(data: bytes) -> list[Item]:
    parser = LogcatParser()
    return [*parser.receive(data), *parser.finish()]


def only(line: str) -> Entry:
    [item] = read(line.encode())
    assert isinstance(item, Entry), item
    return item


TEXT = "main, 276, cost time: 17.5 ms"


@pytest.mark.parametrize(
    "line",
    [
        f"06-16 12:06:01.599  8826  8830 I MNNJNI  : {TEXT}",
        f"06-16 12:06:01.599  2000  8826  8830 I MNNJNI  : {TEXT}",
        f"06-16 12:06:01.599 shell  8826  8830 I MNNJNI  : {TEXT}",
        f"2026-06-16 12:06:01.599123456 +0200  8826  8830 I MNNJNI  : {TEXT}",
        f"2026-06-16 12:06:01.599123 -0330 u0_a123  8826  8830 I MNNJNI  : {TEXT}",
        f"         1781604361.599  8826  8830 I MNNJNI  : {TEXT}",
        f"   361.599123  8826  8830 I MNNJNI  : {TEXT}",
        f"2026-06-16 12:06:01.599 8826-8830/com.alibaba.mnnllm.android I/MNNJNI: {TEXT}",
        f"06-16 12:06:01.599 8826-8830/? I/MNNJNI: {TEXT}",
        f"2026-06-16 12:06:01.599  8826-8830  MNNJNI            com.alibaba.mnnllm.android  I  {TEXT}",
        f"2026-06-16 12:06:01.599  8826-8830  MNNJNI            pid-8826                    I  {TEXT}",
        f"(standard input):23:06-16 12:06:01.599  8826  8830 I MNNJNI  : {TEXT}",
        f"run.log:7:06-16 12:06:01.599  8826  8830 I MNNJNI  : {TEXT}",
        f"12:06-16 12:06:01.599  8826  8830 I MNNJNI  : {TEXT}",
        f"\x1b[32m06-16 12:06:01.599  8826  8830 I MNNJNI  : {TEXT}\x1b[0m",
    ],
)
def test_formats_with_thread(line: str) -> None:
    entry = only(line)
    assert (entry.tag, entry.level, entry.pid, entry.tid) == ("MNNJNI", "I", 8826, 8830)
    assert entry.message == TEXT
    assert entry.at_s is not None


@pytest.mark.parametrize(
    ("line", "pid", "tag"),
    [
        (f"06-16 12:06:01.599 I/MNNJNI  ( 8826): {TEXT}", 8826, "MNNJNI"),
        (f"06-16 12:06:01.599 I/MNNJNI  (shell: 8826): {TEXT}", 8826, "MNNJNI"),
        (f"I/MNNJNI  ( 8826): {TEXT}", 8826, "MNNJNI"),
        (f"I/MNNJNI  (10123: 8826): {TEXT}", 8826, "MNNJNI"),
        (f"I/MNNJNI  : {TEXT}", None, "MNNJNI"),
        (f"I( 8826) {TEXT}  (MNNJNI)", 8826, "MNNJNI"),
        (f"I( 8826: 8830) {TEXT}", 8826, None),
        (f"12:06:01.599  I  {TEXT}", None, None),
        (f"I( 8826:0x227e) {TEXT}", 8826, None),
        (f"09-07 01:54:50.195 I MNNJNI: {TEXT}", None, "MNNJNI"),
        (f"09-07 01:54:50.195  root     0 I MNNJNI: {TEXT}", 0, "MNNJNI"),
    ],
)
def test_formats_that_leave_columns_out(line: str, pid: int | None, tag: str | None) -> None:
    entry = only(line)
    assert (entry.message, entry.level, entry.pid, entry.tag) == (TEXT, "I", pid, tag)


def test_leading_space_and_empty_message_are_kept() -> None:
    first, second = read(
        b"06-16 12:06:38.752  1  1 I MNNJNI  :  decode speed = 1\n06-16 12:06:38.752  1  1 I T: \n"
    )
    assert isinstance(first, Entry)
    assert first.message == " decode speed = 1"
    assert isinstance(second, Entry)
    assert second.message == ""


def test_empty_message_whose_last_space_an_editor_took() -> None:
    assert only("06-16 12:06:38.752  8826  8826 I MNNJNI  :").message == ""


def test_tag_with_spaces_and_message_with_colons() -> None:
    entry = only("06-16 12:06:38.752  1  2 W My Tag  : a: b: c")
    assert (entry.tag, entry.message) == ("My Tag", "a: b: c")


def test_assert_of_android_studio_is_fatal() -> None:
    assert only("2019-11-06 10:48:38.123 22391-22407/com.a A/libc: Fatal signal 11").level == "F"


def test_long_format_gives_each_line_its_heading() -> None:
    heading, first, second, blank = read(b"[ 06-16 12:06:01.599  8826: 8830 I/MNNJNI   ]\none\n two\n\n")
    assert isinstance(heading, Heading)
    for item, text in ((first, "one"), (second, " two"), (blank, "")):
        assert isinstance(item, Entry)
        assert (item.message, item.tag, item.pid, item.tid) == (text, "MNNJNI", 8826, 8830)


def test_dividers_and_prose_are_told_apart() -> None:
    items = read("--------- beginning of main\n--------- switch to /dev/log/crash\nCPU:\n结果\n".encode())
    assert items == [Divider("main"), Divider("crash"), Unparsed("CPU:"), Unparsed("结果")]


def test_difference_of_stamps_over_midnight_of_the_29th_of_february() -> None:
    before, after = only("02-29 23:59:59.500  1  1 I T: a"), only("03-01 00:00:00.250  1  1 I T: a")
    assert before.at_s is not None
    assert after.at_s is not None
    assert after.at_s - before.at_s == pytest.approx(0.75)


def test_impossible_date_has_no_time_but_stays_an_entry() -> None:
    assert only("13-45 99:00:00.000  1  1 I T: a").at_s is None
    assert only("0001-01-01 00:00:00.000 +2359  1  1 I T: a").at_s is None  # before the first year


@given(st.binary(max_size=400))
def test_any_bytes_lose_no_line(data: bytes) -> None:
    lines = data.count(b"\n") + (not data.endswith(b"\n") and data != b"")
    assert len(read(data)) == lines


@given(st.lists(st.binary(max_size=30), max_size=12), st.integers(1, 9))
def test_splitter_gives_the_same_lines_however_cut(pieces: list[bytes], longest: int) -> None:
    whole, cut = LineSplitter(longest), LineSplitter(longest)
    data = b"".join(pieces)
    expected = [*whole.receive(data), *whole.finish()]
    found: list[Line] = []
    for piece in pieces:
        found += cut.receive(piece)
    assert [*found, *cut.finish()] == expected
    assert all(len(line.text) <= longest for line in expected)


def _samples() -> list[Path]:
    return sorted((SHARED_DATA / "logcat").iterdir()) if SHARED_DATA else []


@needs_shared_data
@pytest.mark.parametrize("sample", _samples(), ids=lambda path: path.name)
def test_real_captures_lose_no_line_and_read_alike_byte_by_byte(sample: Path) -> None:
    data = sample.read_bytes()[:20_000]
    items = read(data)
    assert len(items) == data.count(b"\n") + (not data.endswith(b"\n"))
    assert sum(isinstance(item, Unparsed) for item in items) <= 3
    parser = LogcatParser()
    cut = [item for index in range(len(data)) for item in parser.receive(data[index : index + 1])]
    assert [*cut, *parser.finish()] == items
