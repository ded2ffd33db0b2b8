"""Reads the table of a state machine. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeVar

_StateT = TypeVar("_StateT", bound=StrEnum)
_EventT = TypeVar("_EventT", bound=StrEnum)


def read_table(
    text: str, states: type[_StateT], events: type[_EventT]
) -> dict[tuple[_StateT, _EventT], _StateT | None]:
    """The state that follows each state on each event; None where the event there is an error of ours.

    Args:
        text: a line of headings, then one row a state: its name, then a cell an event in the order of
            `events`. A cell is the next state's name, `.` (it stays) or `-` (an error).
        states: every name in the table.
        events: one a column.
    """
    table: dict[tuple[_StateT, _EventT], _StateT | None] = {}
    for row in text.strip().splitlines()[1:]:
        name, *cells = row.split()
        state = states(name)
        for event, cell in zip(events, cells, strict=True):
            table[state, event] = {".": state, "-": None}[cell] if cell in ".-" else states(cell)
    return table
