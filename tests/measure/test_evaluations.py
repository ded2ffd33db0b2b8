"""Accuracies and their intervals from the launches of workload eval."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from devicehub.measure.evaluations import judge_evaluation, wilson, without_texts
from devicehub.runs.steps import Step
from devicehub.workloads.ceval import EvalAsked, EvalFile
from devicehub.workloads.choices import ChoiceAnswer
from devicehub.workloads.prompts import CEVAL_HEADER
from tests.dispatch.samples import header, launch

if TYPE_CHECKING:
    from devicehub.runs.model import Launch

TEXT = f"{CEVAL_HEADER}\nx0,Q,a,b,c,d,A\nx1,Q,a,b,c,d,B\n"
FILES = tuple(
    EvalFile(name=name, sha256="0" * 64, text=TEXT) for name in ("law_val.csv", "art_val.csv", "law_test.csv")
)
ASKED = EvalAsked(files=FILES, text_sha256="1" * 64, text_bytes=9)
HEADER = header(
    workload="eval",
    asked_eval=ASKED,
    steps=[Step(kind="fixture", prompt=0), *(Step(kind="measured", prompt=place) for place in range(4))],
)


def answered(order: int, letters: str) -> Launch:
    choices = [
        ChoiceAnswer(id=f"x{number}", said="", letter=letter if letter != "-" else None, gold="AB"[number])
        for number, letter in enumerate(letters)
    ]
    return replace(launch(), order=order, choices=choices)


def test_subjects_of_several_files_add_up() -> None:
    launches = [
        answered(2, "AB"),
        answered(3, "A-"),
        answered(4, "BB"),
        replace(launch(), order=5, perplexity=8.5),
    ]
    found = judge_evaluation(HEADER, launches)
    assert found is not None
    law, art = found.subjects["law"], found.subjects["art"]
    assert (law.right, law.of, law.unanswered) == (3, 4, [])
    assert (art.right, art.of, art.unanswered) == (1, 2, ["x1"])
    assert (found.right, found.of, found.accuracy, found.perplexity) == (4, 6, 4 / 6, 8.5)
    assert (found.low, found.high) == wilson(4, 6)


def test_file_whose_launch_was_not_made_is_unanswered() -> None:
    found = judge_evaluation(HEADER, [answered(2, "AB"), launch("failed", "segfault", 2)])
    assert found is not None
    assert found.subjects["art"].unanswered == ["x0", "x1"]
    assert (found.right, found.of, found.perplexity) == (2, 6, None)


def test_without_launches_or_questions_there_is_nothing_to_tell() -> None:
    assert judge_evaluation(HEADER, []) is None
    assert judge_evaluation(header(), [launch()]) is None


def test_perplexity_alone_has_no_accuracy() -> None:
    asked = replace(ASKED, files=())
    alone = header(workload="eval", asked_eval=asked, steps=[Step(kind="measured", prompt=0)])
    found = judge_evaluation(alone, [replace(launch(), order=1, perplexity=3.0)])
    assert found is not None
    assert (found.of, found.accuracy, found.low, found.high, found.perplexity) == (0, None, None, None, 3.0)


def test_record_keeps_names_and_hashes() -> None:
    kept = without_texts(ASKED)
    assert kept is not None
    assert [(file.name, file.text) for file in kept.files] == [(file.name, "") for file in FILES]
    assert without_texts(None) is None


# Wilson (1927), as R's prop.test(correct = FALSE) gives it.
@pytest.mark.parametrize(
    ("right", "count", "low", "high"),
    [(0, 10, 0.0, 0.27753), (10, 10, 0.72247, 1.0), (5, 10, 0.23659, 0.76341), (81, 263, 0.25529, 0.36621)],
)
def test_wilson(right: int, count: int, low: float, high: float) -> None:
    assert wilson(right, count) == pytest.approx((low, high), abs=2e-5)
