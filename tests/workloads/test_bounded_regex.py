"""A regular expression is searched for as Python does it, and never for longer than bounds allow."""

from __future__ import annotations

import re

import pytest

from devicehub.workloads.bounded_regex import MOST_TEXT, BoundedRegex

PATTERNS = (
    "a", "ab|cd", "a*", "(?:ab)+", "a{2,3}b", "a{2,}?b", "^b", "b$", "(?m)^b", "(?m)a$", r"\Ab", r"b\Z",
    r"\bfoo\b", r"o\B", ".", "(?s)a.b", "a.b", r"\d+", r"\D", r"\w\W\w", r"\s", r"\S\s\S", "[a-c]x",
    "[^a-c]", r"[^\d\s]", r"[\w.]@", "(?i)FOO", "(?i)[a-c]X", "(?i)[^a]", "(?i:A)b", "(?P<n>a)(b)?",
    "(?x) a b # words", "[]]", r"\.", "(a|b|)c", "(?a)\\w", "(a*)*c", "(|a)+b", "ä", "(?i)Ä", "[à-ü]", "^$",
    "", "^(yes|no)[.!]?$", r"(?:){5}a", "(?-i:a)", "x?y?z?$",
)  # fmt: skip
TEXTS = (
    "", "a", "b", "ab", "ba", "aab", "aaab", "a\nb", "b\na\n", "foo bar", "FOO", "axb", "a b", "5", "ÄÜ ä",
    "c", "ac", "bc", "cx", "CX", "ay", "yes.", "No!", "no", "x@y", ".",
    "]", "_", "\u0663", "\n", "cd", "\x0b",
)  # fmt: skip


@pytest.mark.parametrize("ignore_case", [False, True])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_finds_what_python_finds(pattern: str, ignore_case: bool) -> None:
    python = re.compile(pattern, re.IGNORECASE if ignore_case else re.NOFLAG)
    ours = BoundedRegex(pattern, ignore_case=ignore_case)
    assert [text for text in TEXTS if ours.is_in(text)] == [text for text in TEXTS if python.search(text)]


@pytest.mark.parametrize(
    "pattern", ["(a+)+$", "(a|a)*b", "(a*)*b", "(.*a){12}$", "(a+a+)+b", "([a-z]+)*[0-9]", "^(a?){30}a{30}$"]
)
def test_what_python_would_not_end_with_is_answered(pattern: str) -> None:
    assert BoundedRegex(pattern).is_in("a" * 60 + "!") is False


def test_a_search_is_given_up_after_so_many_steps() -> None:
    regex = BoundedRegex("(?:.{0,80}a){12}$")
    assert regex.is_in("a" * (MOST_TEXT - 1) + "!") is None
    assert BoundedRegex("a").is_in("b" * (MOST_TEXT + 1)) is None
    assert BoundedRegex("a").is_in("b" * MOST_TEXT) is False


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("(", "is no regular expression"),
        ("[", "is no regular expression"),
        ("a**", "is no regular expression"),
        ("[[a]", "is no regular expression"),  # Python warns of it
        ("(?=a)", "looks ahead or behind"),
        ("(?<!a)b", "looks ahead or behind"),
        (r"(a)\1", "refers back"),
        ("(?>a)", "atomic"),
        ("a++", "possessive"),
        ("(?:a{1000}){1000}", "repeats too often"),
        ("(" * 3000 + ")" * 3000, "nested too deeply"),
    ],
)
def test_what_cannot_be_searched_for_is_refused(pattern: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        BoundedRegex(pattern)
