"""What the regular expressions of a custom workload found in one source of lines."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from devicehub.profiles.custom import COUNTERS, NUMBERS
from devicehub.workloads.record import Record, finite, whole

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from devicehub.profiles.custom import Custom, Stream

SEARCHED: Final = 2000
"""Characters of a line that are searched: a search may cost more than their square."""
MOST_ROWS: Final = 1000
"""Rows of one pattern that are kept, the first ones."""

_COUNTS: Final = frozenset({"threads", "prompt_tokens", "decode_tokens", "model_size_bytes"})
_NO_NUMBER: Final = re.compile(r"[-+]?(?:nan(?:\(\w*\))?|inf(?:inity)?)", re.IGNORECASE)


class Match(NamedTuple):
    """A line in which a pattern was found, and what its named groups hold."""

    line: str
    groups: Mapping[str, str | None]


class Patterns:
    """The compiled regular expressions of a table, by what they are for.

    Raises:
        re.error: one is none; a profile that was checked has none such.
    """

    def __init__(self, custom: Custom) -> None:
        self.custom = custom
        self.counters = [re.compile(counter.regex) for counter in custom.counters]
        self.success = [re.compile(success.regex) for success in custom.success]
        self.failures = [re.compile(failure.regex) for failure in custom.failures]

    def searches(self, stream: Stream) -> bool:
        """Whether any pattern wants lines of this stream."""
        custom = self.custom
        streams = [pattern.streams for pattern in custom.counters]
        streams += [pattern.streams for pattern in custom.success]
        streams += [pattern.streams for pattern in custom.failures]
        return any(stream in wanted for wanted in streams)


class Finds:
    """Lines of one stream of one launch, searched as they come.

    Attributes:
        counters: by the pattern's place in the table: its matches in order, or the last alone.
        success: by place, the first line.
        failures: by place, the first line.
    """

    def __init__(self, patterns: Patterns, stream: Stream) -> None:
        custom = patterns.custom
        self.counters: dict[int, list[Match]] = {}
        self.success: dict[int, str] = {}
        self.failures: dict[int, str] = {}
        self._counters = _of_stream(stream, custom.counters, patterns.counters)
        self._success = _of_stream(stream, custom.success, patterns.success)
        self._failures = _of_stream(stream, custom.failures, patterns.failures)

    def take(self, line: str) -> None:
        """Search one line."""
        line = line[:SEARCHED]
        for place, counter, regex in self._counters:
            if match := regex.search(line):
                found = self.counters.setdefault(place, [])
                if counter.take == "last":
                    found.clear()
                if len(found) < MOST_ROWS:
                    found.append(Match(line, match.groupdict()))
        for patterns, first in ((self._success, self.success), (self._failures, self.failures)):
            for place, _, regex in patterns:
                if place not in first and regex.search(line):
                    first[place] = line


def _of_stream(
    stream: Stream, patterns: Sequence[Any], compiled: Sequence[re.Pattern[str]]
) -> list[tuple[int, Any, re.Pattern[str]]]:
    return [
        (place, pattern, regex)
        for place, (pattern, regex) in enumerate(zip(patterns, compiled, strict=True))
        if stream in pattern.streams
    ]


def make_records(custom: Custom, finds: Mapping[Stream, Finds], tool: str) -> tuple[list[Record], list[str]]:
    """The figures as records, and sentences on those that are no numbers.

    Each match of a pattern that takes `all` is a record, completed by what the others found last; without
    one, that alone is the record. Of a counter that several patterns find, the later in the table counts.
    """
    shared: dict[str, str] = {}
    rows: list[dict[str, str]] = []
    shared_from: list[str] = []
    rows_from: list[list[str]] = []
    for place, counter in enumerate(custom.counters):
        for stream in dict.fromkeys(counter.streams):
            for match in finds[stream].counters.get(place, ()):
                values = {name: text for name, text in match.groups.items() if text is not None}
                if counter.take == "all":
                    rows.append(values)
                    rows_from.append([stream])
                elif values:
                    shared |= values
                    shared_from.append(stream)
    if not rows and shared:
        rows, rows_from = [{}], [[]]
    doubts: dict[str, None] = {}
    records = [
        _record(shared | row, [*row_from, *shared_from], tool, doubts)
        for row, row_from in zip(rows, rows_from, strict=True)
    ]
    return records, list(doubts)


def _record(values: Mapping[str, str], streams: Sequence[str], tool: str, doubts: dict[str, None]) -> Record:
    fields: dict[str, Any] = {}
    for name in COUNTERS:
        if name not in values:
            continue
        text = values[name].strip()
        fields[name] = _value(name, text)
        if fields[name] is None and not _NO_NUMBER.fullmatch(text):
            doubts[f"{name} is read as {text!r}, which is no number"] = None
    return Record(tool=tool, source="+".join(dict.fromkeys(_SOURCES[name] for name in streams)), **fields)


def _value(name: str, text: str) -> object:
    if name not in NUMBERS:
        return text
    return whole(text) if name in _COUNTS else finite(text)


_SOURCES: Final = {"stdout": "stdout", "stderr": "stderr", "log": "logcat", "result": "result"}
