"""What a table is given to lay out: columns and rows. Knows no Textual."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len, set_cell_size

if TYPE_CHECKING:
    from collections.abc import Sequence

MARGIN: Final = 2
"""Columns of a table on the left, for the cursor's sign and the mark."""
_LEAST_HALVES: Final = 9
"""Columns from which on a shortened text says something on both sides."""
_LEAST: Final = 5
"""This many columns are shown in any window."""


@dataclass(frozen=True)
class Column:
    """One column as it is laid out.

    Attributes:
        name: what it shows; the caller knows how.
        width: in terminal columns, without the gap of one after it.
    """

    name: str
    title: str
    width: int
    right: bool = False


@dataclass(frozen=True)
class Row:
    """One line of a table: a thing by its key, or with `heading` the title of a group."""

    key: str
    heading: str | None = None


@dataclass(frozen=True)
class Field:
    """A column that may be shown.

    Attributes:
        rank: the lower, the narrower the window in which it is still shown.
        widest: how far it grows where there is room.
    """

    name: str
    title: str
    rank: int
    width: int
    widest: int = 0
    right: bool = False


def lay_out(fields: Sequence[Field], width: int) -> list[Column]:
    """The fields that fit a window, by rank; then they grow together as far as there is room."""
    room = width - MARGIN
    shown: list[Field] = []
    for field in sorted(fields, key=lambda field: field.rank):
        if len(shown) >= _LEAST and field.width + 1 > room:
            break
        shown.append(field)
        room -= field.width + 1
    widths = {field.name: field.width for field in shown}
    while room > 0 and (growing := [field for field in shown if widths[field.name] < field.widest]):
        for field in growing[:room]:
            widths[field.name] += 1
            room -= 1
    return [
        Column(field.name, field.title, widths[field.name], right=field.right)
        for field in fields
        if field.name in widths
    ]


def shorten(text: str, width: int) -> str:
    """Text in at most so many columns; where that is less than it needs, `…` stands for its middle."""
    if cell_len(text) <= width or width < _LEAST_HALVES:
        return text
    tail = text[-(width // 2 - 1) :].lstrip()
    head = set_cell_size(text, width - 1 - cell_len(tail)).rstrip()
    return f"{head}…{tail}"


def fit(text: str, width: int, *, right: bool = False) -> str:
    """Text in exactly so many columns; where it is cut off stands `…`, for a control character a box."""
    if not text.isprintable():
        text = "".join(char if char.isprintable() else "\ufffd" for char in text)
    length = len(text) if text.isascii() else cell_len(text)
    if length > width:
        text = set_cell_size(text, width - 1) + "…" if width > 1 else set_cell_size(text, width)
        length = cell_len(text)
    blank = " " * (width - length)
    return blank + text if right else text + blank
