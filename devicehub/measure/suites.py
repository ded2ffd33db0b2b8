"""Judges what a phone answered to a prompt suite, launch by launch. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devicehub.runs.answers import SuiteAnswer, SuiteResult
from devicehub.runs.steps import own_steps
from devicehub.workloads.suite import judge_answer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devicehub.runs.model import Launch, RunHeader
    from devicehub.workloads.suite import SuitePrompt

_MOST_TEXT: Final = 2000
"""Characters of an answer that are kept here; the launch keeps all of it."""


def judge_suite(
    header: RunHeader, launches: Sequence[Launch], cause: str | None = None
) -> SuiteResult | None:
    """How a run's launches answered its suite; None where it has none.

    Args:
        header: what was asked.
        launches: of the run, by their places in its list.
        cause: why there are no more of them.
    """
    suite = header.asked_suite
    if suite is None:
        return None
    by_order = {launch.order: launch for launch in launches}
    asked = {
        step.prompt: by_order.get(order)
        for order, step in own_steps(header.steps, header.arm).items()
        if step.kind == "measured"
    }
    answers = [_answer(prompt, asked.get(number), cause) for number, prompt in enumerate(suite.prompts)]
    passed = sum(answer.passed for answer in answers)
    return SuiteResult(name=suite.name, answers=answers, passed=passed, of=len(answers))


def suite_lines(result: SuiteResult) -> list[str]:
    """A sentence for each prompt that was not answered as its suite demands."""
    return [f"prompt {answer.id}: {answer.why}" for answer in result.answers if not answer.passed]


def _answer(prompt: SuitePrompt, launch: Launch | None, cause: str | None) -> SuiteAnswer:
    if launch is None:
        why = "it was not asked" + (f": {cause}" if cause else "")
        return SuiteAnswer(id=prompt.id, text=None, passed=False, why=why)
    if launch.verdict != "succeeded":
        why = f"the launch failed: {launch.cause or launch.verdict}"
        return SuiteAnswer(id=prompt.id, text=None, passed=False, why=why)
    why_not = judge_answer(prompt, launch.text)
    text = None if launch.text is None else launch.text[:_MOST_TEXT]
    return SuiteAnswer(id=prompt.id, text=text, passed=why_not is None, why=why_not)
