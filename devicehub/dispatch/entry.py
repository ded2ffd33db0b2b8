"""What waits in the queue, and which phones will do for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from devicehub.device.select import find_meant
from devicehub.runs.ask import CompareAsk, RunAsk
from devicehub.store.model import QueuedRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from devicehub.device.model import Device


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """One phone, named so that it is found again under another label, after a reboot and by another hub."""

    serial: str
    """adb's label when the run was asked for."""
    serialno: str | None = None
    """None for a phone that was not identified then."""
    boot_id: str | None = None

    @classmethod
    def of(cls, device: Device) -> Target:
        """The phone that a device is."""
        identity = device.identity
        if identity is None:
            return cls(serial=device.serial)
        return cls(serial=device.serial, serialno=identity.serialno, boot_id=identity.boot_id)

    def find(self, devices: Iterable[Device]) -> list[Device]:
        """The devices that it can be: one, or several where phones share a ro.serialno and none is sure."""
        mine = [device for device in devices if self._may_be(device)]
        for sure in (self._has_boot_id, self._has_label):
            if certain := [device for device in mine if sure(device)]:
                return certain
        return mine

    def _may_be(self, device: Device) -> bool:
        if device.identity is None or self.serialno is None:
            return self._has_label(device)
        return device.identity.serialno == self.serialno

    def _has_boot_id(self, device: Device) -> bool:
        return device.identity is not None and device.identity.boot_id == self.boot_id

    def _has_label(self, device: Device) -> bool:
        return self.serial in {line.serial for line in device.transports}


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """A phone that an entry needs: a given one, or any that the selectors mean when it begins."""

    target: Target | None = None
    selectors: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """How a person named it."""
        return self.target.serial if self.target else " or ".join(self.selectors) or "any phone"

    def find(self, devices: Sequence[Device]) -> list[Device]:
        """The devices that are meant, whatever their state."""
        return self.target.find(devices) if self.target else find_meant(devices, self.selectors or ("all",))


@dataclass(frozen=True)
class Entry:
    """One run that waits, or the two of a comparison.

    Attributes:
        run_ids: one, or A's and B's.
        run: what is asked; of a comparison what is the same in both.
        comparison: what is asked where it is one.
        wishes: one a phone: one, or two for a comparison of phones.
        submitted: seconds since the epoch.
        number: grows with each entry of the queue.
    """

    run_ids: tuple[str, ...]
    run: RunAsk
    comparison: CompareAsk | None
    client: str
    submitted: float
    wishes: tuple[Wish, ...]
    number: int = 0

    @property
    def id(self) -> str:
        """Names it while it waits."""
        return self.run_ids[0]

    def arm(self, run_id: str) -> int:
        """Which of its runs that is; 0 for a single one."""
        return self.run_ids.index(run_id)

    def wish(self, run_id: str) -> Wish:
        """The phone that one of its runs needs."""
        return self.wishes[min(self.arm(run_id), len(self.wishes) - 1)]

    def rows(self) -> list[QueuedRow]:
        """As the store keeps it."""
        document = _Document(
            run_ids=self.run_ids, run=self.run, comparison=self.comparison, wishes=self.wishes
        )
        ask = msgspec.json.encode(document)
        return [
            QueuedRow(run_id=run_id, entry=self.id, client=self.client, submitted=self.submitted, ask=ask)
            for run_id in self.run_ids
        ]


class _Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    run_ids: tuple[str, ...]
    run: RunAsk
    comparison: CompareAsk | None
    wishes: tuple[Wish, ...]


def read_ask(document: bytes) -> RunAsk | CompareAsk | None:
    """What was asked, as `QueuedRow.ask` keeps it; None where another version wrote it."""
    try:
        kept = msgspec.json.decode(document, type=_Document)
    except msgspec.MsgspecError:
        return None
    return kept.comparison or kept.run


def read_entry(row: QueuedRow) -> Entry | None:
    """The entry that a row belongs to; None where another version wrote it."""
    try:
        document = msgspec.json.decode(row.ask, type=_Document)
    except msgspec.MsgspecError:
        return None
    return Entry(
        run_ids=document.run_ids,
        run=document.run,
        comparison=document.comparison,
        client=row.client,
        submitted=row.submitted,
        wishes=document.wishes,
        number=row.number,
    )
