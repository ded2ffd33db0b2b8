"""How a run answered its prompt suite: a row for each prompt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devicehub.cli.output import emphasize, print_table, terminal_width

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devicehub.runs.model import RunRecord


def suite_text(record: RunRecord) -> str | None:
    """How many prompts were answered as the suite demands; None where none was asked."""
    suite = record.suite
    return None if suite is None else f"{suite.passed} of {suite.of} passed ({suite.name})"


def print_suites(records: Sequence[RunRecord]) -> None:
    """Print of each run that was asked a suite which prompts passed, and of the others why not."""
    for record in records:
        if record.suite is None:
            continue
        title = f"suite {record.suite.name}"
        print(emphasize(f"\n{title}" if len(records) == 1 else f"\n{record.id}: {title}"))
        rows = [
            (answer.id, "yes" if answer.passed else "no", answer.why or "") for answer in record.suite.answers
        ]
        print_table(("prompt", "passed", "why not"), rows, room=terminal_width())
