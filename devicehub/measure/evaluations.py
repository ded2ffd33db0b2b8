"""From the answers of workload eval to accuracies with their intervals. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from devicehub.runs.answers import Evaluation, SubjectScore
from devicehub.runs.steps import own_steps
from devicehub.workloads.ceval import read_exam

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devicehub.runs.model import Launch, RunHeader
    from devicehub.workloads.ceval import EvalAsked

_Z: Final = 1.959964
"""Of a normal distribution, 95 % lie within."""


def judge_evaluation(header: RunHeader, launches: Sequence[Launch]) -> Evaluation | None:
    """How a run's launches answered what workload eval asked; None for other workloads, or without launches.

    Questions of a file whose launch gave no answers count as unanswered.
    """
    asked = header.asked_eval
    if asked is None or not launches:
        return None
    by_order = {launch.order: launch for launch in launches}
    subjects: dict[str, SubjectScore] = {}
    perplexity = None
    for order, step in own_steps(header.steps, header.arm).items():
        if step.kind != "measured" or step.prompt is None:
            continue
        launch = by_order.get(order)
        if step.prompt >= len(asked.files):
            perplexity = launch.perplexity if launch else None
            continue
        subject = asked.files[step.prompt].subject
        score = _score(asked, step.prompt, launch)
        subjects[subject] = _sum(subjects[subject], score) if subject in subjects else score
    right = sum(score.right for score in subjects.values())
    count = sum(score.of for score in subjects.values())
    low, high = wilson(right, count) if count else (None, None)
    return Evaluation(
        subjects=subjects,
        right=right,
        of=count,
        accuracy=right / count if count else None,
        low=low,
        high=high,
        perplexity=perplexity,
    )


def without_texts(asked: EvalAsked | None) -> EvalAsked | None:
    """What was asked as a record keeps it: files by name and hash."""
    if asked is None:
        return None
    return replace(asked, files=tuple(replace(file, text="") for file in asked.files))


def wilson(right: int, count: int) -> tuple[float, float]:
    """The 95 % interval of a share, which stays within 0 and 1 also where all or none are right."""
    share, weight = right / count, _Z * _Z / count
    middle = share + weight / 2
    half = _Z * math.sqrt(share * (1 - share) / count + weight / (4 * count))
    low, high = (middle - half) / (1 + weight), (middle + half) / (1 + weight)
    return (0.0 if right == 0 else low), (1.0 if right == count else high)


def _score(asked: EvalAsked, place: int, launch: Launch | None) -> SubjectScore:
    if launch is None or not launch.choices:
        file = asked.files[place]
        ids = [question.id for question in read_exam(file.text, file.name).questions]
        return SubjectScore(right=0, of=len(ids), unanswered=ids)
    return SubjectScore(
        right=sum(choice.is_right for choice in launch.choices),
        of=len(launch.choices),
        unanswered=[choice.id for choice in launch.choices if choice.letter is None],
    )


def _sum(one: SubjectScore, other: SubjectScore) -> SubjectScore:
    return SubjectScore(
        right=one.right + other.right,
        of=one.of + other.of,
        unanswered=[*one.unanswered, *other.unanswered],
    )
