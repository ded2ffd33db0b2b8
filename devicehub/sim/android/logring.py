"""The phone's log: one ring of entries per buffer. Does no I/O."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devicehub.sim.android.logd import ENTRY

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

DEFAULT_SIZE: Final = 256 * 1024
BUFFERS: Final = ("main", "system", "crash", "events", "kernel", "radio")
SHELL_UID: Final = 2000
_OVERHEAD: Final = 28
"""Bytes that logd keeps for an entry beside its tag and message."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the log."""

    number: int
    """Counts all entries of all buffers."""
    buffer: str
    time_ns: int
    uid: int
    pid: int
    tid: int
    priority: int
    """2 verbose to 7 fatal."""
    tag: bytes
    message: bytes

    @property
    def size(self) -> int:
        """Bytes that it takes in the ring."""
        return _OVERHEAD + len(self.tag) + len(self.message)


class LogRing:
    """Entries by buffer; the oldest go when a buffer is full.

    Attributes:
        sizes: bytes that each buffer holds.
        on_entry: called after each new entry.
    """

    def __init__(self) -> None:
        self.sizes = dict.fromkeys(BUFFERS, DEFAULT_SIZE)
        self.on_entry: set[Callable[[], None]] = set()
        self._entries: dict[str, deque[Entry]] = {name: deque() for name in BUFFERS}
        self._used = dict.fromkeys(BUFFERS, 0)
        self._next = 1

    def add(
        self,
        *,
        time_ns: int,
        pid: int,
        tid: int,
        priority: int,
        tag: bytes,
        message: bytes,
        uid: int = SHELL_UID,
        buffer: str = "main",
    ) -> None:
        """Append an entry."""
        entry = Entry(self._next, buffer, time_ns, uid, pid, tid, priority, tag, message)
        self._next += 1
        entries = self._entries[buffer]
        entries.append(entry)
        self._used[buffer] += entry.size
        while self._used[buffer] > self.sizes[buffer] and len(entries) > 1:
            self._used[buffer] -= entries.popleft().size
        for call in tuple(self.on_entry):
            call()

    def add_datagram(self, data: bytes, uids: Mapping[int, int] = {}) -> None:
        """Append what a program sent, as the user that `uids` tells; what is no entry counts for nothing."""
        if len(data) < ENTRY.size:
            return
        priority, pid, tid, time_ns = ENTRY.unpack_from(data)
        tag, _, message = data[ENTRY.size :].partition(b"\0")
        uid = uids.get(pid, SHELL_UID)
        self.add(time_ns=time_ns, pid=pid, tid=tid, priority=priority, tag=tag, message=message, uid=uid)

    def after(self, number: int, buffers: Collection[str]) -> list[Entry]:
        """Entries newer than `number`, oldest first."""
        found: list[Entry] = []
        for name in buffers:
            for entry in reversed(self._entries[name]):
                if entry.number <= number:
                    break
                found.append(entry)
        found.sort(key=lambda entry: entry.number)
        return found

    def used(self, buffer: str) -> int:
        """Bytes that a buffer's entries take."""
        return self._used[buffer]

    def clear(self, buffers: Collection[str]) -> None:
        """Forget a buffer's entries."""
        for name in buffers:
            self._entries[name].clear()
            self._used[name] = 0
