from __future__ import annotations

from devicehub.findings import Finding, Severity, errors, in_order


def _finding(severity: Severity, slug: str) -> Finding:
    return Finding(severity=severity, slug=slug, place="config.json", why="is wrong")


def test_the_worst_stand_first_and_equals_as_they_came() -> None:
    found = [
        _finding(Severity.NOTE, "a"),
        _finding(Severity.ERROR, "b"),
        _finding(Severity.WARNING, "c"),
        _finding(Severity.ERROR, "d"),
    ]
    assert [finding.slug for finding in in_order(found)] == ["b", "d", "c", "a"]
    assert [finding.slug for finding in errors(found)] == ["b", "d"]


def test_a_line_says_place_reason_and_way_out() -> None:
    bare = _finding(Severity.NOTE, "a")
    assert str(bare) == "config.json: is wrong"
    mended = Finding(severity=Severity.ERROR, slug="b", place="config.json:3", why="is wrong", fix="mend it")
    assert str(mended) == "config.json:3: is wrong; mend it"
