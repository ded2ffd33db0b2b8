"""The block of counters that llm_demo prints at the end, of every version.

One rule of 33 `#`, lines `name = value unit`, one rule of 34 `#`. Versions differ in the names (up to 3.0.1
two spaces before `=`; vision and audio times from 3.0.2, sample time from 3.1.0, pixels_mp from 3.2.4), so
lines are read by name and unknown names are passed over.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from devicehub.workloads.record import NUMBER, Record, finite, whole

OPENING: Final = "#" * 33
CLOSING: Final = "#" * 34

_FIELD: Final = re.compile(
    rf"\s*(?P<name>[A-Za-z][A-Za-z0-9_ ]{{0,40}}?)\s*=\s*(?P<value>{NUMBER})\s*(?:[A-Za-z/]{{1,8}})?\s*$",
    re.IGNORECASE,
)
MEDIA_FIELDS: Final = {
    "img": ("vision time", "pixels_mp"),
    "audio": ("audio process time", "audio input time", "audio time"),
}
"""What a block says of pictures and sounds, by the tag that the prompt names them with."""
_ALL_FIELDS: Final = frozenset(
    {
        *("prompt tokens num", "vision time", "pixels_mp", "audio process time", "audio input time"),
        *("prefill time", "decode time", "sample time", "prefill speed", "decode speed", "vision speed"),
        "audio RTF",
    }
)
"""Beside the count of decoded tokens, since 3.2.4."""
_DECODE_COUNTS: Final = ("decode tokens num", "output tokens num")
_MOST_FIELDS: Final = 40


class Step(Enum):
    """What a line was to the block."""

    OUTSIDE = "outside"
    INSIDE = "inside"
    COMPLETE = "complete"
    BROKEN = "broken"
    """An opened block met a line that no block holds: it was text."""
    REOPENED = "reopened"
    """The rule that closed the block before was the opening of this one: that block was text."""


@dataclass
class PerfBlock:
    """The fields of one whole block, by name, as printed."""

    fields: dict[str, str] = field(default_factory=dict)

    @property
    def prompt_tokens(self) -> int | None:
        """Over all prompts, the chat template included."""
        return whole(self.fields.get("prompt tokens num"))

    @property
    def decode_tokens(self) -> int | None:
        """Over all prompts, the end token included."""
        return next((whole(self.fields[name]) for name in _DECODE_COUNTS if name in self.fields), None)

    def number(self, name: str) -> float | None:
        """A figure; None where it is not there, nan or inf."""
        return finite(self.fields.get(name))

    @property
    def whole(self) -> bool:
        """Whether both counts and both speeds are there."""
        return {"prompt tokens num", "prefill speed", "decode speed"} <= self.fields.keys() and any(
            name in self.fields for name in _DECODE_COUNTS
        )

    @property
    def has_all_fields(self) -> bool:
        """Whether no line that current versions print lacks."""
        return self.whole and self.fields.keys() >= _ALL_FIELDS

    def has_read(self, kind: str) -> bool:
        """Whether a picture (`img`) or a sound (`audio`) was read: one of its figures is above 0."""
        return any(_positive(self.number(name)) for name in MEDIA_FIELDS.get(kind, ()))

    @property
    def healthy(self) -> bool:
        """Whether something was computed: tokens in, and finite speeds above 0 for what was asked."""
        if not self.prompt_tokens or not _positive(self.number("prefill speed")):
            return False
        return self.decode_tokens == 0 or (
            self.decode_tokens is not None and _positive(self.number("decode speed"))
        )

    @property
    def consistent(self) -> bool:
        """Whether each speed is its count over its time, as far as two decimals tell."""
        return _consistent(
            self.prompt_tokens, self.number("prefill time"), self.number("prefill speed")
        ) and _consistent(self.decode_tokens, self.number("decode time"), self.number("decode speed"))

    def record(self, *, source: str, load_ms: float | None, tuning_ms: float | None) -> Record:
        """The block as a record."""
        number = self.number
        audio_s = number("audio process time")
        return Record(
            tool="llm_demo",
            source=source,
            prompt_tokens=self.prompt_tokens,
            decode_tokens=self.decode_tokens,
            prefill_tok_s=number("prefill speed"),
            decode_tok_s=number("decode speed"),
            prefill_s=number("prefill time"),
            decode_s=number("decode time"),
            sample_s=number("sample time"),
            vision_s=number("vision time"),
            audio_s=audio_s if audio_s is not None else number("audio time"),
            pixels_mp=number("pixels_mp"),
            audio_input_s=number("audio input time"),
            load_ms=load_ms,
            tuning_ms=tuning_ms,
        )


class BlockReader:
    """Lines become blocks.

    Args:
        interleaved: other lines may stand between the block's own, as in a log; they are passed over.
    """

    def __init__(self, *, interleaved: bool = False) -> None:
        self._interleaved = interleaved
        self._open: PerfBlock | None = None
        self._may_reopen = False
        self.block: PerfBlock | None = None
        """The last whole block."""

    @property
    def is_open(self) -> bool:
        """Whether a block has begun and not ended."""
        return self._open is not None

    def take(self, line: str) -> Step:
        """Read one line."""
        rule = line.strip() if line.lstrip().startswith("#") else ""
        # Some rebuilt tools close with the shorter rule.
        closes = rule == CLOSING or (rule == OPENING and self._open is not None and self._open.whole)
        may_reopen, self._may_reopen = self._may_reopen, closes and rule == OPENING
        if may_reopen and _FIELD.match(line[:200]):
            self._open = PerfBlock()
            self._take_field(line, self._open)
            return Step.REOPENED
        if rule == OPENING and not closes:
            broken = self._open is not None
            self._open = PerfBlock()
            return Step.BROKEN if broken else Step.INSIDE
        if self._open is None:
            return Step.OUTSIDE
        if closes:
            block, self._open = self._open, None
            if not block.whole:
                return Step.BROKEN
            self.block = block
            return Step.COMPLETE
        return self._take_field(line, self._open)

    def _take_field(self, line: str, block: PerfBlock) -> Step:
        match = _FIELD.match(line) if len(line) < 200 else None
        if match and len(block.fields) < _MOST_FIELDS:
            block.fields[" ".join(match["name"].split())] = match["value"]
            return Step.INSIDE
        if self._interleaved or not line.strip():
            return Step.INSIDE
        self._open = None
        return Step.BROKEN


def _positive(value: float | None) -> bool:
    return value is not None and value > 0


def _consistent(tokens: int | None, seconds: float | None, speed: float | None) -> bool:
    if not tokens or seconds is None or speed is None:
        return True
    # The time is rounded to 0.01 s; 0.006 and 2 % leave room for how printf and floats round.
    slowest = tokens / (seconds + 0.006) * 0.98
    fastest = tokens / (seconds - 0.006) * 1.02 if seconds > 0.006 else float("inf")
    return slowest <= speed <= fastest
