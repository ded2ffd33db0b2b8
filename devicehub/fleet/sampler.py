"""Looks at phones that have nothing to do: one shell each, which tells a line a second.

A phone that runs something is told of by its run's own sampler: a second one would cost what is measured.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from devicehub.adb.shell import open_shell
from devicehub.adb.wire import Stdout
from devicehub.errors import HubError
from devicehub.fleet.followers import Followers
from devicehub.fleet.watch_script import WATCH_SCRIPT
from devicehub.runs.retry import backoff_s
from devicehub.telemetry.sample import SampleReader

if TYPE_CHECKING:
    from collections.abc import Callable

    from devicehub.adb.client import Transport
    from devicehub.clock import Clock
    from devicehub.telemetry.sample import Sample

SILENT_S: Final = 10.0
"""A phone that told nothing for so long is asked anew; dumpsys alone may take four."""
_FIRST_WAIT_S: Final = 2.0
_LONGEST_WAIT_S: Final = 60.0
_SETTLED_S: Final = 30.0
"""A stream that held so long had a good start."""


class Sampler(Followers):
    """Reads the phones that it is told to read.

    Args:
        transport: the way to a device by its id, raising HubError where there is none now.
        on_sample: takes a device's id and its next sample; never blocks.
        clock: paces the tries.
        on_heard: is told of a device that said anything; cheap.
        on_silent: is told of a device whose stream said nothing for `silent_s` seconds, broke off or could
            not be opened.
        silent_s: how long a phone may be silent.
    """

    def __init__(
        self,
        transport: Callable[[str], Transport],
        on_sample: Callable[[str, Sample], None],
        clock: Clock,
        *,
        on_heard: Callable[[str], None] = lambda _device: None,
        on_silent: Callable[[str], None] = lambda _device: None,
        silent_s: float = SILENT_S,
    ) -> None:
        super().__init__(self._read_on, clock)
        self._transport = transport
        self._on_sample = on_sample
        self._on_heard = on_heard
        self._on_silent = on_silent
        self._silent_s = silent_s

    async def _read_on(self, device: str) -> None:
        """Read one phone, again and again, with more patience after each failure."""
        failures = 0
        while True:
            began_s = self._clock.monotonic_s()
            try:
                await self._read(device)
            except (HubError, TimeoutError):
                self._on_silent(device)
            if self._clock.monotonic_s() - began_s >= _SETTLED_S:
                failures = 0
            failures += 1
            await self._clock.sleep(backoff_s(failures, first_s=_FIRST_WAIT_S, longest_s=_LONGEST_WAIT_S))

    async def _read(self, device: str) -> None:
        reader = SampleReader()
        now_s = asyncio.get_running_loop().time
        async with (
            asyncio.timeout(self._silent_s) as patience,
            open_shell(self._transport(device), WATCH_SCRIPT) as shell,
        ):
            async for event in shell:
                patience.reschedule(now_s() + self._silent_s)
                self._on_heard(device)
                if isinstance(event, Stdout):
                    for sample in reader.feed(event.data):
                        self._on_sample(device, sample)
