"""The topic `log`: phones' logs, read only while somebody wants them.

One logcat per phone, however many look on. This is for the screen: what a run is judged by is captured on the
phone (agent/PROTOCOL.md). Where logcat writes faster than the hub passes on, it waits, and Android's ring
drops the oldest lines; logd then ends logcat, and that shows as an interruption.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from devicehub.adb.shell import open_shell
from devicehub.adb.wire import Exit, Stderr
from devicehub.android.lines import LineSplitter
from devicehub.api.model import LogLines
from devicehub.errors import HubError
from devicehub.fleet.followers import Followers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from devicehub.adb.client import Transport
    from devicehub.clock import Clock

_BEFORE: Final = 200
"""So many older lines come first."""
_LONGEST: Final = 4096
"""Bytes of a line; logd itself cuts entries at about as many."""
_BATCH_LINES: Final = 250
_BATCH_CHARACTERS: Final = 48 * 1024
_PACE_S: Final = 0.1
"""Between two events of a phone: at most 2,500 lines a second."""
_BACKOFF_S: Final = (0.5, 1.0, 2.0, 5.0)
# "06-16 12:06:01.599"
_STAMP: Final = re.compile(r"[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}")
_SETTLED_S: Final = 30.0
"""A stream that held so long had a good start."""


class PhoneLogs(Followers):
    """Reads the logs of the phones that somebody wants to see.

    Args:
        transport: the way to a device by its id, raising where there is none now.
        publish: takes a device's id and its next lines; never blocks.
        clock: for the pace, and between two tries.
    """

    def __init__(
        self,
        transport: Callable[[str], Transport],
        publish: Callable[[str, LogLines], None],
        clock: Clock,
    ) -> None:
        super().__init__(self._read_on, clock)
        self._transport = transport
        self._publish = publish

    async def _read_on(self, device: str) -> None:
        """Read one phone's log, again and again, going on where it broke off."""
        place = LogPlace()
        failures = 0
        while True:
            began_s = self._clock.monotonic_s()
            problem = await self._read(device, place)
            if self._clock.monotonic_s() - began_s >= _SETTLED_S:
                failures = 0
            if failures == 0:  # said once, however often the phone is asked in vain after it
                self._publish(device, LogLines(device=device, lines=[f"--------- interrupted: {problem}"]))
            await self._clock.sleep(_BACKOFF_S[min(failures, len(_BACKOFF_S) - 1)])
            failures += 1

    async def _read(self, device: str, place: LogPlace) -> str:
        """Read one logcat to its end, which it does not have by itself; why it ended."""
        lines: asyncio.Queue[str | None] = asyncio.Queue(_BATCH_LINES)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._pass_on(device, lines))
            try:
                problem = await _collect(self._transport(device), place, lines)
            except HubError as error:
                problem = str(error)
            await lines.put(None)
        return problem

    async def _pass_on(self, device: str, lines: asyncio.Queue[str | None]) -> None:
        """Publish what has come, several lines at a time, until there is a None."""
        line = await lines.get()
        while line is not None:
            batch = [line]
            size = len(line)
            line = ""
            while line is not None and size < _BATCH_CHARACTERS and not lines.empty():
                line = lines.get_nowait()
                if line is not None:
                    batch.append(line)
                    size += len(line)
            self._publish(device, LogLines(device=device, lines=batch))
            if line is not None:
                await self._clock.sleep(_PACE_S)
                line = await lines.get()


async def _collect(transport: Transport, place: LogPlace, lines: asyncio.Queue[str | None]) -> str:
    said = b""
    async with open_shell(transport, place.resume()) as shell:
        async for event in shell:
            if isinstance(event, Exit):
                break
            if isinstance(event, Stderr):
                said = (said + event.data)[-400:]
                continue
            for line in place.receive(event.data):
                await lines.put(line)
    words = " ".join(said.decode("utf-8", "replace").split())
    return f"logcat ended: {words[:200]}" if words else "logcat ended"


class LogPlace:
    """How far a phone's log has been read: bytes in, lines that are new out, also after a break.

    logcat goes on by the time of an entry, which it takes to the millisecond and inclusively: what it repeats
    of the last one is left out.
    """

    def __init__(self) -> None:
        self._splitter = LineSplitter(_LONGEST)
        self._stamp: str | None = None
        self._at_stamp: Counter[str] = Counter()
        self._repeated: Counter[str] = Counter()

    def resume(self) -> str:
        """The command that prints what comes next."""
        self._splitter = LineSplitter(_LONGEST)
        self._repeated = Counter(self._at_stamp)
        begin = f"'{self._stamp}'" if self._stamp else str(_BEFORE)
        return f"logcat -v threadtime -T {begin}"

    def receive(self, data: bytes) -> Iterator[str]:
        """Take bytes, give the new lines that they complete."""
        for line in self._splitter.receive(data):
            if self._is_new(line.text):
                yield line.text

    def _is_new(self, line: str) -> bool:
        found = _STAMP.match(line)
        if found is None:
            # Each logcat says anew in which buffers it begins.
            return not (self._stamp and line.startswith("--------- beginning of"))
        if found[0] != self._stamp:
            self._stamp = found[0]
            self._at_stamp.clear()
            self._repeated.clear()
        elif self._repeated[line] > 0:
            self._repeated[line] -= 1
            return False
        if len(self._at_stamp) < _BATCH_LINES:
            self._at_stamp[line] += 1
        return True
