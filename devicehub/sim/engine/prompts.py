"""How llm_demo reads its prompt file and its arguments. Pure."""

from __future__ import annotations

import re
from typing import Final

CEVAL_HEADER: Final = b"id,question,A,B,C,D,answer"
"""A first line that makes llm_demo take the file for a C-Eval table."""

_INT_MIN: Final = -(2**31)
_INT_MAX: Final = 2**31 - 1


def read_prompts(content: bytes) -> list[bytes]:
    """One prompt per line: empty lines are dropped, one carriage return at a line's end as well.

    Lines that begin with `#` stay; they are skipped later, so a file of them alone is not an empty one.
    """
    lines = content.split(b"\n")
    return [line.removesuffix(b"\r") for line in lines if line]


def parse_max_new_tokens(text: str) -> int:
    """What `std::istringstream >> int` makes of the third argument, which was -1 before."""
    text = text.lstrip(" \t\n\v\f\r")
    if not text:
        return -1
    found = re.match(r"[+-]?[0-9]+", text)
    return min(max(int(found[0]), _INT_MIN), _INT_MAX) if found else 0


def parse_csv(lines: list[bytes]) -> list[list[bytes]]:
    """The cells of a C-Eval table; a quoted cell may hold commas, doubled quotes and line ends."""
    content = b"".join(line + b"\n" for line in lines)
    rows: list[list[bytes]] = []
    row: list[bytes] = []
    cell = bytearray()
    quoted = False
    position = 0
    while position < len(content):
        char = content[position : position + 1]
        position += 1
        if char == b'"':
            if quoted and content[position : position + 1] == b'"':
                cell += char
                position += 1
            else:
                quoted = not quoted
        elif char == b"," and not quoted:
            row.append(bytes(cell))
            cell.clear()
        elif (char == b"\n" or position == len(content)) and not quoted:
            rows.append([*row, bytes(cell)])
            row = []
            cell.clear()
        else:
            cell += char
    return rows


def ceval_question(row: list[bytes]) -> bytes:
    """The prompt for one row of a C-Eval table.

    Raises:
        IndexError: the row is too short, where the real one reads past the end.
    """
    choices = b"".join(
        b"\n%s. %s" % (name, row[column]) for column, name in enumerate((b"A", b"B", b"C", b"D"), 2)
    )
    return row[1] + b"\n" + choices + b"\n\n"


def ceval_result_name(prompt_file: str) -> str:
    """The name of the file in the current folder that holds the answers."""
    return prompt_file.rpartition("/")[2].replace("_val", "_res", 1)
