"""Texts in the columns of a terminal, where not every character takes one. Pure."""

from __future__ import annotations

import unicodedata


def text_width(text: str) -> int:
    """Columns that a text takes on a terminal: wide characters take two, combining marks none."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )


def wrap_text(text: str, width: int) -> list[str]:
    """Break a text into lines of at most so many columns, at blanks where it has them; never no line."""
    return [part for line in text.split("\n") for part in _wrap_line(line, width)]


def _wrap_line(text: str, width: int) -> list[str]:
    if text_width(text) <= width:
        return [text]
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if text_width(longer) <= width:
            line = longer
            continue
        if line:
            lines.append(line)
        while text_width(word) > width:
            cut = fitting(word, width)
            lines.append(word[:cut])
            word = word[cut:]
        line = word
    return [*lines, line] if line else lines


def fitting(text: str, width: int) -> int:
    """How many characters of a text fit into so many columns, at least one."""
    taken = 0
    for number, char in enumerate(text):
        taken += text_width(char)
        if taken > width:
            return max(number, 1)
    return len(text)
