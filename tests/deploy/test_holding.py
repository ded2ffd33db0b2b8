"""Which models a phone holds: what its manifests tell, whatever else lies there."""

from __future__ import annotations

from devicehub.deploy.holding import parse_holdings

ONE = (
    b"--- devicehub\ntiny one/\n"
    b'{"id":"abc","files":{"llm.mnn":{"sha256":"1","size":2,"stamp":"s"}},"format":1}\n'
)


def test_models_by_name() -> None:
    two = ONE.replace(b"tiny one", b"other").replace(b"abc", b"def")
    assert parse_holdings(ONE + two) == {"tiny one": "abc", "other": "def"}


def test_phone_without_models_prints_nothing() -> None:
    assert parse_holdings(b"") == {}


def test_manifest_that_is_cut_or_foreign_is_left_out() -> None:
    broken = b'--- devicehub\ncut/\n{"id":"ab\n--- devicehub\nforeign/\n{"name":"x"}\n'
    assert parse_holdings(broken + ONE) == {"tiny one": "abc"}


def test_line_ends_of_old_phones() -> None:
    assert parse_holdings(ONE.replace(b"\n", b"\r\n")) == {"tiny one": "abc"}


def test_output_that_is_no_text() -> None:
    assert parse_holdings(b"\xff\xfe--- devicehub\n\xff/\n\xff") == {}
