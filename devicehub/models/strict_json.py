"""Reads JSON as strictly as the engine does, and goes on behind what the engine stops at. Pure.

rapidjson drops the whole file at the first of these flaws, and MNN says nothing of it (seen with MNN 3.6.1):
comments, trailing commas, NaN, numbers beyond a double, raw control characters, halves of surrogates.
Of a key that stands twice it takes the first, where Python takes the last.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_TOKEN: Final = re.compile(
    r'"(?:[^"\\\n]|\\.)*"|(?P<comment>//[^\r\n]*|/\*.*?\*/|\#[^\r\n]*)|(?P<comma>,)|(?P<blank>\s+)'
    r'|[^"/\#,\s}\]]+|.',
    re.DOTALL,
)
_BOM: Final = "\ufeff"
_NOT_BLANK: Final = re.compile(r"\S")
_MOST_NOTES: Final = 50
_MOST_BYTES: Final = 256 << 20
"""A config.json has a few thousand, the llm.mnn.json of a large model some millions."""


class FlawKind(StrEnum):
    """What is wrong with a text that claims to be JSON."""

    COMMENT = "comment"
    COMMA = "comma"
    """Before a closing bracket."""
    BOM = "bom"
    TWICE = "twice"
    """A key that an object has already; the engine reads on."""
    NUMBER = "number"
    """NaN, an infinity, or a number beyond a double."""
    SYNTAX = "syntax"
    ENCODING = "encoding"
    SHAPE = "shape"
    """It is JSON, but no object."""


MENDABLE: Final = frozenset({FlawKind.COMMENT, FlawKind.COMMA, FlawKind.BOM})
"""These can be cut out without a change of meaning."""


@dataclass(frozen=True)
class Flaw:
    """One thing that is wrong.

    Attributes:
        line: where it stands, from 1; 0 where it is the file as a whole.
        start: its first character in the text.
        end: the one behind its last.
        what: a sentence's rest, or the name of a key that stands twice.
    """

    kind: FlawKind
    line: int
    start: int
    end: int
    what: str


@dataclass(frozen=True)
class Reading:
    """What a text says, and all that is wrong with it.

    Attributes:
        text: as it is.
        value: the object, read past what can be cut out; None where even then it is none.
    """

    text: str
    value: dict[str, Any] | None
    flaws: tuple[Flaw, ...]

    @property
    def is_dropped(self) -> bool:
        """Whether the engine takes nothing of it."""
        return any(flaw.kind is not FlawKind.TWICE for flaw in self.flaws)


def read_json(data: bytes) -> Reading:
    """Read an object; never raises."""
    if len(data) > _MOST_BYTES:
        return _unread("", FlawKind.SHAPE, f"is {len(data)} bytes long, far too much for its kind")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        return _unread("", FlawKind.ENCODING, "is not UTF-8", line=line)
    value, flaws = _parse(text)
    if value is not None or not text:
        return Reading(text, value, tuple(flaws))
    cuts = _find_cuts(text)
    if not cuts:
        return Reading(text, None, tuple(flaws))
    value, flaws = _parse(_blank_out(text, cuts))
    return Reading(text, value, tuple(sorted([*cuts, *flaws], key=lambda flaw: flaw.start)))


def cut_out(reading: Reading) -> str:
    """The text without comments, trailing commas and byte order mark; a line that held only such goes too."""
    text, at, pieces = reading.text, 0, []
    for flaw in reading.flaws:
        if flaw.kind not in MENDABLE:
            continue
        start, end = flaw.start, flaw.end
        if flaw.kind is FlawKind.COMMENT:
            line_start = text.rfind("\n", 0, start) + 1
            line_end = text.find("\n", end)
            line_end = len(text) if line_end < 0 else line_end
            before_is_blank = not text[line_start:start].strip() and line_start >= at
            behind_is_blank = not text[end:line_end].strip()
            if before_is_blank and behind_is_blank:
                start, end = line_start, min(line_end + 1, len(text))
            elif behind_is_blank:
                start = max(at, line_start + len(text[line_start:start].rstrip()))
                end = line_end - text[end:line_end].endswith("\r")
        pieces.append(text[at:start])
        at = end
    return "".join([*pieces, text[at:]])


def _blank_out(text: str, cuts: Sequence[Flaw]) -> str:
    """The text with blanks in their place: all else stays on its line."""
    pieces, at = [], 0
    for flaw in cuts:
        pieces += [text[at : flaw.start], re.sub(r"[^\n]", " ", text[flaw.start : flaw.end])]
        at = flaw.end
    return "".join([*pieces, text[at:]])


def _find_cuts(text: str) -> list[Flaw]:
    found: list[Flaw] = []
    if text.startswith(_BOM):
        found.append(Flaw(FlawKind.BOM, 1, 0, 1, "begins with a byte order mark"))
    comma: int | None = None
    line, counted = 1, 0
    for match in _TOKEN.finditer(text, len(_BOM) if found else 0):
        start = match.start()
        if match["blank"]:
            continue
        line, counted = line + text.count("\n", counted, start), start
        if match["comment"]:
            what = "a comment, which JSON does not know"
            found.append(Flaw(FlawKind.COMMENT, line, start, match.end(), what))
            continue
        if comma is not None and match[0] in ("}", "]"):
            at = line - text.count("\n", comma, start)
            what = "a trailing comma, which JSON does not allow"
            found.append(Flaw(FlawKind.COMMA, at, comma, comma + 1, what))
        comma = start if match["comma"] else None
    return sorted(found, key=lambda flaw: flaw.start)


class _Collector:
    """Notes what Python's reader lets pass and the engine's does not, or reads otherwise."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.flaws: list[Flaw] = []

    def number(self, word: str) -> float:
        """A word for a number that JSON does not have."""
        self._note(FlawKind.NUMBER, word, f"{_short(word)} is no number that JSON knows")
        return math.nan

    def real(self, text: str) -> float:
        value = float(text)
        if math.isinf(value):
            self._note(FlawKind.NUMBER, text, f"{_short(text)} is beyond every number that the engine reads")
        return value

    def whole(self, text: str) -> int | float:
        # Python refuses to convert more digits; the engine takes what exceeds 64 bits for a fraction.
        return int(text) if len(text) < 20 else self.real(text)

    def pairs(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value: dict[str, Any] = {}
        for key, one in pairs:
            if key in value:
                self._note(FlawKind.TWICE, json.dumps(key, ensure_ascii=False), key, again=True)
                continue
            value[key] = one
        return value

    def _note(self, kind: FlawKind, word: str, what: str, *, again: bool = False) -> None:
        place = self._text.find(word)
        if again:
            later = self._text.find(word, place + 1)
            place = later if later >= 0 else place
        place = max(place, 0)
        line = self._text.count("\n", 0, place) + 1
        if len(self.flaws) < _MOST_NOTES:
            self.flaws.append(Flaw(kind, line, place, place + len(word), what))


def _parse(text: str) -> tuple[dict[str, Any] | None, list[Flaw]]:
    notes = _Collector(text)
    try:
        value = json.loads(
            text,
            object_pairs_hook=notes.pairs,
            parse_constant=notes.number,
            parse_float=notes.real,
            parse_int=notes.whole,
        )
    except json.JSONDecodeError as error:
        return None, [Flaw(FlawKind.SYNTAX, error.lineno, error.pos, error.pos, _why(error))]
    except RecursionError:
        return None, [Flaw(FlawKind.SHAPE, 0, 0, 0, "is nested too deeply")]
    flaws = notes.flaws
    if "\\ud" in text.lower() and (surrogate := _find_surrogate(value)) is not None:
        flaws.append(Flaw(FlawKind.SYNTAX, 0, 0, 0, f"holds half of a character in {surrogate}"))
    if not isinstance(value, dict):
        return None, [*flaws, Flaw(FlawKind.SHAPE, 0, 0, 0, "is not a JSON object")]
    return value, flaws


def _find_surrogate(value: object) -> str | None:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            waiting += [*one, *one.values()]
        elif isinstance(one, list):
            waiting += one
        elif isinstance(one, str) and any("\ud800" <= char <= "\udfff" for char in one):
            return ascii(one)[:40]
    return None


def _unread(text: str, kind: FlawKind, what: str, *, line: int = 0) -> Reading:
    return Reading(text, None, (Flaw(kind, line, 0, 0, what),))


def _why(error: json.JSONDecodeError) -> str:
    if not _NOT_BLANK.search(error.doc):
        return "the file is empty"
    return f"is not valid JSON ({error.msg}, column {error.colno})"


def _short(text: str) -> str:
    return text if len(text) <= 20 else f"{text[:17]}..."
