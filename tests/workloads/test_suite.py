"""Prompt suites: what their files may say, and what an answer must be."""

from __future__ import annotations

from typing import Any

import pytest

from devicehub.errors import ConfigError
from devicehub.workloads.bounded_regex import MOST_TEXT
from devicehub.workloads.suite import SuitePrompt, judge_answer
from devicehub.workloads.suite_file import check_suite, read_suite

GOOD = '''\
name = "basics"

[[prompt]]
id = "capital"
text = "What is the capital of France?"
contains = ["Paris"]
ignore_case = true

[[prompt]]
text = """
Answer with JSON:
a city and its country."""
json = true
json_has = ["city.name", "tags.0"]
'''


def judged(text: str | None, **demands: Any) -> str | None:
    return judge_answer(SuitePrompt(text="?", **demands), text)


def test_a_suite_is_read_as_it_is_written() -> None:
    suite = read_suite(GOOD, "folder/other.toml")
    first, second = suite.prompts
    assert suite.name == "basics"
    assert (first.id, first.contains, first.ignore_case) == ("capital", ("Paris",), True)
    assert (second.id, second.json_has) == ("2", ("city.name", "tags.0"))


def test_a_suite_without_a_name_has_that_of_its_file() -> None:
    assert read_suite('prompt = [{text = "a", equals = "b"}]', "folder/other.toml").name == "other"


@pytest.mark.parametrize(
    ("demands", "holds", "fails", "why"),
    [
        ({"contains": ["Paris", "4"]}, "In 4 days: Paris.", "In Paris.", 'the answer lacks "4"'),
        ({"contains": ["straße"], "ignore_case": True}, "STRASSE", "Street", 'the answer lacks "straße"'),
        ({"contains": ["Paris"]}, "Paris", "PARIS", 'the answer lacks "Paris"'),
        ({"equals": " 4\n"}, "\n4 \n", "44", 'the answer is "44", not "4"'),
        ({"equals": "Yes", "ignore_case": True}, "YES\n", "no", 'the answer is "no", not "Yes"'),
        ({"matches": r"^\d+$"}, "42\n", "about 42", r'nothing in the answer matches "^\\d+$"'),
        ({"matches": "YES|no", "ignore_case": True}, "Yes, sir", "maybe", 'matches "YES|no"'),
        ({"json": True}, '{"a": 1}', "a: 1", "no JSON: expecting value in line 1, column 1"),
        ({"json": True}, 'Here:\n```json\n{"a": 1}\n```\nIs it?', "```json\n{'a': 1}\n```", "no JSON"),
        ({"json": True}, "```JSON\r\n[1]\r\n```", "", "no JSON"),
        ({"json": True}, "```python\nx\n```\nor\n```\n[2]\n```\n", "```python\n[1]\n```", "no JSON"),
        ({"json_has": ["a.b", "c.1"]}, '{"a": {"b": 0}, "c": [1, 2]}', '{"a": {"b": 0}, "c": [1]}', '"c.1"'),
        ({"json_has": ["a"]}, '{"a": null}', '["a"]', 'lacks "a"'),
        ({"contains": ["a"], "equals": "ab"}, "ab", "b", 'lacks "a"; the answer is "b", not "ab"'),
    ],
)  # fmt: skip
def test_each_operator_holds_and_fails(demands: dict[str, Any], holds: str, fails: str, why: str) -> None:
    assert judged(holds, **demands) is None
    assert why in (judged(fails, **demands) or "")


def test_only_what_follows_a_thought_is_the_answer() -> None:
    assert judged("<think>\nis it 5?\n</think>\n\n4", equals="4") is None
    assert "lacks" in (judged("5 it is</think>4", contains=["5"]) or "")
    assert "does not end" in (judged("\n<think>4 4 4", contains=["4"]) or "")


@pytest.mark.parametrize(
    ("text", "demands", "why"),
    [
        (None, {"contains": ["a"]}, "there is no answer"),
        ("", {"contains": ["a"]}, 'the answer lacks "a"'),
        (" \n", {"json": True}, "no JSON"),
        ("[" * 100_000, {"json": True}, "nested too deeply"),
        ('{"a":' * 100_000, {"json_has": ["a"]}, "nested too deeply"),
        ("9" * 10_000, {"json": True}, "no JSON"),
        ('{"a": NaN}', {"json": True}, "NaN is no value of JSON"),
        ("```json\n" * 5_000, {"json": True}, "no JSON"),
        ("x" * 5_000_000, {"contains": ["y"]}, 'lacks "y"'),
        ("x" * 5_000_000, {"equals": "y"}, 'the answer is "xxx'),
        ("x" * (MOST_TEXT + 1), {"matches": "x"}, "too long"),
        ("a" * 5_000 + "!", {"matches": "^(a+)+$"}, "nothing in the answer matches"),
        ("\0\ud800\x1b[31m", {"equals": "y"}, r"the answer is"),
        ("[]", {"json_has": ["99999999999999999999", "-1"]}, "lacks"),
    ],
)
def test_hostile_answers_are_judged(text: str | None, demands: dict[str, Any], why: str) -> None:
    told = judged(text, **demands)
    assert told is not None
    assert why in told
    assert told.isprintable()
    assert len(told) < 300


FAULTS = """\
names = "basics"
[[prompt]]
text = "a"
contain = ["b"]
[[prompt]]
equals = "b"
[[prompt]]
text = "a"
[[prompt]]
text = 3
json = "yes"
"""
FAULTY_VALUES = """\
[[prompt]]
id = "one"
text = "a"
matches = "(a"
[[prompt]]
id = "one"
text = '''
# a comment
'''
equals = ""
[[prompt]]
text = "a"
matches = '(?=a)'
[[prompt]]
text = "<img>cat.png</img> What is it?"
contains = ["cat"]
[[prompt]]
text = "a"
json_has = ["a..b"]
ignore_case = true
[[prompt]]
text = "a"
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            FAULTS,
            [
                (1, "unknown key (did you mean name?)"),
                (4, "unknown key (did you mean contains?)"),
                (5, "is missing"),
                (7, "demands nothing of the answer"),
                (10, "expected `str`, got `int`"),
                (11, "expected `bool`, got `str`"),
            ],
        ),
        (
            FAULTY_VALUES,
            [
                (4, "is no regular expression"),
                (6, '"one" is the id of another prompt'),
                (7, "begins with `#`"),
                (13, "looks ahead or behind"),
                (15, "names a picture or a sound"),
                (19, '"a..b" has an empty part'),
                (20, "is for contains, equals and matches"),
                (21, "demands nothing of the answer"),
            ],
        ),
        ('[[prompt]]\ntext = "a\n', [(2, "TOML: ")]),
        ("prompt = []", [(1, "a suite has 1 to 100 prompts, this one 0")]),
        ('name = "a\\nb"\nprompt = [{text = "a", json = true}]', [(1, "cannot be printed on one line")]),
        ('[[prompt]]\ntext = "a"\ncontains = []', [(3, "length >= 1")]),
        ('[[prompt]]\ntext = "a"\ncontains = ["a",\n""]', [(3, "length >= 1")]),
        ("", [(None, "is missing")]),
    ],
)
def test_each_fault_of_a_file_is_told_with_its_line(text: str, expected: list[tuple[int, str]]) -> None:
    suite, problems = check_suite(text, "bad.toml")
    assert suite is None
    found = sorted((problem.line or 0, problem.problem) for problem in problems)
    assert [line for line, _ in found] == [line or 0 for line, _ in expected]
    assert all(words in told for (_, told), (_, words) in zip(found, expected, strict=True)), found


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as raised:
        read_suite(FAULTS, "bad.toml")
    lines = str(raised.value).split("\n")
    assert len(lines) == 6
    assert all(line.startswith("bad.toml:") for line in lines)


def test_a_line_is_that_of_the_file_whatever_its_texts_hold() -> None:
    text = '[[prompt]]\ntext = """\n[[prompt]]\ntext = 3\n\u2028\x85"""\nequals = "b"\nequal = 1\n'
    _, problems = check_suite(text, "bad.toml")
    assert [(problem.line, problem.key) for problem in problems] == [(7, "prompt[0].equal")]
