"""How the engine reads a JSON value whose type is not the one that it asks for. Pure.

Since MNN 3.5 (ujson.hpp) nothing is converted: a number in quotes, true and null are 0 as a number, a
number is no text and no switch, and a fraction where a whole number is asked for is read bit by bit: 40.0
is 0. Seen with MNN 3.6.1: `"top_k": "40"` ends in SIGSEGV, `"use_template": 1` switches the template off.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Final

from devicehub.lint.keys import Kind

if TYPE_CHECKING:
    from devicehub.lint.keys import Key

_WIDEST: Final = 2**63
_EXACT: Final = 2**53
_SHOWN: Final = 40


def fits(kind: Kind, value: object) -> bool:
    """Whether a value is of the kind that the engine asks for."""
    match kind:
        case Kind.SWITCH:
            return isinstance(value, bool)
        case Kind.WHOLE:
            return isinstance(value, int) and not isinstance(value, bool) and -_WIDEST <= value < _WIDEST
        case Kind.REAL:
            return isinstance(value, int | float) and not isinstance(value, bool)
        case Kind.TEXT | Kind.FILE:
            return isinstance(value, str)
        case Kind.TEXTS:
            return isinstance(value, list) and all(isinstance(one, str) for one in value)
        case Kind.WHOLES:
            return isinstance(value, list) and all(fits(Kind.WHOLE, one) for one in value)
        case Kind.OBJECT:
            return isinstance(value, dict)


def as_read(kind: Kind, value: object) -> Any:
    """What the engine makes of a value."""
    if fits(kind, value):
        return value
    match kind:
        case Kind.SWITCH:
            return False
        case Kind.WHOLE | Kind.REAL:
            return 0
        case Kind.TEXT | Kind.FILE:
            return ""
        case Kind.TEXTS:
            return [as_read(Kind.TEXT, one) for one in value] if isinstance(value, list) else []
        case Kind.WHOLES:
            return [as_read(Kind.WHOLE, one) for one in value] if isinstance(value, list) else []
        case Kind.OBJECT:
            return {}


def meant(key: Key, value: object) -> Any:
    """A value of the right kind that one of the wrong kind plainly stands for; None where none does."""
    wanted: Any = None
    if isinstance(value, str) and key.kind in (Kind.WHOLE, Kind.REAL, Kind.SWITCH):
        wanted = {"true": True, "false": False}.get(value.strip().lower())
        if wanted is None and len(value) <= _SHOWN and value.isascii() and "_" not in value:
            try:
                wanted = int(value)
            except ValueError:
                wanted = _number(value)
    elif isinstance(value, float) and key.kind is Kind.WHOLE:
        wanted = int(value) if value.is_integer() and abs(value) < _EXACT else None
    elif isinstance(value, int) and key.kind is Kind.SWITCH and value in (0, 1):
        wanted = bool(value)
    return wanted if wanted is not None and fits(key.kind, wanted) else None


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def shown(value: object) -> str:
    """A value as it would stand in the file, cut to a length that a sentence can bear."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        text = type(value).__name__
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
