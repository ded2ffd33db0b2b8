"""The events of a topic that are kept, for clients that were away. Pure."""

from __future__ import annotations

import logging
import zlib
from array import array
from collections import deque
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from devicehub.api.limits import KEPT_BYTES, KEPT_EVENTS, KEPT_RUN_EVENTS
from devicehub.api.rpc import encode_event, encode_json

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from devicehub.api.model import RunChanged

log = logging.getLogger(__name__)

_IN_A_BLOCK: Final = 64


@dataclass(frozen=True, slots=True)
class Entry:
    """One event as it is sent; `key` is what it is about."""

    seq: int
    key: str | None
    text: bytes


class History(Protocol):
    """Events that are kept, the oldest first."""

    @property
    def floor(self) -> int:
        """What came after this seq is all there."""

    def add(self, entry: Entry) -> None:
        """Keep one event; its seq is one more than the last."""

    def after(self, seq: int, most: int) -> tuple[Sequence[Entry], int]:
        """Events after a seq that is at least `floor`, and the seq that they reach to; none at the end."""


class Ring:
    """The newest events of a topic, bounded by number and size.

    All but the newest lie compressed: events of one topic are much alike, and ten thousand of them as text
    would be most of the hub's memory.
    """

    def __init__(self, most: int = KEPT_EVENTS, most_bytes: int = KEPT_BYTES) -> None:
        self._oldest: deque[Entry] = deque()
        """Of a block that was unpacked to let some of it go."""
        self._blocks: deque[_Block] = deque()
        self._newest: deque[Entry] = deque()
        self._most = most
        self._most_bytes = most_bytes
        self._count = 0
        self._size = 0
        self.floor = 0

    def add(self, entry: Entry) -> None:
        """Keep one event, and let the oldest go that pass a bound."""
        self._newest.append(entry)
        self._count += 1
        self._size += len(entry.text)
        while self._count > self._most or self._size > self._most_bytes:
            old = self._take_oldest()
            self._count -= 1
            self._size -= len(old.text)
            self.floor = old.seq
        if len(self._newest) >= _IN_A_BLOCK:
            self._blocks.append(_Block(self._newest))
            self._newest.clear()

    def after(self, seq: int, most: int) -> tuple[Sequence[Entry], int]:
        """The next events."""
        skipped = max(0, seq - self.floor)
        found: list[Entry] = []
        pieces: list[deque[Entry] | _Block] = [self._oldest, *self._blocks, self._newest]
        for piece in pieces:
            if skipped >= len(piece):
                skipped -= len(piece)
                continue
            found += islice(piece, skipped, skipped + most - len(found))
            skipped = 0
            if len(found) >= most:
                break
        return found, found[-1].seq if found else seq

    def _take_oldest(self) -> Entry:
        if not self._oldest and self._blocks:
            self._oldest.extend(self._blocks.popleft())
        return (self._oldest or self._newest).popleft()


class _Block:
    """Some entries, compressed."""

    __slots__ = ("_count", "_data")

    def __init__(self, entries: Collection[Entry]) -> None:
        rows = [(entry.seq, entry.key, entry.text) for entry in entries]
        self._count = len(rows)
        self._data = zlib.compress(msgspec.msgpack.encode(rows), level=1)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Entry]:
        rows = msgspec.msgpack.decode(zlib.decompress(self._data), type=list[tuple[int, str | None, bytes]])
        return (Entry(*row) for row in rows)


class Newest:
    """The newest event about each thing: those before it say nothing any more."""

    def __init__(self, most: int = KEPT_EVENTS) -> None:
        self._entries: dict[str | None, Entry] = {}
        self._most = most
        self.floor = 0

    def add(self, entry: Entry) -> None:
        """Keep one event in place of the one before it."""
        self._entries.pop(entry.key, None)
        self._entries[entry.key] = entry
        if len(self._entries) > self._most:
            oldest = next(iter(self._entries))
            self.floor = self._entries.pop(oldest).seq

    def after(self, seq: int, most: int) -> tuple[Sequence[Entry], int]:
        """The next events."""
        found: deque[Entry] = deque(maxlen=most)
        for entry in reversed(self._entries.values()):
            if entry.seq <= seq:
                break
            found.appendleft(entry)
        return list(found)[:most], found[-1].seq if found else seq


class RunHistory:
    """Events of runs: the newest kept here, older ones read from the store.

    Which event of the store an event of the topic was is kept for many more than the events themselves. One
    that only told of a place in the queue is in no store, and is passed over once it has left the ring.
    """

    def __init__(
        self,
        epoch: str,
        read: Callable[[int, int], Sequence[tuple[int, RunChanged]]],
        *,
        ring: Ring | None = None,
        most: int = KEPT_RUN_EVENTS,
    ) -> None:
        """`read` gives the events of the store from one seq to another, both included."""
        self._epoch = epoch
        self._read = read
        self._ring = Ring() if ring is None else ring
        self._most = most
        self._stored = array("q")
        self._stored_floor = 0

    @property
    def floor(self) -> int:
        """What came after this seq is here or in the store."""
        return min(self._stored_floor, self._ring.floor)

    def add(self, entry: Entry, stored: int = 0) -> None:
        """Keep one event; `stored` is its seq in the store, 0 without one."""
        self._ring.add(entry)
        self._stored.append(stored)
        # Cut by the half, as taking the first of an array moves all others.
        if len(self._stored) > 2 * self._most:
            self._stored_floor += self._most
            del self._stored[: self._most]

    def after(self, seq: int, most: int) -> tuple[Sequence[Entry], int]:
        """The next events."""
        if seq >= self._ring.floor:
            return self._ring.after(seq, most)
        reached = min(seq + most, self._ring.floor)
        wanted = {
            stored: bus
            for bus, stored in enumerate(
                self._stored[seq - self._stored_floor : reached - self._stored_floor], start=seq + 1
            )
            if stored
        }
        if not wanted:
            return [], reached
        found = [
            Entry(bus, changed.run.id, encode_event("runs", self._epoch, bus, encode_json(changed)))
            for stored, changed in self._read(min(wanted), max(wanted))
            if (bus := wanted.get(stored)) is not None
        ]
        return sorted(found, key=lambda entry: entry.seq), reached
