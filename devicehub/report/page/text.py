"""Texts of anybody's as HTML, and elements as short as HTML allows. Pure.

End tags that HTML leaves out are left out: a report of 500 cells goes by mail.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def text(value: str) -> str:
    """A text as one line of HTML: markup is escaped, what moves a cursor or turns the line is a `?`."""
    return escape("".join(char if char.isprintable() else "?" for char in value.replace("\n", " ")))


def table(
    heads: Sequence[str], rows: Iterable[Iterable[str]], kind: str = "", *, searched: bool = False
) -> str:
    """A table in a box that scrolls by itself.

    Args:
        heads: of the columns, HTML.
        rows: of cells, HTML; a cell that begins with `<td` is taken as it is.
        kind: its class; `sort` lets a click on a head sort it.
        searched: the search hides its rows.
    """
    start = "<tr data-find>" if searched else "<tr>"
    body = "".join(
        start + "".join(cell if cell.startswith("<td") else f"<td>{cell}" for cell in row) for row in rows
    )
    head = "".join(f"<th scope=col>{each}" for each in heads)
    return f'<div class=box tabindex=0><table class="{kind}"><thead><tr>{head}<tbody>{body}</table></div>\n'


def figure(value: str) -> str:
    """A cell of a table whose text is a figure."""
    return f"<td class=n>{value}"
