from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devicehub.models.strict_json import FlawKind, cut_out, read_json

MIXED = b"""{
  "a": "x // y", // one
  // a line of its own
  "b": [1, 2,],
  # another
  /* over two
     lines */
  "c": 3,
}
"""


def test_all_that_can_be_cut_is_found_with_its_line() -> None:
    reading = read_json(MIXED)
    assert [(flaw.kind, flaw.line) for flaw in reading.flaws] == [
        (FlawKind.COMMENT, 2),
        (FlawKind.COMMENT, 3),
        (FlawKind.COMMA, 4),
        (FlawKind.COMMENT, 5),
        (FlawKind.COMMENT, 6),
        (FlawKind.COMMA, 8),
    ]
    assert reading.value == {"a": "x // y", "b": [1, 2], "c": 3}
    assert reading.is_dropped


def test_what_is_cut_out_leaves_the_rest_as_it_stands() -> None:
    assert cut_out(read_json(MIXED)) == '{\n  "a": "x // y",\n  "b": [1, 2],\n  "c": 3\n}\n'


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_line_ends_stay(end: str) -> None:
    text = end.join(["{", '  "a": 1, // one', "  // two", '  "b": 2', "}"])
    assert cut_out(read_json(text.encode())) == end.join(["{", '  "a": 1,', '  "b": 2', "}"])


def test_of_a_key_that_stands_twice_the_first_counts() -> None:
    reading = read_json(b'{"a": 1,\n"a": 2}')
    assert reading.value == {"a": 1}
    assert [(flaw.kind, flaw.line, flaw.what) for flaw in reading.flaws] == [(FlawKind.TWICE, 2, "a")]
    assert not reading.is_dropped


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", FlawKind.SYNTAX),
        (b"[]", FlawKind.SHAPE),
        (b"[" * 100_000, FlawKind.SHAPE),
        (b'{"a": NaN}', FlawKind.NUMBER),
        (b'{"a": -Infinity}', FlawKind.NUMBER),
        (b'{"a": 1e999}', FlawKind.NUMBER),
        (b'{"a": ' + b"9" * 5000 + b"}", FlawKind.NUMBER),
        (b'{"a": 01}', FlawKind.SYNTAX),
        (b'{"a": "\t"}', FlawKind.SYNTAX),
        (b'{"a": "\\ud800"}', FlawKind.SYNTAX),
        (b'{"a": 1}{}', FlawKind.SYNTAX),
        (b'{"a": "\xff"}', FlawKind.ENCODING),
        (b"\xef\xbb\xbf{}", FlawKind.BOM),
    ],
)
def test_what_the_engine_drops_is_told(data: bytes, kind: FlawKind) -> None:
    reading = read_json(data)
    assert [flaw.kind for flaw in reading.flaws] == [kind]
    assert reading.is_dropped


def test_a_syntax_error_behind_a_comment_is_told_too() -> None:
    reading = read_json(b'{ // one\n  "a" 1\n}')
    assert [(flaw.kind, flaw.line) for flaw in reading.flaws] == [
        (FlawKind.COMMENT, 1),
        (FlawKind.SYNTAX, 2),
    ]
    assert reading.value is None


@given(st.binary(max_size=40) | st.text(alphabet='{}[],:"/*#\\ \n1e9aN', max_size=30).map(str.encode))
def test_no_bytes_make_it_raise(data: bytes) -> None:
    reading = read_json(data)
    if reading.value is not None and not reading.is_dropped:
        assert isinstance(json.loads(data), dict)
    if reading.value is not None:
        again = read_json(cut_out(reading).encode())
        assert not {flaw.kind for flaw in again.flaws} & {FlawKind.COMMENT, FlawKind.COMMA, FlawKind.BOM}
        assert json.dumps(again.value) == json.dumps(reading.value)
