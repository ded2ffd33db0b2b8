"""The client against the API's own server, with handlers of the test's."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import pytest

from devicehub.api.auth import Access, make_token
from devicehub.api.client import LinkState, LiveClient, Where, connect
from devicehub.api.contract import DEVICES, PAIR, PING, RUN, Gone, Pair, RunNamed
from devicehub.api.events import Bus
from devicehub.api.hubfile import HubFile, only_hub, publish, withdraw
from devicehub.api.limits import MOST_REQUESTS_S
from devicehub.api.model import DeviceChanged, DeviceView, Event, Noted, RunDocument, SampleView
from devicehub.api.server import ApiServer
from devicehub.clock import SystemClock
from devicehub.errors import ApiError, HubUnreachable, InputError, NoPhoneReady
from devicehub.settings import Home
from tests.api.views import device_view, run_view

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from devicehub.api.server import Caller, Handler

VERSION = "1.2"


class SmallHub:
    """A hub of nothing but an API.

    Attributes:
        notes: the snapshot of topic `notes`.
    """

    def __init__(self, home: Home, epoch: str = "first") -> None:
        self.home = home
        self.notes: list[Noted] = []
        self.bus = Bus(epoch, snapshot=self._snapshot, replay_runs=lambda _first, _last: [])
        self.called: list[tuple[str, str]] = []

    def _snapshot(self, topic: str, _keys: frozenset[str] | None) -> list[Any]:
        shown: dict[str, list[Any]] = {"devices": [device_view("A")], "notes": self.notes}
        return shown.get(topic, [])

    async def _ping(self, _params: Any, caller: Caller) -> float:
        self.called.append(("ping", caller.client))
        return 12.5

    async def _devices(self, _params: Any, _caller: Caller) -> list[DeviceView]:
        return [device_view("A"), device_view("B")]

    async def _pair(self, params: Pair, _caller: Caller) -> str:
        raise NoPhoneReady(f"nobody at {params.address}")

    async def _run(self, params: RunNamed, _caller: Caller) -> RunDocument:
        if params.run == "never":
            await asyncio.Event().wait()
        return RunDocument(run=run_view(params.run), document={"long": "x" * 3_000_000}, events=[])

    @contextlib.asynccontextmanager
    async def serve(self, port: int = 0) -> AsyncIterator[ApiServer]:
        async with only_hub(self.home, SystemClock()):
            access = Access(make_token(self.home.token))
            handlers: dict[str, Handler] = {
                "ping": self._ping,
                "devices.list": self._devices,
                "devices.pair": self._pair,
                "runs.show": self._run,
            }
            async with ApiServer(handlers, self.bus, access, SystemClock(), port=port) as server:
                hub = HubFile(url=server.url, pid=1, version=VERSION)
                publish(self.home, hub)
                yield server
                withdraw(self.home, hub)

    def note(self, text: str) -> None:
        self.bus.publish("notes", Noted(text=text, wall_s=1.0))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def hub(home: Home) -> SmallHub:
    return SmallHub(home)


async def test_answers_have_their_types_and_may_be_large(hub: SmallHub, home: Home) -> None:
    async with hub.serve(), connect(Where(home), name="me", start=False, version=VERSION) as client:
        assert client.welcome.epoch == "first"
        assert client.welcome.local
        assert await client.call(PING) == 12.5
        assert hub.called == [("ping", "me")]
        assert [device.id for device in await client.call(DEVICES)] == ["A", "B"]
        document = await client.call(RUN, RunNamed(run="r1"))
        assert document.run == run_view("r1")
        assert len(document.document["long"]) == 3_000_000


async def test_hubs_error_comes_with_its_kind(hub: SmallHub, home: Home) -> None:
    async with hub.serve(), connect(Where(home), name="me", start=False, version=VERSION) as client:
        with pytest.raises(ApiError, match="nobody at ☎") as caught:
            await client.call(PAIR, Pair(address="☎", code="1"))
        assert caught.value.kind == "NoPhoneReady"
        assert not caught.value.again


async def test_calls_do_not_wait_for_each_other(hub: SmallHub, home: Home) -> None:
    async with hub.serve(), connect(Where(home), name="me", start=False, version=VERSION) as client:
        with pytest.raises(HubUnreachable, match=r"no answer to runs\.show"):
            await client.call(RUN, RunNamed(run="never"), timeout_s=0.01)
        answers = await asyncio.gather(*(client.call(PING) for _ in range(50)))
        assert answers == [12.5] * 50


async def test_client_asks_no_faster_than_the_hub_lets_it(hub: SmallHub, home: Home) -> None:
    async with hub.serve(), connect(Where(home), name="me", start=False, version=VERSION) as client:
        for _ in range(6):
            await asyncio.gather(*(client.call(PING) for _ in range(50)))
    assert len(hub.called) == 300 > MOST_REQUESTS_S


async def test_events_come_decoded_and_in_order(hub: SmallHub, home: Home) -> None:
    async with hub.serve(), connect(Where(home), name="me", start=False, version=VERSION) as client:
        subscribed = await client.subscribe("notes", "devices", "samples")
        assert set(subscribed.seqs) >= {"notes", "devices"}
        hub.bus.publish("devices", DeviceChanged(device=device_view("A")))
        for number in range(500):
            hub.note(str(number))
        hub.bus.publish("samples", SampleView(device="A", wall_s=1.0, temp_mc=38200))
        found: list[Event] = []
        async for event in client.events():
            found.append(event)
            if len(found) == 502:
                break
        assert [event.data for event in found if event.topic == "devices"] == [
            DeviceChanged(device=device_view("A"))
        ]
        assert [event.data.text for event in found if event.topic == "notes"] == [
            str(number) for number in range(500)
        ]
        assert [event.data.temp_mc for event in found if event.topic == "samples"] == [38200]


async def test_events_that_nobody_takes_end_the_connection(
    hub: SmallHub, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("devicehub.api.connection._MOST_UNREAD", 100)
    async with hub.serve(), connect(Where(home), name="me", start=False, version=VERSION) as client:
        await client.subscribe("notes")
        for number in range(500):
            hub.note(str(number))
        async with asyncio.timeout(60):
            with contextlib.suppress(HubUnreachable):
                while True:
                    await client.call(PING)
        with pytest.raises(HubUnreachable, match="not read fast enough"):
            await client.call(PING)


async def test_end_of_the_hub_ends_calls_and_events(hub: SmallHub, home: Home) -> None:
    async with contextlib.AsyncExitStack() as stack:
        async with hub.serve():
            client = await stack.enter_async_context(
                connect(Where(home), name="me", start=False, version=VERSION)
            )
            await client.subscribe("notes")
        with pytest.raises(HubUnreachable, match="the hub has ended"):
            await anext(client.events())
        with pytest.raises(HubUnreachable, match="the hub has ended"):
            await client.call(PING)


async def test_wrong_token_is_told_as_such(hub: SmallHub, home: Home, tmp_path: Path) -> None:
    other = tmp_path / "token"
    other.write_text("wrong")
    other.chmod(0o600)
    async with hub.serve() as server:
        with pytest.raises((ApiError, HubUnreachable), match="token"):
            async with connect(Where(home, server.url, token_file=other), name="me", start=False):
                pass


async def test_no_hub_and_none_wanted(home: Home) -> None:
    with pytest.raises(HubUnreachable, match="devicehub serve"):
        async with connect(Where(home), name="me", start=False):
            pass


@pytest.mark.parametrize("url", ["ws://10.0.0.1:5", "http://127.0.0.1:5", "hub", "wss://[::1", "wss://h:x"])
async def test_token_goes_to_no_other_host_without_tls(home: Home, url: str) -> None:
    with pytest.raises(InputError, match="wss://HOST:PORT"):
        async with connect(Where(home, url), name="me"):
            pass


async def test_certificates_that_cannot_be_read(home: Home, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="PEM"):
        async with connect(Where(home, "wss://127.0.0.1:5", ca=tmp_path / "none"), name="me"):
            pass


class Follower:
    """Notes what a LiveClient tells, and lets a test wait for it."""

    def __init__(self, live: LiveClient) -> None:
        self.live = live
        self.events: list[Event] = []
        self.gone: list[Gone] = []
        self.links: list[LinkState] = []
        self._news = asyncio.Event()

    async def follow(self, *topics: str) -> None:
        def add(place: list[Any], item: Any) -> None:
            place.append(item)
            self._news.set()

        await self.live.follow(
            topics,
            on_event=lambda event: add(self.events, event),
            on_gone=lambda gone: add(self.gone, gone),
            on_link=lambda link: add(self.links, link),
        )

    async def until(self, *, events: int = 0, gone: int = 0, links: int = 0) -> None:
        async with asyncio.timeout(60):
            while len(self.events) < events or len(self.gone) < gone or len(self.links) < links:
                self._news.clear()
                await self._news.wait()

    @property
    def texts(self) -> list[str]:
        return [event.data.text for event in self.events]


@pytest.fixture
async def follower(home: Home) -> Follower:
    return Follower(LiveClient(Where(home), name="live", start=False, version=VERSION))


async def test_link_is_made_again_and_nothing_is_missed(
    hub: SmallHub, home: Home, follower: Follower
) -> None:
    async with asyncio.TaskGroup() as tasks:
        following = tasks.create_task(follower.follow("notes"))
        await follower.until(links=1)
        assert "no hub runs" in follower.links[0].text
        with pytest.raises(HubUnreachable, match="no hub runs"):
            await follower.live.call(PING)
        async with hub.serve():
            await follower.until(links=2, gone=1)
            assert follower.links[-1].up
            assert await follower.live.call(PING) == 12.5
            hub.note("one")
            await follower.until(events=1)
        while follower.links[-1].up:
            await follower.until(links=len(follower.links) + 1)
        hub.note("two")
        async with hub.serve():
            await follower.until(events=2)
            hub.note("three")
            await follower.until(events=3)
        following.cancel()
    assert follower.texts == ["one", "two", "three"]
    assert len(follower.gone) == 1


async def test_another_hub_is_shown_by_its_snapshot(home: Home, follower: Follower) -> None:
    async with asyncio.TaskGroup() as tasks:
        following = tasks.create_task(follower.follow("notes", "devices"))
        first = SmallHub(home)
        async with first.serve():
            await follower.until(gone=2)
            first.note("one")
            await follower.until(events=1)
        second = SmallHub(home, "second")
        second.notes = [Noted(text="kept", wall_s=2.0)]
        async with second.serve():
            await follower.until(gone=4)
        following.cancel()
    shown = {gone.topic: gone.snapshot for gone in follower.gone[2:]}
    assert shown == {"notes": [Noted(text="kept", wall_s=2.0)], "devices": [device_view("A")]}


async def test_change_of_topics_repeats_nothing(hub: SmallHub, home: Home, follower: Follower) -> None:
    async with asyncio.TaskGroup() as tasks, hub.serve():
        following = tasks.create_task(follower.follow("notes"))
        await follower.until(links=1, gone=1)
        for number in range(20):
            hub.note(str(number))
        await follower.live.change(["notes", "devices"])
        for number in range(20, 40):
            hub.note(str(number))
        await follower.until(events=40, gone=2)
        await follower.live.change(["devices"])
        hub.note("unheard")
        hub.bus.publish("devices", DeviceChanged(device=device_view("B")))
        await follower.until(events=41)
        following.cancel()
    assert [event.data.text for event in follower.events[:40]] == [str(number) for number in range(40)]
    assert follower.events[40].topic == "devices"
    assert [gone.topic for gone in follower.gone] == ["notes", "devices"]
