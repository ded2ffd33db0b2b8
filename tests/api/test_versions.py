import pytest

from devicehub.api.versions import Meeting, meet


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("0.9.10", "0.10"),
        ("1.2", "1.2.1"),
        ("1.2.dev3", "1.2"),
        ("1.2rc1", "1.2"),
        ("1.2rc2", "1.2rc10"),
        ("1.2", "1.2.post1"),
        ("", "0.1"),
        ("unknown", "0.1"),
    ],
)
def test_newer_and_older(older: str, newer: str) -> None:
    assert meet(newer, older) is Meeting.CLIENT_NEWER
    assert meet(older, newer) is Meeting.CLIENT_OLDER


@pytest.mark.parametrize(("one", "other"), [("1.2", "1.2"), ("1.2", "1.2.0"), ("", ""), ("x", "x")])
def test_same(one: str, other: str) -> None:
    assert meet(one, other) is meet(other, one) is Meeting.SAME
