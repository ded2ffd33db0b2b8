"""Which launch answered which prompt of a suite, and what is said where none did."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from devicehub.measure.suites import judge_suite, suite_lines
from devicehub.runs.steps import Step
from devicehub.workloads.suite import Suite, SuitePrompt
from tests.dispatch.samples import header, launch

if TYPE_CHECKING:
    from devicehub.runs.model import Launch

SUITE = Suite(
    name="basics",
    prompts=tuple(SuitePrompt(id=word, text=f"Say {word}", contains=(word,)) for word in ("a", "b", "c")),
)
FIXTURE = [Step(kind="fixture", prompt=number) for number in range(2)]
ASKED = [Step(kind="measured", prompt=number) for number in range(3)]


def said(text: str, order: int, verdict: str = "succeeded", cause: str | None = None) -> Launch:
    return replace(launch(verdict, cause), text=text, order=order)


def test_each_launch_answers_its_own_prompt() -> None:
    asked = header(steps=[*FIXTURE, Step(kind="warmup"), *ASKED], asked_suite=SUITE)
    result = judge_suite(asked, [said("c b a", 3), said("a", 4), said("a", 5), said("c", 6)])
    assert result is not None
    assert [(answer.id, answer.text, answer.passed) for answer in result.answers] == [
        ("a", "a", True),
        ("b", "a", False),
        ("c", "c", True),
    ]
    assert (result.name, result.passed, result.of) == ("basics", 2, 3)
    assert suite_lines(result) == ['prompt b: the answer lacks "b"']


def test_half_of_a_comparison_answers_in_its_own_launches() -> None:
    steps = [replace(step, arm=arm) for step in ASKED for arm in ((0, 1), (1, 0))[(step.prompt or 0) % 2]]
    launches = [said(word, order) for order, word in ((2, "a"), (3, "b"), (6, "c"))]
    result = judge_suite(header(steps=steps, arm=1, asked_suite=SUITE), launches)
    assert result is not None
    assert result.passed == 3


def test_launch_that_failed_has_no_answer_and_one_that_never_came_was_not_asked() -> None:
    launches = [said("a", 1), said("b", 2, "failed", "segfault")]
    result = judge_suite(header(steps=ASKED, asked_suite=SUITE), launches, "limit_time")
    assert result is not None
    assert [(answer.text, answer.why) for answer in result.answers] == [
        ("a", None),
        (None, "the launch failed: segfault"),
        (None, "it was not asked: limit_time"),
    ]
    assert (result.passed, result.of) == (1, 3)


def test_without_a_suite_there_is_no_result() -> None:
    assert judge_suite(header(steps=ASKED), [said("a", 1)]) is None


def test_of_a_long_answer_the_beginning_is_kept_and_all_of_it_judged() -> None:
    result = judge_suite(header(steps=ASKED, asked_suite=SUITE), [said("x" * 50_000 + "a", 1)])
    assert result is not None
    assert result.answers[0].passed
    assert result.answers[0].text == "x" * 2000
