# ruff: noqa: RUF001
"""Which choice an answer in free text means."""

from __future__ import annotations

import pytest

from devicehub.workloads.ceval import Question
from devicehub.workloads.choices import find_letter, judge_choice

QUESTION = Question(
    id="7",
    text="关于传输层的面向连接服务的特性是____。",
    choices=(
        "既不保证可靠，也不保证按序交付",
        "不保证可靠，但保证按序交付",
        "保证可靠，但不保证按序交付",
        "既保证可靠，也保证按序交付",
    ),
    gold="D",
)
PLAIN = Question(id="8", text="Which one?", choices=("one", "two", "three", "four"), gold="B")


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("关于传输层的面向连接服务的特性是既保证可靠，也保证按序交付", "D"),
        ("答案是B。", "B"),
        ("答案：C", "C"),
        ("应该选A选项。", "A"),
        ("A不对，B选项正确", "B"),
        ("D选项符合题意", "D"),
        ("既保证可靠，也保证按序交付", "D"),
        ("我不知道", None),
        ("", None),
    ],
)
def test_answers_in_chinese(text: str, letter: str | None) -> None:
    assert find_letter(QUESTION, text) == letter


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("B", "B"),
        ("B\n", "B"),
        ("(C) three", "C"),
        ("The answer is B, of course.", "B"),
        ("I take two of them.", "B"),
        ("ABBA", None),
        ("Because", None),
        ("<think>\nA or C\n</think>\n\nB", "B"),
        ("<think>\nIt is B. Or A", None),
        ("\ufffd", None),
    ],
)
def test_answers_in_english(text: str, letter: str | None) -> None:
    assert find_letter(PLAIN, text) == letter


def test_hostile_answer_is_read_in_time_and_shown_short() -> None:
    for text in ("选" * 200_000, "选" + " " * 200_000, "答案" * 100_000, "(" * 200_000, "A" * 200_000):
        assert find_letter(PLAIN, text) in (None, "A")
    found = judge_choice(PLAIN, b"\xff\n" + b"x" * 5000)
    assert (found.letter, found.gold, found.is_right, len(found.said)) == (None, "B", False, 200)
