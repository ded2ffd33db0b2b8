"""The stream of `ctl.sh follow`: bytes in, events out. Pure.

The agent puts a line `NONCE WORD` before each kind of content; the nonce is the hub's own and new for each
stream, so no file can hold it. WORD is `log`, `samples`, `stdout N` or `stderr N` (of launch N), `tick`
(nothing more for now), `launch_exit` (a launch's exit file follows, until the next mark), `exit` (those of
all launches and of the run follow), `lost` (what is left to tell of a run without supervisor follows) or
`end`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devicehub.adb.wire import overlap
from devicehub.runner.contract import STREAMS, StreamName

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True, slots=True)
class Data:
    """A piece of one of the run's files."""

    stream: StreamName
    data: bytes
    launch: int
    """Whose it is; 0 for log and samples."""


@dataclass(frozen=True, slots=True)
class LaunchText:
    """A launch has ended and all of its output was sent."""

    exit_text: bytes


@dataclass(frozen=True, slots=True)
class Tick:
    """The phone has sent all that there is so far."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The run has ended and all of its files were sent; the exit files of its launches and its own."""

    exit_text: bytes


@dataclass(frozen=True, slots=True)
class Vanished:
    """The run has neither supervisor nor exit file; all of its files were sent."""

    text: bytes
    """Lines of key=value; cause is among them."""


FrameEvent = Data | LaunchText | Tick | Ended | Vanished


_STREAMS: Final[Mapping[str, StreamName]] = {name: name for name in STREAMS}


class FrameDecoder:
    """One follow stream; what comes before its first mark, or under a word it does not know, is dropped."""

    def __init__(self, nonce: str) -> None:
        self._nonce = nonce.encode()
        self._held = b""
        self._word = ""
        self._launch = 0
        self._text = b""

    def receive(self, data: bytes) -> Iterator[FrameEvent]:
        """Take bytes; the events that they complete."""
        self._held += data
        while True:
            before, nonce, rest = self._held.partition(self._nonce)
            if not nonce:
                keep = overlap(before, self._nonce)
                self._held = before[len(before) - keep :]
                yield from self._content(before[: len(before) - keep])
                return
            line, newline, tail = rest.partition(b"\n")
            self._held = nonce + rest
            yield from self._content(before)
            if not newline:
                return
            self._held = tail
            yield from self._switch(line.strip().decode("ascii", "replace"))

    def _content(self, data: bytes) -> Iterator[FrameEvent]:
        if not data:
            return
        stream = _STREAMS.get(self._word)
        if stream is not None:
            yield Data(stream, data, self._launch)
        elif self._word in ("launch_exit", "exit", "lost"):
            self._text += data

    def _switch(self, words: str) -> Iterator[FrameEvent]:
        before = self._word
        self._word, _, number = words.partition(" ")
        self._launch = int(number) if number.isascii() and number.isdigit() and len(number) < 10 else 0
        if before == "launch_exit":
            yield LaunchText(self._text)
        if self._word == "tick":
            yield Tick()
        elif self._word == "end" and before == "exit":
            yield Ended(self._text)
        elif self._word == "end" and before == "lost":
            yield Vanished(self._text)
        self._text = b""
