"""What the app needs of the hub, so that it runs as well without one; the API's own client satisfies it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from devicehub.api.contract import Gone, Method, P, R
    from devicehub.api.model import Event

FLEET_TOPICS: Final = ("devices", "samples", "runs", "progress", "notes", "jobs", "models", "campaigns")
"""What the app follows always; a model's words and phones' logs only while somebody reads them."""


class LinkState(Protocol):
    """How a connection is."""

    @property
    def up(self) -> bool:
        """Whether the hub answers."""

    @property
    def text(self) -> str:
        """Why it does not, in a sentence."""


class Live(Protocol):
    """A connection that comes back by itself."""

    async def follow(
        self,
        topics: Sequence[str],
        *,
        on_event: Callable[[Event], None],
        on_gone: Callable[[Gone], None],
        on_link: Callable[[LinkState], None],
        only: Mapping[str, Sequence[str]] = ...,
    ) -> None:
        """Hand over events as they come, and snapshots where some were missed, until cancelled."""

    async def call(self, method: Method[P, R], params: P | None = None, *, timeout_s: float = 30.0) -> R:
        """Ask the hub.

        Raises:
            ApiError: the hub refuses.
            HubUnreachable: there is none, or it went away.
        """
