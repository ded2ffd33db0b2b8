"""Listens to the exporter's child: what it says goes to the log, how far it is to whoever wants to know."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from typing import TYPE_CHECKING, Final

from devicehub.errors import InputError
from devicehub.export.output import Event, Output, Said
from devicehub.export.stages import Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path
    from typing import BinaryIO

    from devicehub.clock import Clock
    from devicehub.export.progress import Pace, Progress

_PIECE: Final = 64 * 1024
_TAIL_LINES: Final = 12
_CONVERTER_LINES: Final = 4
_TELL_S: Final = 0.2
"""At most so often progress is told within a stage."""
_SILENCE_S: Final = 1.0
"""So often progress is told while the child says nothing: MNN's converter stops even the spinner."""


class Listener:
    """Reads a child's output to its end."""

    def __init__(
        self, pace: Pace, log: BinaryIO, log_file: Path, *, clock: Clock, tell: Callable[[Progress], None]
    ) -> None:
        self._pace = pace
        self._log = log
        self._log_file = log_file
        self._clock = clock
        self._tell = tell
        self._told: tuple[Stage, float] | None = None
        self._tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self._converter_tail: list[str] = []

    @property
    def tail(self) -> tuple[str, ...]:
        """The last lines that were said; before them the converter's, where it was at work."""
        converts = self._pace.stage in (Stage.CONVERT, Stage.QUANTIZE)
        return (*(self._converter_tail if converts else ()), *self._tail)

    async def listen(self, stream: asyncio.StreamReader) -> None:
        """Take what a stream gives until it ends.

        Raises:
            InputError: the log cannot be written.
        """
        output = Output()
        while True:
            try:
                async with asyncio.timeout(_SILENCE_S):
                    data = await stream.read(_PIECE)
            except TimeoutError:
                self.tell()
                continue
            if not data:
                break
            self._take(output.receive(data))
        self._take(output.close())

    def enter(self, stage: Stage) -> None:
        """A stage begins that the child knows nothing of."""
        self._pace.enter(stage, now_s=self._clock.monotonic_s())
        self.tell()

    def tell(self) -> None:
        """Tell the progress, unless it was told a moment ago and the stage is the same."""
        now_s = self._clock.monotonic_s()
        if self._told and self._told[0] is self._pace.stage and now_s - self._told[1] < _TELL_S:
            return
        self._told = self._pace.stage, now_s
        self._tell(self._pace.at(now_s))

    def add_converter_log(self, file: Path) -> None:
        """Append to the log what MNN's converter wrote into a file of its own.

        Raises:
            InputError: the log cannot be written.
        """
        try:
            text = file.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return  # nothing was converted
        said = [event.text for event in Output().receive(f"{text}\n".encode()) if isinstance(event, Said)]
        if said:
            self._write(["", "MNN's converter:", *said])
            self._converter_tail = said[-_CONVERTER_LINES:]

    def _take(self, events: Iterable[Event]) -> None:
        now_s = self._clock.monotonic_s()
        lines = []
        for event in events:
            self._pace.apply(event, now_s=now_s)
            self.tell()
            if isinstance(event, Said):
                lines.append(event.text)
        self._write(lines)
        self._tail.extend(lines)

    def _write(self, lines: list[str]) -> None:
        try:
            self._log.write("".join(f"{line}\n" for line in lines).encode(errors="replace"))
            self._log.flush()
        except OSError as error:
            problem = f"cannot be written: {error.strerror}"
            raise InputError(
                self._log_file, problem, remedy="free space there, or name another log"
            ) from error


@contextlib.contextmanager
def opened_log(file: Path) -> Iterator[BinaryIO]:
    """A log that is written anew.

    Raises:
        InputError: it cannot be written.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        stream = file.open("wb")
    except OSError as error:
        raise InputError(file, f"cannot be written: {error.strerror}", remedy="name another log") from error
    with stream:
        yield stream
