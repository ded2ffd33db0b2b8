"""Which phones' logs, and which of their lines."""

import re

import pytest

from devicehub.cli.log_filter import LogFilter
from devicehub.cli.logs import choose_phones
from devicehub.errors import NoPhoneReady, SelectionError
from tests.api.phone_hub import view

LINES = [
    "--------- beginning of main",
    "06-16 12:06:01.599  8826  8826 D MNNJNI  : careful",
    "the rest of a message",
    "06-16 12:06:01.600  8826  8827 W MNNJNI  : hot",
    "its second line",
    "06-16 12:06:01.601  8826  8827 E libc    : Fatal signal",
]


def shown(lines: list[str], level: str | None = None, search: str | None = None) -> list[str]:
    pattern = re.compile(search, re.IGNORECASE) if search else None
    return [line.text for line in LogFilter(level, pattern).take(lines)]


def test_all_lines_pass_without_a_filter() -> None:
    assert shown(LINES) == LINES


def test_line_that_is_no_entry_goes_with_the_entry_before_it() -> None:
    assert shown(LINES, level="W") == LINES[3:]
    assert shown(LINES, level="e") == LINES[5:]


def test_search_takes_any_case() -> None:
    assert shown(LINES, search="FATAL|hot") == [LINES[3], LINES[5]]


def test_break_of_the_log_is_told_whatever_is_looked_for() -> None:
    broken = "--------- interrupted: A1 vanished"
    assert shown([*LINES, broken], level="F", search="nothing") == [broken]


def test_level_that_nobody_knows_passes() -> None:
    line = "06-16 12:06:01.599  8826  8826 S MNNJNI  : silent"
    assert shown([line], level="F") == [line]


def test_what_would_steer_the_terminal_is_shown_as_a_question() -> None:
    assert shown(["a\x1b[2Jb\tc\x07"]) == ["a\ufffd[2Jb\tc\ufffd"]


def test_fields_of_an_entry_and_of_a_line_that_is_none() -> None:
    _, entry, rest, *_ = LogFilter(None, None).take(LINES)
    assert entry.fields()["level"] == "D"
    assert entry.fields()["message"] == "careful"
    assert rest.fields() == dict.fromkeys(("level", "tag", "pid", "tid", "stamp")) | {"message": LINES[2]}


A, B, GONE = view("A"), view("B"), view("C", state="absent")


def choose(*names: str, every: bool = False, environ: dict[str, str] | None = None) -> dict[str, str]:
    return choose_phones([A, B, GONE], names, all_phones=every, environ=environ or {})


def test_phones_by_name_by_ro_serialno_and_all_that_are_there() -> None:
    assert choose("A", "no-B") == {"A": "A", "B": "B"}
    assert choose("C") == {"C": "C"}  # read as soon as it is back
    assert choose(every=True) == {"A": "A", "B": "B"}
    assert choose(environ={"ANDROID_SERIAL": "B"}) == {"B": "B"}


def test_one_phone_needs_no_name_and_several_do() -> None:
    assert choose_phones([A, GONE], (), all_phones=False, environ={}) == {"A": "A"}
    with pytest.raises(SelectionError, match="name the phones, or --all; phones: A, B, C"):
        choose()
    with pytest.raises(NoPhoneReady, match="no phone is ready"):
        choose_phones([GONE], (), all_phones=False, environ={})
    with pytest.raises(NoPhoneReady):
        choose_phones([], (), all_phones=True, environ={})
    with pytest.raises(SelectionError, match="no phone is called X"):
        choose("X")


def test_phones_that_share_a_serial_are_called_by_their_ids() -> None:
    twins = [view("D", name="D#1"), view("D", name="D#2")]
    assert choose_phones(twins, ("D",), all_phones=False, environ={}) == {"D#1": "D#1", "D#2": "D#2"}
