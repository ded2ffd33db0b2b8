"""Bytes of any cut become lines, in bounded memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST_LINE: Final = 64 * 1024
r"""Bytes; a longer line comes in parts, the later ones marked as going on."""


class Line(NamedTuple):
    r"""One line as it was written.

    Attributes:
        text: without its end; bytes that are not UTF-8 become U+FFFD.
        end: `\n`, `\r\n`, or nothing where the line was cut or the input ended.
        goes_on: this is a later part of a line that was too long.
    """

    text: str
    end: str
    goes_on: bool = False


class LineSplitter:
    """Cuts a byte stream into lines; the same lines however the stream arrives."""

    def __init__(self, longest: int = LONGEST_LINE) -> None:
        self._longest = longest
        self._rest = bytearray()
        self._goes_on = False

    @property
    def rest(self) -> str:
        """What has come of a line that has not ended; a character that was cut is left out."""
        return bytes(self._rest).decode(errors="ignore")

    @property
    def goes_on(self) -> bool:
        """Whether the rest is a later part of a line that was too long."""
        return self._goes_on

    def receive(self, data: bytes) -> Iterator[Line]:
        """Take bytes, give the lines that they complete."""
        *whole, rest = data.split(b"\n")
        for piece in whole:
            self._rest += piece
            yield from self._cut_long()
            yield self._take(b"\n")
        self._rest += rest
        yield from self._cut_long()

    def finish(self) -> Iterator[Line]:
        """Give what stands after the last line end, if anything does."""
        if self._rest:
            yield self._take(b"")

    def _cut_long(self) -> Iterator[Line]:
        while len(self._rest) > self._longest:
            part = Line(self._rest[: self._longest].decode(errors="replace"), "", self._goes_on)
            del self._rest[: self._longest]
            self._goes_on = True
            yield part

    def _take(self, end: bytes) -> Line:
        text = bytes(self._rest)
        if end and text.endswith(b"\r"):
            text, end = text[:-1], b"\r\n"
        line = Line(text.decode(errors="replace"), end.decode(), self._goes_on)
        self._rest.clear()
        self._goes_on = False
        return line
