"""The phones and the queue as they stand at one moment: who could go where, and why the others cannot."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from devicehub.device.lifecycle import DeviceState
from devicehub.device.select import problem_of
from devicehub.errors import SelectionError
from devicehub.runs.schedule import FreePhone, Waiting, limit_mc
from devicehub.runs.waits import PhoneSeen, waits_for

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from devicehub.device.model import Device, Identity
    from devicehub.dispatch.entry import Entry, Wish

_WORKING = (DeviceState.READY, DeviceState.BUSY)


class Lineup:
    """One look at the phones.

    Args:
        devices: all that are known.
        taken: the runs that are being carried, and the phones they have.
        temp_mc: of a phone's skin; None where it is not known.
        obstacle: why an entry cannot be had on a phone, as a clause; None where it can.
    """

    def __init__(
        self,
        devices: Sequence[Device],
        taken: Sequence[tuple[str, Identity]],
        *,
        temp_mc: Callable[[Device], int | None],
        obstacle: Callable[[Entry, Device], str | None],
    ) -> None:
        self._devices = list(devices)
        self._temp_mc = temp_mc
        self._obstacle = obstacle
        shared = Counter(device.identity.serialno for device in devices if device.identity)
        self._shared = {serialno for serialno, count in shared.items() if count > 1}
        self.phones = {self.key(device): device for device in devices}
        self._runs = {key: run for key, device in self.phones.items() if (run := _run_on(device))}
        self._runs |= {self._key_of(identity): run for run, identity in taken}
        self._meant: dict[Wish, list[Device]] = {}
        # Entries that are asked alike are answered alike: there may be thousands.
        self._obstacles: dict[tuple[object, ...], str | None] = {}
        self._places: dict[tuple[object, ...], frozenset[str]] = {}
        self._sights: dict[tuple[object, ...], list[PhoneSeen]] = {}

    def key(self, device: Device) -> str:
        """Names a phone from one look to the next."""
        if device.identity is None:
            return f"{device.serial}#{device.transport_id}"  # it is not used before it is identified
        return self._key_of(device.identity)

    def _key_of(self, identity: Identity) -> str:
        if identity.serialno in self._shared:
            return f"{identity.serialno}/{identity.boot_id}"
        return identity.serialno

    def free(self) -> list[FreePhone]:
        """The phones that could begin a run."""
        return [
            FreePhone(key, self._temp_mc(device))
            for key, device in self.phones.items()
            if device.state is DeviceState.READY and device.identity and key not in self._runs
        ]

    def waiting(self, entry: Entry, held_back_s: float | None) -> Waiting:
        """An entry as the schedule sees it."""
        limit_c = entry.run.start_below_c
        return Waiting(
            id=entry.id,
            number=entry.number,
            client=entry.client,
            places=tuple(self._place(entry, wish) for wish in entry.wishes),
            start_below_mc=None if limit_c is None else round(limit_c * 1000),
            held_back_s=held_back_s,
        )

    def why(self, entry: Entry, waiting: Waiting, kept: Mapping[str, str], now: float) -> str:
        """Why an entry waits, in a sentence; `kept` are the phones kept free, and for which run."""
        meant = [(wish.words, self._all_seen(entry, wish, kept)) for wish in entry.wishes]
        return waits_for(meant, limit_mc=limit_mc(waiting, now))

    def _find(self, wish: Wish) -> list[Device]:
        if wish not in self._meant:
            try:
                self._meant[wish] = wish.find(self._devices)
            except SelectionError:
                self._meant[
                    wish
                ] = []  # a selector of another version, or one that no phone was there to check
        return self._meant[wish]

    def _place(self, entry: Entry, wish: Wish) -> frozenset[str]:
        alike = _alike(entry, wish)
        if alike not in self._places:
            self._places[alike] = frozenset(
                self.key(device) for device in self._find(wish) if self._problem(entry, wish, device) is None
            )
        return self._places[alike]

    def _problem(self, entry: Entry, wish: Wish, device: Device) -> str | None:
        if device.state not in _WORKING or device.identity is None:
            return problem_of(device) or f"{device.serial} is not identified"
        if wish.target is not None:
            return None  # it begins there and is refused with its reason, or it never would
        key = (self.key(device), _alike(entry, wish))
        if key not in self._obstacles:
            self._obstacles[key] = self._obstacle(entry, device)
        return self._obstacles[key]

    def _all_seen(self, entry: Entry, wish: Wish, kept: Mapping[str, str]) -> list[PhoneSeen]:
        if entry.id in kept.values():
            return [self._seen(entry, wish, device, kept) for device in self._find(wish)]
        alike = _alike(entry, wish)
        if alike not in self._sights:
            self._sights[alike] = [self._seen(entry, wish, device, kept) for device in self._find(wish)]
        return self._sights[alike]

    def _seen(self, entry: Entry, wish: Wish, device: Device, kept: Mapping[str, str]) -> PhoneSeen:
        key = self.key(device)
        kept_for = kept.get(key)
        return PhoneSeen(
            name=device.serial,
            run=self._runs.get(key),
            problem=self._problem(entry, wish, device),
            temp_mc=self._temp_mc(device),
            kept_for=kept_for if kept_for != entry.id else None,
        )


def _alike(entry: Entry, wish: Wish) -> tuple[object, ...]:
    """All of an entry that decides which phones will do."""
    if wish.target is not None:
        return (wish,)
    run, by = entry.run, entry.comparison
    factor = (by.by, by.a, by.b) if by else None
    return (wish, run.workload, run.model, run.engine, run.profile, factor)


def _run_on(device: Device) -> str | None:
    """The run that keeps a phone busy."""
    return (device.run or "?") if device.state is DeviceState.BUSY else None
