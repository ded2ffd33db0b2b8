"""What the exporter's child process leaves behind when it has come to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from pathlib import Path


class ChildResult(msgspec.Struct, frozen=True, kw_only=True):
    """How the exporter ended.

    Attributes:
        error: what went wrong; empty where it came to its end.
        seconds: from the child's first line to the exporter's end, imports included.
        peak_bytes: the most memory it had at once.
        versions: of Python and of the libraries that shape the output.
        options: llmexport's, as it was given them.
    """

    error: str
    seconds: float
    peak_bytes: int
    versions: dict[str, str]
    options: list[str]


def read_result(file: Path) -> ChildResult | None:
    """The result that a child published; None where there is none, or none that can be understood."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=ChildResult)
    except (OSError, msgspec.DecodeError):
        return None
