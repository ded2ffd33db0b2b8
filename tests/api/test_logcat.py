"""The topic `log`: one logcat per phone while somebody looks, through breaks and floods."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

from devicehub.adb.client import Transport
from devicehub.api.logcat import LogPlace, PhoneLogs
from devicehub.api.model import LogLines
from devicehub.clock import SystemClock
from devicehub.errors import DeviceGone
from devicehub.sim.phone import PhoneSpec
from tests.adb.fake_server import FakeServer, Peer, fake_server
from tests.manual_clock import ManualClock
from tests.sim.desk import desk_with

FIRST = b"06-16 12:06:01.599  8826  8826 I MNNJNI  : one\n"
SECOND = b"06-16 12:06:01.599  8826  8826 I MNNJNI  : two\n"
THIRD = b"06-16 12:06:01.600  8826  8826 W MNNJNI  : three\n"


def take(place: LogPlace, data: bytes) -> list[str]:
    return list(place.receive(data))


def test_first_look_shows_what_came_shortly_before() -> None:
    assert LogPlace().resume() == "logcat -v threadtime -T 200"


def test_lines_of_the_last_moment_are_not_given_twice() -> None:
    place = LogPlace()
    place.resume()
    given = take(place, b"--------- beginning of main\n" + FIRST + SECOND)
    assert place.resume() == "logcat -v threadtime -T '06-16 12:06:01.599'"
    given += take(place, b"--------- beginning of main\n" + FIRST + SECOND + THIRD)
    assert [line.rpartition(" ")[2] for line in given] == ["main", "one", "two", "three"]


def test_line_that_was_logged_twice_in_a_moment_is_given_twice() -> None:
    place = LogPlace()
    place.resume()
    assert len(take(place, FIRST + FIRST)) == 2
    place.resume()
    assert len(take(place, FIRST + FIRST + FIRST)) == 1


def test_line_that_a_break_cut_comes_whole_afterwards() -> None:
    place = LogPlace()
    place.resume()
    given = take(place, FIRST + SECOND[:-4])
    place.resume()
    given += take(place, FIRST + SECOND)
    assert [line.rpartition(" ")[2] for line in given] == ["one", "two"]


def test_any_cut_of_the_bytes_gives_the_same_lines() -> None:
    data = FIRST + b"rest of a message\r\n" + b"\xff\n" + THIRD
    whole = take(LogPlace(), data)
    place = LogPlace()
    assert [line for index in range(len(data)) for line in take(place, data[index : index + 1])] == whole


def test_line_without_end_is_cut() -> None:
    assert {len(line) for line in take(LogPlace(), b"x" * 50_000)} == {4096}


class Screen:
    """Whoever looks on."""

    def __init__(self) -> None:
        self.events: list[LogLines] = []
        self._news = asyncio.Event()

    def publish(self, device: str, lines: LogLines) -> None:
        assert lines.device == device
        self.events.append(lines)
        self._news.set()

    def text(self, device: str = "P1") -> str:
        return "\n".join(line for each in self.events if each.device == device for line in each.lines)

    def has(self, count: int) -> bool:
        return len(self.events) >= count

    async def when(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(60):
            while not condition():
                self._news.clear()
                await self._news.wait()


@contextlib.asynccontextmanager
async def running(logs: PhoneLogs) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(logs.run())
        yield
        task.cancel()


async def test_log_of_a_virtual_phone_goes_on_after_a_break_without_a_line_twice(tmp_path: Path) -> None:
    screen = Screen()
    async with desk_with(PhoneSpec(mode="portable"), tmp_path) as desk:
        logs = PhoneLogs(lambda _: desk.transport, screen.publish, SystemClock())
        async with running(logs):
            await desk.sh("log -t TAG before")
            logs.want(frozenset({"P1"}))
            await screen.when(lambda: "before" in screen.text())
            desk.phone.system.kick_readers()
            await screen.when(lambda: "interrupted: logcat ended" in screen.text())
            await desk.sh("log -t TAG after")
            await screen.when(lambda: "after" in screen.text())
    assert screen.text().count("before") == screen.text().count("TAG     : after") == 1


class Logging:
    """Phones that log one line each time they are asked, and then nothing."""

    def __init__(self) -> None:
        self.open = 0
        self.begun = 0
        self.changed = asyncio.Event()

    async def __call__(self, peer: Peer) -> None:
        self.open += 1
        self.begun += 1
        self.changed.set()
        try:
            await peer.say_shell(1, FIRST)
            await peer.reader.read()
        finally:
            self.open -= 1
            self.changed.set()

    async def when(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(60):
            while not condition():
                self.changed.clear()
                await self.changed.wait()


async def test_log_is_read_only_while_it_is_wanted() -> None:
    phone, screen = Logging(), Screen()
    async with fake_server(FakeServer(phone={"shell": phone})) as server:
        logs = PhoneLogs(lambda _: server.client.transport(serial="P1"), screen.publish, ManualClock())
        async with running(logs):
            logs.want(frozenset({"P1", "P2"}))
            await phone.when(lambda: phone.open == 2)
            logs.want(frozenset({"P1"}))
            await phone.when(lambda: phone.open == 1)
            logs.want(frozenset({"P1"}))  # somebody else looks, too
            logs.want(frozenset())
            await phone.when(lambda: phone.open == 0)
    assert phone.begun == 2


async def test_phone_that_is_away_is_asked_again_and_its_absence_told_once() -> None:
    screen, clock = Screen(), ManualClock()
    asked = 0

    def transport(device: str) -> Transport:
        nonlocal asked
        asked += 1
        raise DeviceGone(serial=device, during="logcat", problem="is not connected")

    logs = PhoneLogs(transport, screen.publish, clock)
    async with running(logs):
        logs.want(frozenset({"P1"}))
        await screen.when(lambda: bool(screen.events))
        while asked < 4:
            clock.advance(5.0)
            await SystemClock().sleep(0)
    assert screen.text().count("is not connected") == 1


class HeldClock(ManualClock):
    """A clock whose sleepers sleep until it is let go on."""

    def __init__(self) -> None:
        super().__init__()
        self.turns = asyncio.Semaphore(0)

    async def sleep(self, seconds: float) -> None:
        await self.turns.acquire()
        await super().sleep(seconds)


async def test_flood_comes_in_bounded_events_at_a_bounded_pace() -> None:
    async def flood(peer: Peer) -> None:
        with contextlib.suppress(ConnectionError):
            for _ in range(4000):
                await peer.say_shell(1, THIRD * 100)

    screen, clock = Screen(), HeldClock()
    async with fake_server(FakeServer(phone={"shell": flood})) as server:
        logs = PhoneLogs(lambda _: server.client.transport(serial="P1"), screen.publish, clock)
        async with running(logs):
            logs.want(frozenset({"P1"}))
            for count in range(1, 6):
                await screen.when(partial(screen.has, count))
                for _ in range(100):
                    await SystemClock().sleep(0)
                assert len(screen.events) == count  # no more before time goes on
                clock.turns.release()
    assert max(len(each.lines) for each in screen.events) <= 251
    assert set(clock.slept_s) == {0.1}
