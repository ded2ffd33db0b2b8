"""A queue whose phones, times and beginnings a test decides."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from devicehub.adb.wire import DeviceLine
from devicehub.clock import SystemClock
from devicehub.device.lifecycle import DeviceState
from devicehub.device.model import Device, Identity
from devicehub.dispatch.queue import Queue
from devicehub.store.store import Store
from tests.manual_clock import ManualClock
from tests.store.samples import run_row

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from pathlib import Path

    from devicehub.dispatch.entry import Entry
    from devicehub.errors import HubError


def phone(
    serial: str,
    state: DeviceState = DeviceState.READY,
    *,
    serialno: str | None = None,
    boot_id: str | None = None,
    run: str | None = None,
) -> Device:
    """A device; unidentified where its state says so."""
    known = state not in (DeviceState.UNAUTHORIZED, DeviceState.IDENTIFYING)
    identity = Identity(serialno or serial, boot_id or f"boot of {serial}") if known else None
    lines = () if state is DeviceState.ABSENT else (DeviceLine(serial, str(state), 1),)
    return Device(state, lines, identity, run=run)


class Desk:
    """The queue with all it is given.

    Attributes:
        phones: what is there; change it and `wake`.
        temps_mc: by serial.
        refuse: raised by the next beginnings, one each; None lets one begin.
        break_off: raised by beginnings once their rows are written.
        begun: what was begun, in order: the runs' ids and the serials.
        told: the ids that the queue has told of.
    """

    def __init__(self, store: Store, *phones: Device, clock: ManualClock | None = None) -> None:
        self.store = store
        self.clock = clock or ManualClock()
        self.phones = list(phones)
        self.temps_mc: dict[str, int] = {}
        self.obstacles: dict[str, str] = {}
        self.refuse: list[HubError | Exception | None] = []
        self.break_off: HubError | None = None
        self.begun: list[tuple[tuple[str, ...], list[str]]] = []
        self.told: list[str] = []
        self.writes_rows = True
        self._ends: dict[str, asyncio.Event] = {}
        self.queue = Queue(
            store,
            self.clock,
            devices=lambda: self.phones,
            temp_mc=lambda device: self.temps_mc.get(device.serial),
            begin=self._begin,
            on_change=self.told.extend,
            obstacle=lambda _entry, device: self.obstacles.get(device.serial),
        )

    async def _begin(self, entry: Entry, devices: Sequence[Device]) -> None:
        if self.refuse and (error := self.refuse.pop(0)):
            raise error
        self.begun.append((entry.run_ids, [device.serial for device in devices]))
        if self.writes_rows:
            for run_id in entry.run_ids:
                self.store.add_run(run_row(run_id, serialno=devices[0].serial))
        if self.break_off is not None:
            raise self.break_off
        await self._ends.setdefault(entry.id, asyncio.Event()).wait()

    def end(self, run_id: str) -> None:
        """Let a run that has begun come to its end."""
        self._ends.setdefault(run_id, asyncio.Event()).set()

    @property
    def order(self) -> list[str]:
        """The ids of the runs begun, of comparisons the first ones."""
        return [run_ids[0] for run_ids, _ in self.begun]

    @property
    def why(self) -> dict[str, str]:
        """Why each run waits."""
        return {run.id: run.waits_for or "" for run in self.queue.waiting()}

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something holds; the queue looks again meanwhile."""
        async with asyncio.timeout(60):
            while not condition():
                self.queue.wake()
                await SystemClock().sleep(0.005)

    async def looked(self) -> None:
        """Let the queue look at the phones a few times."""
        for _ in range(5):
            self.queue.wake()
            await SystemClock().sleep(0.005)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The queue at work; at the end it is cancelled as by a hub that ends."""
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(self.queue.run())
            try:
                yield
            finally:
                task.cancel()


def open_store(folder: Path) -> Store:
    """The store of a test."""
    return Store.open(folder / "devicehub.db")
