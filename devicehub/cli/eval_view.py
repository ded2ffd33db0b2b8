"""How a run answered the questions of workload eval: a row for each subject."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devicehub.cli.output import emphasize, print_table, terminal_width

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devicehub.runs.model import RunRecord

_MOST_IDS: Final = 12


def accuracy_text(record: RunRecord) -> str | None:
    """The share of right answers with its interval; None where no questions were asked."""
    found = record.evaluation
    if found is None or found.accuracy is None:
        return None
    text = f"{found.accuracy:.1%}, {found.right} of {found.of}"
    return (
        text if found.low is None or found.high is None else f"{text} ({found.low:.1%} to {found.high:.1%})"
    )


def perplexity_text(record: RunRecord) -> str | None:
    """The perplexity of the text; None where none was measured."""
    found = record.evaluation
    return None if found is None or found.perplexity is None else f"{found.perplexity:.2f}"


def print_subjects(records: Sequence[RunRecord]) -> None:
    """Print of each run that was asked questions how many of each subject it answered rightly."""
    for record in records:
        if record.evaluation is None or not record.evaluation.subjects:
            continue
        print(emphasize("\nquestions" if len(records) == 1 else f"\n{record.id}: questions"))
        rows = [
            (subject, f"{score.right / score.of:.1%}", f"{score.right} of {score.of}", _ids(score.unanswered))
            for subject, score in record.evaluation.subjects.items()
        ]
        print_table(("subject", "right", "", "named no choice"), rows, room=terminal_width())


def _ids(ids: Sequence[str]) -> str:
    """Of many questions the first ones."""
    more = len(ids) - _MOST_IDS
    return ", ".join(ids[:_MOST_IDS]) + (f" and {more} more" if more > 0 else "")
