"""What is known of a model's answers beside its fixture: prompt suites and questions with choices. Pure."""

from __future__ import annotations

from typing import Final

import msgspec

SUITE_FAILED: Final = "suite_failed"
"""The cause of a run whose answers are not all what its suite demands; its figures are right nevertheless."""


class SuiteAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a model answered to one prompt of a suite."""

    id: str
    text: str | None
    """None where the launch gave none."""
    passed: bool
    why: str | None = None
    """What the answer lacks, or why there is none; None where it passed."""


class SuiteResult(msgspec.Struct, frozen=True, kw_only=True):
    """How a model answered a prompt suite."""

    name: str
    answers: list[SuiteAnswer]
    passed: int
    of: int


class SubjectScore(msgspec.Struct, frozen=True, kw_only=True):
    """How many questions of one subject were answered rightly."""

    right: int
    of: int
    unanswered: list[str] = []
    """The ids of questions without a letter in the answer; they count as wrong."""


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """What workload eval found out."""

    subjects: dict[str, SubjectScore] = {}
    right: int = 0
    of: int = 0
    accuracy: float | None = None
    """The share of right answers; None where no questions were asked."""
    low: float | None = None
    """Of its interval (95 %, Wilson); so is high."""
    high: float | None = None
    perplexity: float | None = None
