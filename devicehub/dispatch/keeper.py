"""Takes up the runs that nobody carries: those of a hub that was killed, and those whose phone is back."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Final

from devicehub.dispatch.adopt import Adopter
from devicehub.dispatch.watcher import is_carried
from devicehub.errors import HubError, StoreError
from devicehub.mistakes import describe_mistake

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from devicehub.adb.client import Transport
    from devicehub.clock import Clock
    from devicehub.device.model import Device
    from devicehub.dispatch.means import Means
    from devicehub.dispatch.request import RunListener
    from devicehub.store.model import RunRow
    from devicehub.store.store import Store

log = logging.getLogger(__name__)

LOOK_S: Final = 3.0
FORGET_S: Final = 6 * 3600.0
"""How often runs that are older than they are to be kept are forgotten."""
_AGAIN_S: Final = 15.0
"""A run that could not be taken up is left alone so long, unless its phone comes back meanwhile."""


class Keeper:
    """Looks for such runs and follows each to its end, one task a run.

    Args:
        store: knows them.
        clock: paces the looks.
        phones: those that answer now, with the ways to them, without I/O.
        means: what every run shares.
        listener: who is told of a run, by its id.
        on_end: is told the id of a run that was taken up and has an end now.
        lost_after_s: how long a phone may stay away before its run counts as lost.
        keep_days: how long runs are remembered; None for ever.
        patience_s: how long a phone may be away while its run is followed.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        phones: Callable[[], Sequence[tuple[Device, Transport]]],
        means: Callable[[], Means],
        listener: Callable[[str], RunListener],
        on_end: Callable[[str], None],
        lost_after_s: float,
        keep_days: float | None,
        patience_s: float,
    ) -> None:
        self._store = store
        self._clock = clock
        self._phones = phones
        self._means = means
        self._listener = listener
        self._on_end = on_end
        self._lost_after_s = lost_after_s
        self._keep_days = keep_days
        self._patience_s = patience_s
        self._followed: set[str] = set()
        self._tried: dict[str, tuple[float, frozenset[str]]] = {}

    async def run(self) -> None:
        """Look until cancelled; runs that are being followed then go on on their phones."""
        forget_s = self._clock.monotonic_s()
        async with asyncio.TaskGroup() as tasks:
            while True:
                if self._clock.monotonic_s() >= forget_s:
                    forget_s = self._clock.monotonic_s() + FORGET_S
                    self._store.collect_garbage(self._clock.wall_s(), self._keep_days)
                with contextlib.suppress(StoreError):  # whoever looks next meets it, too
                    self._store.release_rest()
                for row, phones in self._left():
                    self._followed.add(row.id)
                    tasks.create_task(self._take_up(row, phones))
                await self._clock.sleep(LOOK_S)

    def _left(self) -> list[tuple[RunRow, list[tuple[Device, Transport]]]]:
        present: dict[str, list[tuple[Device, Transport]]] = {}
        for device, transport in self._phones():
            if device.identity is not None:
                present.setdefault(device.identity.serialno, []).append((device, transport))
        found = []
        for row in self._store.runs_to_adopt(present):
            phones = present.get(row.serialno, [])
            if row.id not in self._followed and not is_carried(row) and self._is_due(row.id, phones):
                found.append((row, phones))
        return found

    def _is_due(self, run_id: str, phones: Sequence[tuple[Device, Transport]]) -> bool:
        """Whether to try: at once when its phone is another connection than at the last try."""
        now_s = self._clock.monotonic_s()
        seen = frozenset(f"{device.serial} {device.transport_id}" for device, _ in phones)
        tried_s, seen_then = self._tried.get(run_id, (float("-inf"), frozenset()))
        if now_s - tried_s < _AGAIN_S and seen == seen_then:
            return False
        self._tried[run_id] = (now_s, seen)
        return True

    async def _take_up(self, row: RunRow, phones: Sequence[tuple[Device, Transport]]) -> None:
        try:
            adopter = Adopter(
                row, self._means(), lost_after_s=self._lost_after_s, listener=self._listener(row.id)
            )
            record = await adopter.adopt(phones, wait=True, patience_s=self._patience_s)
            if record is not None:
                self._tried.pop(row.id, None)
                self._on_end(row.id)
        except StoreError:
            raise
        except HubError as error:
            self._store.add_event(row.id, "adopt_failed", str(error), self._clock.wall_s())
        except Exception as error:
            # One run that the hub stumbles over must not take the others along.
            log.exception("run %s could not be taken up", row.id)
            self._store.add_event(row.id, "adopt_failed", describe_mistake(error), self._clock.wall_s())
        finally:
            self._followed.discard(row.id)
