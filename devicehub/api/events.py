"""Events on their way to clients: numbered by topic, kept for a replay, queued for each client. Pure.

Nothing here waits. A client that catches up is given what is kept, some at a time, as fast as it reads; from
the end of that on every event is put into its outbox.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from devicehub.api.contract import Gone, Subscribe, Subscribed
from devicehub.api.history import Entry, History, Newest, Ring, RunHistory
from devicehub.api.model import TOPICS, RunChanged
from devicehub.api.rpc import encode_event, encode_json, join

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import msgspec

    from devicehub.api.outbox import Outbox

log = logging.getLogger(__name__)

PUBLIC_TOPICS: Final = tuple(topic for topic in TOPICS if topic != "shell")
"""What can be subscribed to; output of a shell goes to whoever opened it, unasked."""
_COLLAPSING: Final = "samples"
_KEYED: Final = "log"
"""Costs a phone something to have, so that its devices are named."""
_AT_ONCE: Final = 200


@dataclass
class _Feed:
    """One topic of one client.

    Attributes:
        keys: what it wants to hear of; None for all.
        cursor: up to where it was given what is kept; None once it has all of that.
    """

    keys: frozenset[str] | None
    cursor: int | None

    def wants(self, key: str | None) -> bool:
        """Whether an event about this is for the client; one about nothing is for all."""
        return self.keys is None or key is None or key in self.keys


class Bus:
    """Numbers events, keeps them and hands them to clients.

    Attributes:
        epoch: names this life of the hub.
        on_wanted: is told the devices whose log anybody wants whenever they change.
    """

    def __init__(
        self,
        epoch: str,
        *,
        snapshot: Callable[[str, frozenset[str] | None], list[Any]],
        replay_runs: Callable[[int, int], Sequence[tuple[int, RunChanged]]],
        on_wanted: Callable[[str, frozenset[str]], None] = lambda _topic, _keys: None,
    ) -> None:
        """Begin at seq 0 of each topic.

        Args:
            epoch: names this life of the hub.
            snapshot: how a topic's things stand, of those that are named or of all.
            replay_runs: the stored events of runs whose own seq lies between two, both included, with it.
            on_wanted: is told a topic and the devices that somebody wants of it whenever they change.
        """
        self.epoch = epoch
        self.on_wanted = on_wanted
        self._snapshot = snapshot
        self._seqs = dict.fromkeys(PUBLIC_TOPICS, 0)
        self._histories: dict[str, History] = {topic: Ring() for topic in PUBLIC_TOPICS}
        self._histories[_COLLAPSING] = Newest()
        self._runs = self._histories["runs"] = RunHistory(epoch, replay_runs)
        self._listeners: dict[str, dict[Listener, _Feed]] = {topic: {} for topic in PUBLIC_TOPICS}
        self._wanted: frozenset[str] = frozenset()

    def seqs(self) -> dict[str, int]:
        """The newest event of each topic."""
        return dict(self._seqs)

    def publish(self, topic: str, data: msgspec.Struct, *, key: str | None = None) -> None:
        """Tell all who want to hear of it; `key` is the device or the run that it is about.

        Neither waits nor raises: what cannot be written as JSON is logged and dropped.
        """
        try:
            seq = self._seqs[topic] + 1
            text = encode_event(topic, self.epoch, seq, encode_json(data))
        except (TypeError, ValueError, KeyError, RecursionError):
            log.exception("an event of topic %s was dropped", topic)
            return
        self._seqs[topic] = seq
        entry = Entry(seq, key, text)
        if topic == "runs" and isinstance(data, RunChanged):
            self._runs.add(entry, data.event.seq if data.event is not None else 0)
        else:
            self._histories[topic].add(entry)
        instead_of = (topic, key) if topic == _COLLAPSING and key is not None else None
        for listener, feed in self._listeners[topic].items():
            if feed.cursor is None and feed.wants(key):
                listener.outbox.put_event(text, instead_of=instead_of)

    def subscribe(self, listener: Listener, wanted: Subscribe) -> Subscribed:
        """Have a client told of these topics in place of those before; `find_mistake` has found none.

        What the snapshot raises comes out, and the client's topics are as before.
        """
        feeds: dict[str, _Feed] = {}
        seqs: dict[str, int] = {}
        gone: list[Gone] = []
        for topic in dict.fromkeys(wanted.topics):
            keys = frozenset(wanted.only[topic]) if topic in wanted.only else None
            head = seqs[topic] = self._seqs[topic]
            feeds[topic] = _Feed(keys, None)
            after = wanted.after.get(topic)
            if after is None:
                continue
            if after.epoch == self.epoch and self._histories[topic].floor <= after.seq <= head:
                seqs[topic] = after.seq
                feeds[topic].cursor = after.seq if after.seq < head else None
            else:
                gone.append(Gone(topic=topic, seq=head, snapshot=self._snapshot(topic, keys)))
        for topic, listeners in self._listeners.items():
            listeners.pop(listener, None)
            if topic in feeds:
                listeners[listener] = feeds[topic]
        self._tell_wanted()
        return Subscribed(epoch=self.epoch, seqs=seqs, gone=gone)

    def leave(self, listener: Listener) -> None:
        """Forget a client."""
        for listeners in self._listeners.values():
            listeners.pop(listener, None)
        self._tell_wanted()

    def catch_up(self, listener: Listener) -> bytes | None:
        """The next frame of what a client missed; None when it has all of it.

        Raises:
            LookupError: it reads so slowly that what it should get next is no longer kept.
        """
        for topic, listeners in self._listeners.items():
            feed = listeners.get(listener)
            while feed is not None and feed.cursor is not None:
                history = self._histories[topic]
                if feed.cursor < history.floor:
                    raise LookupError(topic)
                entries, feed.cursor = history.after(feed.cursor, _AT_ONCE)
                texts = [entry.text for entry in entries if feed.wants(entry.key)]
                if feed.cursor >= self._seqs[topic]:
                    feed.cursor = None
                if texts:
                    return join(texts)
        return None

    def _tell_wanted(self) -> None:
        feeds = self._listeners[_KEYED].values()
        wanted = frozenset[str]().union(*(feed.keys for feed in feeds if feed.keys is not None))
        if wanted != self._wanted:
            self._wanted = wanted
            self.on_wanted(_KEYED, wanted)


class Listener:
    """One client as events see it."""

    def __init__(self, epoch: str, outbox: Outbox) -> None:
        self.outbox = outbox
        self._epoch = epoch
        self._seqs: dict[str, int] = {}

    def send(self, topic: str, data: msgspec.Struct) -> None:
        """An event for this client alone, numbered by itself; raises as `encode_json` does."""
        seq = self._seqs.get(topic, 0) + 1
        self.outbox.put_event(encode_event(topic, self._epoch, seq, encode_json(data)))
        self._seqs[topic] = seq


def find_mistake(wanted: Subscribe) -> str | None:
    """What is wrong with a subscription, in a sentence; None where nothing is."""
    for topic in wanted.topics:
        if topic not in PUBLIC_TOPICS:
            return f"there is no topic {topic!r} to subscribe to; there are {', '.join(PUBLIC_TOPICS)}"
    if _KEYED in wanted.topics and not wanted.only.get(_KEYED):
        return f"topic `{_KEYED}` needs the devices' ids in `only`"
    return None
