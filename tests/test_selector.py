import pytest

from devicehub.selector import Term, is_terms, parse_term

KEYS = {"android", "soc"}


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("android>=14", Term("android", ">=", "14")),
        (" soc = SM8650 ", Term("soc", "=", "SM8650")),
        ("soc!=a b", Term("soc", "!=", "a b")),
        ("colour=red", None),
        ("android=>14", None),
        ("android>=", None),
        ("android", None),
        ("", None),
    ],
)
def test_what_is_a_term(text: str, term: Term | None) -> None:
    assert parse_term(text, KEYS) == term


@pytest.mark.parametrize(
    ("operator", "holding"),
    [
        ("=", ["14"]),
        ("!=", ["8.1.0", "15"]),
        (">", ["15"]),
        (">=", ["14", "15"]),
        ("<", ["8.1.0"]),
        ("<=", ["8.1.0", "14"]),
    ],
)
def test_releases_order_by_number(operator: str, holding: list[str]) -> None:
    term = Term("android", operator, "14")
    assert [found for found in ("8.1.0", "14", "15") if term.holds(found)] == holding


def test_nothing_holds_of_what_is_not_known() -> None:
    assert not Term("soc", "!=", "SM8650").holds(None)


def test_digits_without_end_are_a_word() -> None:
    assert Term("android", "<", "9" * 5000).holds("14")


def test_a_serial_is_no_term() -> None:
    assert not is_terms("127.0.0.1:6001")
    assert is_terms("sdk>30")
