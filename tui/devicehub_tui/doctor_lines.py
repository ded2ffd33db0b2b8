"""What doctor found as lines: what stands in the way first, then the rest. Knows no Textual."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from devicehub.api.contract import Standing

if TYPE_CHECKING:
    from devicehub.api.contract import Report, Row
    from devicehub_tui.format import Cell, Meaning
    from devicehub_tui.run_lines import Lines

_HOST: Final = "host"
_SIGNS: Final[dict[Standing, Cell]] = {
    Standing.PROBLEM: ("✗ problem ", "bad"),
    Standing.WARNING: ("! warning ", "warn"),
    Standing.OK: ("✓ ok      ", "good"),
}
_NAME: Final = 14
_INDENT: Final = len("✓ ok      ")


def head(report: Report) -> Lines:
    """How much stands in the way, in a line."""
    counts = Counter(row.state for row in report.rows)
    told: list[Cell] = []
    kinds: tuple[tuple[Standing, str, Meaning], ...] = (
        (Standing.PROBLEM, "problem", "bad"),
        (Standing.WARNING, "warning", "warn"),
    )
    for state, name, meaning in kinds:
        if count := counts[state]:
            blank = "  " if told else ""
            told.append((f"{blank}{count} {name}{'s' if count != 1 else ''}", meaning))
    told = told or [("nothing stands in the way", "good")]
    what = f"model {report.model}, profile {report.profile}" if report.model else "no model chosen"
    return [[*told, (f"  {what}", "dim"), ("  d looks again", "dim")]]


def rows(report: Report, width: int) -> Lines:
    """The host, then one phone after the other; the worst of each first.

    Args:
        report: what was found.
        width: columns.
    """
    lines: Lines = []
    for subject in (_HOST, *report.phones):
        found = [row for row in report.rows if row.subject == subject]
        if not found:
            continue
        if lines:
            lines.append([])
        title = report.titles.get(subject)
        lines.append([(subject, "title"), (f"  {title}" if title else "", "")])
        for state in reversed(Standing):
            for row in found:
                if row.state is state:
                    lines += _row(row, width)
    if not report.phones:
        lines += [[], [("no phone is connected: plug one in with USB debugging on", "warn")]]
    return lines


def _row(row: Row, width: int) -> Lines:
    room = max(width - _INDENT - _NAME, 20)
    texts: list[tuple[str, Meaning]] = [(text, "") for text in _wrap(row.says, room)]
    if row.remedy:
        texts += [(text, "dim") for text in _wrap(f"-> {row.remedy}", room)]
    lines: Lines = []
    for number, (text, meaning) in enumerate(texts):
        sign: Cell = _SIGNS[row.state] if number == 0 else (" " * _INDENT, "")
        name = row.name if number == 0 else ""
        lines.append([sign, (f"{name:<{_NAME}}", "dim"), (text, meaning)])
    return lines


def _wrap(text: str, room: int) -> list[str]:
    """Broken at blanks; a word that is longer is left whole for the widget to break."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if len(longer) <= room or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
