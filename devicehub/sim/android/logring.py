"""The phone's log: one ring of entries per buffer. Does no I/O.

Source of what becomes of repeated and of too many entries: LogBuffer.cpp of AOSP's logd until Android 11.
Later releases drop the oldest and say nothing.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from devicehub.sim.android.logd import ENTRY

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

DEFAULT_SIZE: Final = 256 * 1024
BUFFERS: Final = ("main", "system", "crash", "events", "kernel", "radio")
SHELL_UID: Final = 2000
_OVERHEAD: Final = 28
"""Bytes that logd keeps for an entry beside its tag and message."""
_NAMES: Final = {0: "root", 1000: "system", SHELL_UID: "shell"}
_SAME_NS: Final = 60 * 1_000_000_000
"""Equal entries further apart are not taken together."""


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

    def equals(self, other: Entry) -> bool:
        """Whether logd takes it for a repetition of an earlier one."""
        mine = (self.uid, self.pid, self.tid, self.priority, self.tag, self.message)
        theirs = (other.uid, other.pid, other.tid, other.priority, other.tag, other.message)
        return mine == theirs and self.time_ns <= other.time_ns + _SAME_NS


def stand_for(entry: Entry, what: str, count: int) -> Entry:
    """The entry that stands for others that are gone, the last of them given."""
    user = f"({_NAMES[entry.uid]})" if entry.uid in _NAMES else ""
    text = f"uid={entry.uid}{user} {what} {count} line{'s' if count > 1 else ''}"
    return replace(entry, priority=4, tag=b"chatty", message=text.encode())


class _Repeated:
    """An entry and its repetitions: the first is in the ring, the last waits for another one."""

    def __init__(self, first: Entry) -> None:
        self.first = first
        self.held: Entry | None = None
        self.between: Entry | None = None
        self.count = 0

    def take(self, entry: Entry) -> None:
        if self.held is not None:
            self.between = self.held
            self.count += 1
        self.held = entry

    def release(self) -> list[Entry]:
        said = [stand_for(self.between, "identical", self.count)] if self.between is not None else []
        return said + ([self.held] if self.held is not None else [])


class LogRing:
    """Entries by buffer; some go when a buffer is full.

    Attributes:
        sizes: bytes that each buffer holds.
        on_entry: called after each new entry.
        written: bytes that each buffer was ever given.

    Args:
        chatty: takes repetitions together and drops entries of the user with the most, as until Android 11;
            otherwise the oldest go.
    """

    def __init__(self, *, chatty: bool = False) -> None:
        self.sizes = dict.fromkeys(BUFFERS, DEFAULT_SIZE)
        self.on_entry: set[Callable[[], None]] = set()
        self.written = dict.fromkeys(BUFFERS, 0)
        self._chatty = chatty
        self._entries: dict[str, deque[Entry]] = {name: deque() for name in BUFFERS}
        self._used = dict.fromkeys(BUFFERS, 0)
        self._repeated: dict[str, _Repeated] = {}
        self._to_lose = 0
        self._lost: Counter[int] = Counter()
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
        for one in self._collapse(entry) if self._chatty else (entry,):
            self._append(one)
        for call in tuple(self.on_entry):
            call()

    def add_datagram(self, data: bytes, uids: Mapping[int, int] = {}) -> None:
        """Append what a program sent, as the user that `uids` tells; what is no entry counts for nothing."""
        if len(data) < ENTRY.size:
            return
        priority, pid, tid, time_ns = ENTRY.unpack_from(data)
        uid = uids.get(pid, SHELL_UID)
        if self._to_lose:
            self._to_lose -= 1
            self._lost[pid] += 1
            return
        if lost := self._lost.pop(pid, 0):
            # liblog tells it with the first entry that logd takes again: event 1006, a number alone.
            told = str(lost).encode()
            self.add(
                time_ns=time_ns,
                pid=pid,
                tid=tid,
                priority=4,
                tag=b"liblog",
                message=told,
                uid=uid,
                buffer="events",
            )
        tag, _, message = data[ENTRY.size :].partition(b"\0")
        self.add(time_ns=time_ns, pid=pid, tid=tid, priority=priority, tag=tag, message=message, uid=uid)

    def lose(self, count: int) -> None:
        """Lose the next entries that programs send, as when logd does not take them fast enough."""
        self._to_lose += count

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
            self._repeated.pop(name, None)

    def _collapse(self, entry: Entry) -> list[Entry]:
        """What comes into the ring with an entry: nothing while it repeats the one before."""
        repeated = self._repeated.get(entry.buffer)
        if repeated is not None and entry.equals(repeated.held or repeated.first):
            repeated.take(entry)
            return []
        self._repeated[entry.buffer] = _Repeated(entry)
        if repeated is None or repeated.held is None:
            return [entry]
        # All come as new: readers may be past the numbers that they had.
        return [self._renumber(one) for one in (*repeated.release(), entry)]

    def _renumber(self, entry: Entry) -> Entry:
        self._next += 1
        return replace(entry, number=self._next - 1)

    def _append(self, entry: Entry) -> None:
        buffer = entry.buffer
        entries = self._entries[buffer]
        entries.append(entry)
        self._used[buffer] += entry.size
        self.written[buffer] += entry.size
        if self._used[buffer] > self.sizes[buffer] and self._chatty:
            self._drop_loudest(buffer)
        while self._used[buffer] > self.sizes[buffer] and len(entries) > 1:
            self._used[buffer] -= entries.popleft().size

    def _drop_loudest(self, buffer: str) -> None:
        """Drop what the user with most of a ring has, up to a tenth of the ring, and leave a word."""
        entries = self._entries[buffer]
        sizes: Counter[int] = Counter()
        for entry in entries:
            sizes[entry.uid] += entry.size
        uid, size = sizes.most_common(1)[0]
        if size <= self.sizes[buffer] // 8:
            return
        to_free = max(self.sizes[buffer] // 10, self._used[buffer] - self.sizes[buffer])
        kept: deque[Entry] = deque()
        gone: dict[int, tuple[Entry, int]] = {}
        last = entries.pop()  # what has just come stays
        for entry in entries:
            if entry.uid != uid or to_free <= 0 or entry.tag == b"chatty":
                kept.append(entry)
                continue
            to_free -= entry.size
            gone[entry.pid] = (entry, gone.get(entry.pid, (entry, 0))[1] + 1)
        kept.extend(stand_for(entry, "expire", count) for entry, count in gone.values())
        kept.append(last)
        self._entries[buffer] = deque(sorted(kept, key=lambda entry: entry.number))
        self._used[buffer] = sum(entry.size for entry in kept)
