"""The Python client of the hub: one connection, or a link that is made again whenever it breaks."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from devicehub import __version__
from devicehub.api.connection import Client
from devicehub.api.contract import After, Gone, Params, Subscribed
from devicehub.api.place import Where
from devicehub.api.start import open_hub
from devicehub.clock import SystemClock
from devicehub.errors import ApiError, ConfigError, HubUnreachable, InputError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from devicehub.api.contract import Method, Welcome
    from devicehub.api.model import Event
    from devicehub.clock import Clock
    from devicehub.runs.ask import CompareAsk, RunAsk

__all__ = ["Client", "LinkState", "LiveClient", "Where", "connect"]

P = TypeVar("P", bound="Params | RunAsk | CompareAsk")
R = TypeVar("R")

_NEVER_SEEN: Final = After(epoch="", seq=0)
_FIRST_PAUSE_S: Final = 0.25
_LONGEST_PAUSE_S: Final = 5.0
_DOWN: Final = "the hub is not connected"


@contextlib.asynccontextmanager
async def connect(
    where: Where,
    *,
    name: str,
    start: bool = True,
    tell: Callable[[str], None] = lambda _text: None,
    clock: Clock | None = None,
    version: str = __version__,
    any_version: bool = False,
) -> AsyncIterator[Client]:
    """A connection to the hub, for the time of the block.

    Args:
        where: which hub.
        name: what this client is called; runs are shared fairly between names.
        start: start the hub of the home where none runs, and replace one of an older version that has
            nothing to do.
        tell: is told that a hub was started or replaced.
        clock: paces the wait for one that starts.
        version: this client's.
        any_version: take a hub of another version as it is; it answers little more than its status.

    Raises:
        HubUnreachable: there is no hub, it does not start, or its version is another that stays.
        ApiError: it does not let this client in.
        InputError: a file that `where` names cannot be used.
        ConfigError: hub.json or the token's file is not this user's alone, or damaged.
    """
    clock = clock or SystemClock()
    async with open_hub(
        where, name=name, start=start, tell=tell, clock=clock, version=version, any_version=any_version
    ) as client:
        yield client


@dataclass(frozen=True)
class LinkState:
    """How the link to the hub is.

    Attributes:
        text: why it is down, in a sentence; empty while it is up.
        welcome: what the hub said of itself; None while it is down.
    """

    up: bool
    text: str = ""
    welcome: Welcome | None = None


class LiveClient:
    """A client that stays connected, and misses nothing that the hub still has.

    Args:
        where: which hub.
        name: what this client is called.
        start: start the hub where none runs when the link is made first; afterwards one that has gone is
            only waited for, so that `devicehub stop` ends it.
        tell: is told that a hub was started.
        clock: paces the attempts.
        version: this client's.
    """

    def __init__(
        self,
        where: Where,
        *,
        name: str,
        start: bool = True,
        tell: Callable[[str], None] = lambda _text: None,
        clock: Clock | None = None,
        version: str = __version__,
    ) -> None:
        self._where = where
        self._name = name
        self._start = start
        self._tell = tell
        self._clock = clock or SystemClock()
        self._version = version
        self._client: Client | None = None
        self._topics: tuple[str, ...] = ()
        self._only: dict[str, list[str]] = {}
        self._seen: dict[str, After] = {}
        self._down = _DOWN

    async def call(self, method: Method[P, R], params: P | None = None, *, timeout_s: float = 30.0) -> R:
        """Ask the hub over the link, as `Client.call` does; HubUnreachable at once while it is down."""
        if self._client is None:
            raise HubUnreachable(self._down)
        return await self._client.call(method, params, timeout_s=timeout_s)

    async def follow(
        self,
        topics: Sequence[str],
        *,
        on_event: Callable[[Event], None],
        on_gone: Callable[[Gone], None],
        on_link: Callable[[LinkState], None],
        only: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        """Keep the link and pass on what comes, in its order; runs until cancelled.

        Each topic begins with `on_gone`, whose snapshot is how things stand. It comes again whenever events
        were missed that the hub no longer has, and when the hub is another.
        """
        self._topics = tuple(topics)
        self._only = _plain(only or {})
        self._seen = {}
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                async with connect(
                    self._where, name=self._name, start=self._start, tell=self._tell, clock=self._clock,
                    version=self._version,
                ) as client:  # fmt: skip
                    await self._subscribe(client)
                    self._start = False
                    self._client = client
                    pause_s = _FIRST_PAUSE_S
                    on_link(LinkState(up=True, welcome=client.welcome))
                    await self._pass_on(client, on_event, on_gone)
            except (HubUnreachable, ApiError, ConfigError, InputError) as error:
                self._down = str(error)
            finally:
                self._client = None
            on_link(LinkState(up=False, text=self._down))
            await self._clock.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    async def change(self, topics: Sequence[str], *, only: Mapping[str, Sequence[str]] | None = None) -> None:
        """Follow these topics from now on, at once where the link is up; raises as `call` does.

        A topic that is new, or of which other things are to be heard, begins with `on_gone`.
        """
        wanted = _plain(only or {})
        kept = [topic for topic in topics if topic in self._topics]
        self._seen = {
            topic: self._seen[topic]
            for topic in kept
            if topic in self._seen and wanted.get(topic) == self._only.get(topic)
        }
        self._topics, self._only = tuple(topics), wanted
        if self._client is not None:
            await self._subscribe(self._client)

    async def _subscribe(self, client: Client) -> None:
        after = {topic: self._seen.get(topic, _NEVER_SEEN) for topic in self._topics}
        await client.subscribe(*self._topics, only=self._only, after=after)

    async def _pass_on(
        self, client: Client, on_event: Callable[[Event], None], on_gone: Callable[[Gone], None]
    ) -> None:
        async for piece in client.incoming():
            if isinstance(piece, Subscribed):
                for gone in piece.gone:
                    if gone.topic in self._topics:
                        self._seen[gone.topic] = After(epoch=piece.epoch, seq=gone.seq)
                        on_gone(gone)
                continue
            seen = self._seen.get(piece.topic)
            # Before its snapshot a topic's events are those of an earlier subscription; at or below what was
            # seen they are what was on its way when the subscription changed.
            if seen is None and piece.topic != "shell":
                continue
            if seen is not None and seen.epoch == piece.epoch and piece.seq <= seen.seq:
                continue
            if piece.topic != "shell":
                self._seen[piece.topic] = After(epoch=piece.epoch, seq=piece.seq)
            on_event(piece)


def _plain(only: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    return {topic: list(keys) for topic, keys in only.items()}
