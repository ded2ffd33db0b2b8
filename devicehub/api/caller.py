"""Who asks, and what answers: all that a method sees of the server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import msgspec


@dataclass(frozen=True)
class Caller:
    """Who asks.

    Attributes:
        client: as it calls itself, in characters that can be shown.
        local: it is on the hub's host.
        connection: its number.
        send: an event to this connection alone: topic and data.
    """

    client: str
    local: bool
    connection: int
    send: Callable[[str, msgspec.Struct], None]


Handler: TypeAlias = Callable[[Any, Caller], Awaitable[Any]]
"""Takes a method's parameters and who asks; gives its result, or raises a `HubError` to refuse."""
