"""Finds ways to phones that adb lists and on which nobody answers, and connects them anew."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from devicehub.adb import shell
from devicehub.device.lifecycle import DeviceEvent, event_for
from devicehub.device.model import LOCAL
from devicehub.errors import AdbRefused, AdbTimeout, HubError
from devicehub.fleet.breaker import IN_VAIN, Breaker, Step
from devicehub.fleet.network import ADDRESS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from devicehub.adb.client import AdbClient, Transport
    from devicehub.adb.wire import DeviceLine
    from devicehub.clock import Clock
    from devicehub.fleet.door import ServerDoor
    from devicehub.fleet.network import Network

_LOOK_S: Final = 1.0
_ANSWER_S: Final = 10.0
"""A phone under load takes a second or two."""


@dataclass
class _Way:
    """One way to a phone, over its reconnections."""

    line: DeviceLine
    breaker: Breaker
    transport: Transport
    busy: bool = False


class Health:
    """Watches each way that adb calls usable, one task and at most one question for each.

    Args:
        client: the adb server.
        door: connects phones on the network.
        network: is told which of them were cut, so that they come back.
        clock: paces the questions.
        tell: is told of a phone that a person has to look at.
    """

    def __init__(
        self,
        client: AdbClient,
        door: ServerDoor,
        network: Network,
        clock: Clock,
        tell: Callable[[str], None],
    ) -> None:
        self._client = client
        self._door = door
        self._network = network
        self._clock = clock
        self._tell = tell
        self._ways: dict[str, _Way] = {}
        self._gone: dict[str, Breaker] = {}
        self._on_change: Callable[[], None] = lambda: None

    def see(self, lines: Sequence[DeviceLine]) -> list[DeviceLine]:
        """Take adb's newest list; the same list, in which a way on which nobody answers is `offline`."""
        serials = [line.serial for line in lines]
        now_s = self._clock.monotonic_s()
        before, self._ways = self._ways, {}
        seen = []
        for line in lines:
            if event_for(line.state) is not DeviceEvent.SEEN:
                seen.append(line)
                continue
            if line.serial == LOCAL:
                seen.append(line)  # this computer needs no question
                continue
            shared = serials.count(line.serial) > 1
            key = f"{line.serial}#{line.transport_id}" if shared else line.serial
            way = before.pop(key, None)
            if way is None or way.line != line:
                breaker = way.breaker if way else self._gone.get(key) or Breaker(now_s)
                self._gone.pop(key, None)
                way = _Way(line, breaker, self._transport(line), busy=way.busy if way else False)
            self._ways[key] = way
            seen.append(replace(line, state="offline") if way.breaker.frozen else line)
        # A new connection to a frozen phone is not yet an answer; others begin afresh when they return.
        self._gone |= {key: way.breaker for key, way in before.items() if way.breaker.frozen}
        return seen

    def heard(self, serial: str, transport_id: int | None = None) -> None:
        """A phone said something on this way."""
        if (way := self._way(serial, transport_id)) is not None:
            self._answered(way)

    def silent(self, serial: str, transport_id: int | None = None) -> None:
        """A stream on this way that should speak does not, or could not be opened."""
        if (way := self._way(serial, transport_id)) is not None:
            way.breaker.silent(self._clock.monotonic_s())

    async def run(self, on_change: Callable[[], None]) -> None:
        """Ask and connect anew, until cancelled; `on_change` is called when `see` would answer otherwise."""
        self._on_change = on_change
        for way in self._ways.values():
            way.busy = False  # a question that was cancelled before it began could not say so
        async with asyncio.TaskGroup() as tasks:
            while True:
                now_s = self._clock.monotonic_s()
                for way in self._ways.values():
                    if not way.busy and (step := way.breaker.step(now_s)) is not None:
                        way.busy = True
                        tasks.create_task(self._take(way, step))
                await self._clock.sleep(_LOOK_S)

    async def _take(self, way: _Way, step: Step) -> None:
        try:
            if step is Step.ASK:
                await self._ask(way)
            else:
                await self._reconnect(way)
        finally:
            for other in self._ways.values():
                if other.breaker is way.breaker:
                    other.busy = False
            way.busy = False

    async def _ask(self, way: _Way) -> None:
        frozen = way.breaker.frozen
        try:
            await shell.run_script(way.transport, ":", timeout_s=_ANSWER_S)
        except AdbTimeout:
            way.breaker.unanswered()
            if way.breaker.frozen and not frozen:
                self._tell(f"{way.line.serial}: adb lists it, and it does not answer; it is connected anew")
                self._on_change()
        except AdbRefused:
            self._answered(way)
        except HubError:
            way.breaker.unclear(self._clock.monotonic_s())
        else:
            self._answered(way)

    def _answered(self, way: _Way) -> None:
        frozen = way.breaker.frozen
        way.breaker.heard(self._clock.monotonic_s())
        if frozen:
            self._on_change()

    async def _reconnect(self, way: _Way) -> None:
        serial = way.line.serial
        with contextlib.suppress(HubError):  # the next question tells
            if ADDRESS.fullmatch(serial):
                self._network.cut(serial)
                await self._door.cut_and_connect(serial)
            else:
                await way.transport.reconnect()
        way.breaker.reconnected(self._clock.monotonic_s())
        if way.breaker.reconnects == IN_VAIN:
            self._tell(
                f"{serial}: it does not answer after {IN_VAIN} new connections; "
                "unplug it and plug it in again, or restart it"
            )

    def _way(self, serial: str, transport_id: int | None) -> _Way | None:
        return self._ways.get(serial) or self._ways.get(f"{serial}#{transport_id}")

    def _transport(self, line: DeviceLine) -> Transport:
        if line.transport_id is None:
            return self._client.transport(serial=line.serial)
        return self._client.transport(transport_id=line.transport_id, label=line.serial)
