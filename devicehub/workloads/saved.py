"""A saved or pasted log becomes plain lines: encodings, colours, prefixes and progress lines undone."""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING, Final

from devicehub.android.lines import Line, LineSplitter

if TYPE_CHECKING:
    from collections.abc import Iterator

_ANSI: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])")
# Quoting, `grep -n`, `ts` and CI runners put these before a line.
_PREFIX: Final = re.compile(
    r"(?:> ?|\s|\(standard input\):(?:\d+:)?|[\w./-]{1,100}\.\w{1,5}:(?:\d+:)?|\d{1,9}[:-]"
    r"|\[[ \d:.,/TZ+-]{5,40}\] ?"
    r"|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?Z? ?|\d\d:\d\d:\d\d(?:[.,]\d+)? )+"
)
_KNOWN: Final = re.compile(
    r"#{33,34}\s*$|[\w ]{3,30}? = ?-?(?:[\d.]+|nan|inf)\b|config path is |prompt file is "
    r"|main, \d+, cost time|The device supports:|CPU Group: \[|Prepare for tuning|LLM init error|\| |PERF \|"
)


class SavedLines:
    """Bytes of a file become lines; UTF-16 is recognised by its mark or its zeros."""

    def __init__(self) -> None:
        self._splitter = LineSplitter()
        self._start: bytearray | None = bytearray()
        self._decoder: codecs.IncrementalDecoder | None = None

    def receive(self, data: bytes) -> Iterator[Line]:
        """Take bytes, give the lines that they complete."""
        if self._start is not None:
            self._start += data
            if len(self._start) < 4:
                return
            data = self._begin()
        yield from self._split(data, final=False)

    def finish(self) -> Iterator[Line]:
        """Give what is left."""
        data = self._begin() if self._start is not None else b""
        yield from self._split(data, final=True)
        for line in self._splitter.finish():
            yield clean(line)

    def _begin(self) -> bytes:
        start = bytes(self._start or b"")
        self._start = None
        encoding = _detect(start[:4])
        if encoding is not None:
            self._decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
        return start.removeprefix(codecs.BOM_UTF8)

    def _split(self, data: bytes, *, final: bool) -> Iterator[Line]:
        if self._decoder is not None:
            data = self._decoder.decode(data, final).encode(errors="replace")
        for line in self._splitter.receive(data):
            yield clean(line)


def clean(line: Line) -> Line:
    r"""Undo what terminals and tools did to a line; its end becomes `\n`."""
    text = line.text
    if "\x1b" in text:
        text = _ANSI.sub("", text)
    if "\0" in text or "\ufeff" in text:
        text = text.replace("\0", "").replace("\ufeff", "")
    if "\r" in text:
        # A progress line is overwritten in place: what was written last stands.
        text = next((part for part in reversed(text.split("\r")) if part), "")
    prefix = _PREFIX.match(text)
    if prefix and _KNOWN.match(text, prefix.end()):
        text = text[prefix.end() :]
    return Line(text, "\n" if line.end else "", line.goes_on)


def _detect(start: bytes) -> str | None:
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if len(start) == 4 and start[1] == start[3] == 0 and start[0] and start[2]:
        return "utf-16-le"
    if len(start) == 4 and start[0] == start[2] == 0 and start[1] and start[3]:
        return "utf-16-be"
    return None
