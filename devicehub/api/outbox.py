"""What waits for one client to read. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devicehub.api.limits import MOST_WAITING, MOST_WAITING_BYTES
from devicehub.api.rpc import join
from devicehub.units import KIB, MIB

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

_FRAME_BYTES: Final = 256 * KIB
_FRAME_EVENTS: Final = 256
_REPLY_COUNTS: Final = MIB
"""No reply counts for more, so that one large answer to a client that reads does not look like a jam."""


class Outbox:
    """Messages in their order, within bounds of number and size.

    Attributes:
        is_full: a bound was passed; all that waited is dropped, and nothing is taken any more.
    """

    def __init__(self, wake: Callable[[bool], None]) -> None:
        """`wake` is called when there is something to send; True asks for haste."""
        self._wake = wake
        self._waiting: dict[Hashable, tuple[bytes, bool]] = {}
        self._size = 0
        self._count = 0
        self.is_full = False

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def size(self) -> int:
        """Bytes that wait, as far as they count."""
        return self._size

    def put_event(self, event: bytes, *, instead_of: Hashable | None = None) -> None:
        """Add an event; it takes the place of one that waits and was put in with an equal `instead_of`."""
        if instead_of is not None and (old := self._waiting.pop(instead_of, None)) is not None:
            self._size -= len(old[0])
        self._put(event, instead_of, is_reply=False)

    def put_reply(self, reply: bytes) -> None:
        """Add a reply."""
        self._put(reply, None, is_reply=True)

    def _put(self, message: bytes, name: Hashable | None, *, is_reply: bool) -> None:
        if self.is_full:
            return
        counted = _counted(message, is_reply=is_reply)
        if len(self._waiting) >= MOST_WAITING or self._size + counted > MOST_WAITING_BYTES:
            self.is_full = True
            self._waiting.clear()
            self._size = 0
            self._wake(True)
            return
        self._count += 1
        self._waiting[self._count if name is None else name] = (message, is_reply)
        self._size += counted
        self._wake(is_reply)

    def next_frame(self) -> bytes | None:
        """What to send next: a reply alone, or events that came one after the other; None for nothing."""
        taken: list[Hashable] = []
        events: list[bytes] = []
        size = 0
        for name, (message, is_reply) in self._waiting.items():
            if is_reply and not taken:
                del self._waiting[name]
                self._size -= _counted(message, is_reply=True)
                return message
            if is_reply or len(events) >= _FRAME_EVENTS or (events and size + len(message) > _FRAME_BYTES):
                break
            taken.append(name)
            events.append(message)
            size += len(message)
        for name in taken:
            del self._waiting[name]
        self._size -= size
        return join(events) if events else None


def _counted(message: bytes, *, is_reply: bool) -> int:
    return min(len(message), _REPLY_COUNTS) if is_reply else len(message)
