"""Reads the named statements of queries.sql."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Final

_BLOCK: Final = re.compile(
    r"^-- name: (?P<name>\w+)\n-- (?P<what>.+)\n(?P<sql>(?:(?!-- name:).*\n)+)", re.MULTILINE
)


@cache
def load_queries() -> dict[str, str]:
    """Each statement by its name."""
    text = Path(__file__).with_name("queries.sql").read_text(encoding="utf-8")
    return {block["name"]: block["sql"].strip() for block in _BLOCK.finditer(text)}
