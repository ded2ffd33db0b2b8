"""A hub that says what a test tells it to; satisfies `devicehub_tui.link.Live` without a network."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from devicehub.api.client import LinkState
from devicehub.api.contract import Gone, Method, P, R
from devicehub.api.model import (
    DeviceChanged,
    DeviceRemoved,
    DeviceView,
    Event,
    LastFigures,
    RunView,
    SampleView,
)
from devicehub.errors import HubUnreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

WALL_S = 1_700_000_000.0


class ScriptedHub:
    """Answers calls from a table and passes on events; shared by all links of one app.

    Attributes:
        answers: by a method's name; a callable is given the parameters, an exception is raised.
        asked: every call, in order.
    """

    def __init__(self, *, up: bool = True) -> None:
        self.answers: dict[str, Any] = {}
        self.asked: list[tuple[str, Any]] = []
        self.snapshots: dict[str, list[Any]] = {}
        self.up = up
        self._seq = 0
        self._followers: list[tuple[Sequence[str], Callable[[Event], None], Callable[[Any], None]]] = []

    @property
    def followers(self) -> int:
        """How many follow something just now."""
        return len(self._followers)

    def link(self) -> ScriptedLive:
        return ScriptedLive(self)

    def say(self, topic: str, data: Any) -> None:
        """Push an event to whoever follows the topic."""
        self._seq += 1
        event = Event(topic=topic, epoch="test", seq=self._seq, data=data)
        for topics, on_event, _ in self._followers:
            if topic in topics:
                on_event(event)

    def drop(self, why: str) -> None:
        """Go away."""
        self.up = False
        for _, _, on_link in self._followers:
            on_link(LinkState(up=False, text=why))

    def come_back(self) -> None:
        self.up = True
        for _, _, on_link in self._followers:
            on_link(LinkState(up=True))


class ScriptedLive:
    """One link to it."""

    def __init__(self, hub: ScriptedHub) -> None:
        self._hub = hub

    async def follow(
        self,
        topics: Sequence[str],
        *,
        on_event: Callable[[Event], None],
        on_gone: Callable[[Gone], None],
        on_link: Callable[[Any], None],
        only: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        follower = (topics, on_event, on_link)
        self._hub._followers.append(follower)
        try:
            if self._hub.up:
                on_link(LinkState(up=True))
                for topic in topics:
                    on_gone(Gone(topic=topic, seq=0, snapshot=self._hub.snapshots.get(topic, [])))
            await asyncio.Event().wait()
        finally:
            self._hub._followers.remove(follower)

    async def call(self, method: Method[P, R], params: P | None = None, *, timeout_s: float = 30.0) -> R:
        self._hub.asked.append((method.name, params))
        if not self._hub.up:
            raise HubUnreachable("the hub is not connected")
        answer = self._hub.answers[method.name]
        if isinstance(answer, Exception):
            raise answer
        result: R = answer(params) if callable(answer) else answer
        return result


def device(name: str, **changes: Any) -> DeviceView:
    """A phone that is ready."""
    known: dict[str, Any] = {
        "id": name, "serial": name, "transport_id": 1, "state": "ready", "adb_state": "device",
        "product": f"Phone {name}", "manufacturer": "Sample", "soc": "SM8650",
        "soc_name": "Snapdragon 8 Gen 3",
        "vendor": "qualcomm", "android": "14", "sdk": 34, "battery": 90, "temp_c": 30.0, "run": None,
        "quarantine": None, "virtual": False, "serialno": name, "boot_id": "b", "transports": [name],
    }  # fmt: skip
    return DeviceView(**{**known, **changes})


def sample(name: str, **changes: Any) -> SampleView:
    """A reading."""
    return SampleView(**{"device": name, "wall_s": WALL_S, **changes})


def run(name: str, **changes: Any) -> RunView:
    """A run that waits."""
    known: dict[str, Any] = {
        "id": name, "state": "queued", "verdict": None, "cause": None, "trusted": None, "serial": None,
        "serialno": None, "product": None, "model": "qwen", "engine": "mnn", "profile": "cpu",
        "workload": "demo", "virtual": False, "prefill_tok_s": None, "decode_tok_s": None, "fidelity": None,
        "fidelity_reason": None, "protocol": None, "launches": None, "attempt": 1, "created": WALL_S,
        "started": None, "updated": WALL_S, "ended": None, "stop_requested": None, "left": False,
    }  # fmt: skip
    return RunView(**{**known, **changes})


def figures(run_id: str, **changes: Any) -> LastFigures:
    known: dict[str, Any] = {
        "run": run_id, "model": "qwen2.5-1.5b", "prefill_tok_s": 240.5, "decode_tok_s": 21.37,
        "fidelity": 1.0, "spread": 0.031,
    }  # fmt: skip
    return LastFigures(**{**known, **changes})


def changed(view: DeviceView) -> DeviceChanged:
    return DeviceChanged(device=view)


def removed(name: str) -> DeviceRemoved:
    return DeviceRemoved(id=name)
