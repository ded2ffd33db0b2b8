"""Which phones of campaigns are there, and for how long the others have been away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devicehub.device.lifecycle import DeviceState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from devicehub.campaign.planned import PhoneRef
    from devicehub.clock import Clock
    from devicehub.device.model import Device

_THERE: Final = frozenset({DeviceState.READY, DeviceState.BUSY})


class Presence:
    """Looks at the phones when it is told to.

    Args:
        devices: the phones as they are known now, without I/O.
        clock: says how long one has been away, from the first look at which it was.
    """

    def __init__(self, devices: Callable[[], Sequence[Device]], clock: Clock) -> None:
        self._devices = devices
        self._clock = clock
        self._away_since: dict[str, float] = {}

    def look(self, meant: Iterable[PhoneRef]) -> None:
        """Note which of these phones are there now."""
        now = self._clock.monotonic_s()
        there = {device.identity.serialno for device in self._there() if device.identity is not None}
        for serialno in {phone.serialno for phone in meant}:
            if serialno in there:
                self._away_since.pop(serialno, None)
            else:
                self._away_since.setdefault(serialno, now)

    def away_s(self, phones: Iterable[PhoneRef]) -> dict[str, float]:
        """By ro.serialno: for how long each of the phones that are not there has been away."""
        now = self._clock.monotonic_s()
        since = self._away_since
        return {phone.serialno: now - since[phone.serialno] for phone in phones if phone.serialno in since}

    def device(self, phone: PhoneRef) -> Device | None:
        """The phone where it is there; of two with one ro.serialno the one of that label."""
        found = [
            device
            for device in self._there()
            if device.identity and device.identity.serialno == phone.serialno
        ]
        return next((device for device in found if device.serial == phone.serial), next(iter(found), None))

    def _there(self) -> list[Device]:
        return [device for device in self._devices() if device.state in _THERE]
