"""A link to a phone that breaks and comes back: what counts as broken, and for how long one waits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from devicehub.errors import AdbProtocolError, AdbRefused, AdbServerUnavailable, AdbTimeout, DeviceGone

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from devicehub.clock import Clock

_T = TypeVar("_T")

RETRY_S: Final = 1.0
BROKEN_LINK: Final = (AdbServerUnavailable, AdbProtocolError, AdbRefused, AdbTimeout, DeviceGone)


class Link:
    """Whether the link works, and the patience with it.

    Args:
        clock: paces the tries.
        patience_s: how long it may stay broken.
        on_change: told False when it breaks and True when it works again.
    """

    def __init__(
        self, clock: Clock, patience_s: float, on_change: Callable[[bool], None] | None = None
    ) -> None:
        self._clock = clock
        self._patience_s = patience_s
        self._on_change = on_change
        self._broken_since_s: float | None = None

    def works(self) -> None:
        """The phone answered."""
        if self._broken_since_s is not None and self._on_change:
            self._on_change(True)
        self._broken_since_s = None

    async def broke(self, error: Exception) -> None:
        """The link broke, or is still broken; returns when it is time for another try.

        Raises:
            Exception: the error itself, when patience is over.
        """
        now = self._clock.monotonic_s()
        if self._broken_since_s is None:
            self._broken_since_s = now
            if self._on_change:
                self._on_change(False)
        if now - self._broken_since_s >= self._patience_s:
            raise error
        await self._clock.sleep(RETRY_S)

    async def persist(self, ask: Callable[[], Awaitable[_T]]) -> _T:
        """The answer, asked for again while the link is broken; errors as `broke`."""
        while True:
            try:
                answer = await ask()
            except BROKEN_LINK as error:
                await self.broke(error)
            else:
                self.works()
                return answer
