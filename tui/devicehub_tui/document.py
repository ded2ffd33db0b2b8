"""Reads from a document of JSON of unsure shape; what is not as expected is as if it were not there."""

from __future__ import annotations

import math
from typing import Any


def at(document: Any, *path: str) -> Any:
    """What stands under the keys, one below the other; None where any of them is missing."""
    for key in path:
        if not isinstance(document, dict):
            return None
        document = document.get(key)
    return document


def items(found: Any) -> list[Any]:
    """A list as it is; anything else is an empty one."""
    return found if isinstance(found, list) else []


def text(found: Any) -> str:
    """A text as it is; anything else is an empty one."""
    return found if isinstance(found, str) else ""


def number(found: Any) -> float | None:
    """A finite number; None for anything else."""
    if isinstance(found, bool) or not isinstance(found, int | float) or not math.isfinite(found):
        return None
    return found
