"""How llm_demo reads its prompt file and its arguments."""

from __future__ import annotations

import pytest

from devicehub.sim.engine.prompts import (
    ceval_question,
    ceval_result_name,
    parse_csv,
    parse_max_new_tokens,
    read_prompts,
)


def test_empty_lines_go_and_a_line_with_a_carriage_return_alone_stays() -> None:
    assert read_prompts(b"one\n\n\r\ntwo\r\r\n# three\r\nfour") == [
        b"one",
        b"",
        b"two\r",
        b"# three",
        b"four",
    ]


@pytest.mark.parametrize("content", [b"", b"\n", b"\n\n\n"])
def test_file_without_a_line_has_no_prompts(content: bytes) -> None:
    assert read_prompts(content) == []


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12", 12),
        (" 12x", 12),
        ("+3", 3),
        ("-3", -3),
        ("x", 0),
        ("-", 0),
        ("", -1),
        ("  ", -1),
        ("99999999999", 2**31 - 1),
    ],
)
def test_maximum_is_read_as_cpp_streams_do(text: str, number: int) -> None:
    assert parse_max_new_tokens(text) == number


def test_csv_cell_with_comma_quotes_and_line_end() -> None:
    rows = parse_csv([b"id,question", b'1,"a, ""b""', b'c"', b"2,"])
    assert rows == [[b"id", b"question"], [b"1", b'a, "b"\nc'], [b"2", b""]]


def test_csv_quote_that_is_never_closed_loses_the_row() -> None:
    assert parse_csv([b"a,b", b'c,"d', b"e"]) == [[b"a", b"b"]]


def test_ceval_row_that_is_too_short_is_an_index_error() -> None:
    assert ceval_question([b"0", b"Q", b"1", b"2", b"3", b"4"]) == b"Q\n\nA. 1\nB. 2\nC. 3\nD. 4\n\n"
    with pytest.raises(IndexError):
        ceval_question([b"0", b"Q", b"1"])


@pytest.mark.parametrize(
    ("path", "name"), [("a/law_val.csv", "law_res.csv"), ("p.txt", "p.txt"), ("x_val_val", "x_res_val")]
)
def test_answers_go_to_the_current_folder(path: str, name: str) -> None:
    assert ceval_result_name(path) == name
