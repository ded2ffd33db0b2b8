"""Shell sessions: on a virtual phone, and on phones that do what no virtual one does."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from devicehub.adb.client import Transport
from devicehub.adb.shell import Shell
from devicehub.api.contract import SessionNamed, ShellInput, ShellOpen
from devicehub.api.model import ShellSaid
from devicehub.api.sessions import AHEAD_BYTES, AHEAD_EVENTS, MOST_SESSIONS, Sessions
from devicehub.clock import SystemClock
from devicehub.errors import AdbRefused, AskError, DeviceGone, HubError
from devicehub.sim.phone import PhoneSpec
from tests.adb.fake_server import FakeServer, Peer, Service, fake_server
from tests.sim.desk import desk_with


@dataclass
class Client:
    """One connection; what came to it. It says what it has seen as long as it is attentive."""

    connection: int = 1
    said: list[ShellSaid] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def send(self, topic: str, data: Any) -> None:
        assert topic == "shell"
        self.said.append(data)
        self.news.set()

    def output(self, *, error: bool = False) -> bytes:
        return b"".join(each.data for each in self.said if each.error == error)

    @property
    def last(self) -> ShellSaid:
        return self.said[-1]

    @property
    def ended(self) -> bool:
        return bool(self.said) and (self.last.status is not None or self.last.problem is not None)

    async def until(self, text: bytes) -> None:
        await self.when(lambda: text in self.output())

    async def when(self, condition: Any) -> None:
        async with asyncio.timeout(60):
            while not condition():
                self.news.clear()
                await self.news.wait()

    async def end(self, sessions: Sessions, session: str) -> ShellSaid:
        """Look on, and say so, until the session has ended."""
        seen = 0
        while not self.ended:
            await self.when(lambda before=seen: len(self.said) > before)
            seen = len(self.said)
            if not self.ended:
                with contextlib.suppress(AskError):  # it ended meanwhile
                    await sessions.input(ShellInput(session=session, seen=seen), self)
        return self.last


@contextlib.asynccontextmanager
async def phone(service: Service, *, features: str = "shell_v2") -> AsyncIterator[Transport]:
    async with fake_server(FakeServer(phone={"shell": service}, features=features)) as server:
        yield server.client.transport(serial="P1")


def command(*argv: str) -> ShellOpen:
    return ShellOpen(device="P1", argv=list(argv))


async def settle() -> None:
    """Let everything that is ready to run do so."""
    for _ in range(200):
        await SystemClock().sleep(0)


async def until_hung_up(peer: Peer) -> None:
    """Look at nothing that comes."""
    await peer.writer.wait_closed()


async def test_streams_status_and_stdin_of_a_virtual_phone(tmp_path: Path) -> None:
    client = Client()
    async with desk_with(PhoneSpec(mode="portable"), tmp_path) as desk, Sessions() as sessions:
        script = "cat; echo wrong >&2; exit 7"
        session = await sessions.open(desk.transport, command("sh", "-c", script), client)
        await sessions.input(ShellInput(session=session, data="zwölf\n".encode()), client)
        await sessions.input(ShellInput(session=session, end=True), client)
        last = await client.end(sessions, session)
    assert client.output() == "zwölf\n".encode()
    assert client.output(error=True) == b"wrong\n"
    assert last == ShellSaid(session=session, status=7)


async def test_interactive_shell_knows_its_terminal_and_hears_of_a_new_size(tmp_path: Path) -> None:
    client = Client()
    async with desk_with(PhoneSpec(mode="portable"), tmp_path) as desk, Sessions() as sessions:
        opening = ShellOpen(device="P1", terminal=(91, 37), term="xterm-256color")
        session = await sessions.open(desk.transport, opening, client)
        await sessions.input(ShellInput(session=session, data=b"stty size; echo $TERM\n"), client)
        await client.until(b"37 91")
        await client.until(b"xterm-256color\r\n")
        await sessions.input(ShellInput(session=session, terminal=(120, 50)), client)
        await sessions.input(ShellInput(session=session, data=b"stty size; exit 3\n"), client)
        last = await client.end(sessions, session)
    assert b"50 120" in client.output()
    assert last.status == 3


async def test_client_that_stops_looking_holds_the_phone_back() -> None:
    sent = 0

    async def flood(peer: Peer) -> None:
        nonlocal sent
        for _ in range(2000):
            await peer.say_shell(1, b"x" * 65536)
            sent += 65536
        await peer.say_shell(3, b"\0")

    client = Client()
    async with phone(flood) as transport, Sessions() as sessions:
        session = await sessions.open(transport, command("yes"), client)
        await client.when(lambda: len(client.output()) >= AHEAD_BYTES)
        await settle()
        assert len(client.output()) < AHEAD_BYTES + 65536
        last = await client.end(sessions, session)
    assert last.status == 0
    assert len(client.output()) == sent == 2000 * 65536


async def test_many_small_pieces_are_held_back_too() -> None:
    async def drip(peer: Peer) -> None:
        for number in range(3 * AHEAD_EVENTS):
            await peer.say_shell(1 + number % 2, b".")
        await peer.say_shell(3, b"\0")

    client = Client()
    async with phone(drip) as transport, Sessions() as sessions:
        session = await sessions.open(transport, command("drip"), client)
        await client.when(lambda: len(client.said) >= AHEAD_EVENTS)
        await settle()
        assert len(client.said) == AHEAD_EVENTS
        assert (await client.end(sessions, session)).status == 0


async def test_phone_that_vanishes_ends_the_session_with_a_sentence() -> None:
    async def vanish(peer: Peer) -> None:
        await peer.say_shell(1, b"so far")

    client = Client()
    async with phone(vanish) as transport, Sessions() as sessions:
        last = await client.end(sessions, await sessions.open(transport, command("x"), client))
    assert client.output() == b"so far"
    assert last.kind == "DeviceGone"
    assert last.status is None
    assert last.problem is not None
    assert "P1 vanished" in last.problem


async def test_phone_that_is_not_there_is_an_answer_not_an_event() -> None:
    client = Client()
    async with fake_server(FakeServer()) as server, Sessions() as sessions:
        with pytest.raises(DeviceGone):
            await sessions.open(server.client.transport(serial="P2"), command("x"), client)
    assert client.said == []


async def test_phone_with_the_old_shell_says_that_it_takes_no_input() -> None:
    client = Client()

    async def wait(peer: Peer) -> None:
        await peer.reader.read()

    async with phone(wait, features="cmd") as transport, Sessions() as sessions:
        session = await sessions.open(transport, command("cat"), client)
        await sessions.input(ShellInput(session=session, data=b"x"), client)
        await client.when(lambda: b"takes no stdin" in client.output(error=True))
        with pytest.raises(AdbRefused, match="version 1"):
            await sessions.open(transport, ShellOpen(device="P1", terminal=(80, 24)), client)


async def test_input_waits_for_a_command_that_does_not_read_and_seen_does_not() -> None:
    client = Client()
    reading = asyncio.Event()
    taken = 0

    async def late(peer: Peer) -> None:
        nonlocal taken
        await reading.wait()
        while (packet := await peer.shell_packet())[0] == 0:
            taken += len(packet[1])
        await peer.say_shell(3, b"\0")

    async with phone(late) as transport, Sessions() as sessions:
        session = await sessions.open(transport, command("late"), client)
        piece = ShellInput(session=session, data=b"y" * (1 << 20))
        async with asyncio.TaskGroup() as tasks:
            feeding = tasks.create_task(feed(sessions, piece, 64, client))
            async with asyncio.timeout(30):
                await sessions.input(ShellInput(session=session, seen=0), client)
            assert not feeding.done()
            reading.set()
        await sessions.input(ShellInput(session=session, end=True), client)
        assert (await client.end(sessions, session)).status == 0
    assert taken == 64 << 20


async def feed(sessions: Sessions, piece: ShellInput, count: int, client: Client) -> None:
    for _ in range(count):
        await sessions.input(piece, client)


async def test_input_that_waits_is_let_go_when_the_session_ends() -> None:
    client = Client()
    async with phone(until_hung_up) as transport, Sessions() as sessions:
        session = await sessions.open(transport, command("x"), client)
        async with asyncio.TaskGroup() as tasks:
            piece = ShellInput(session=session, data=b"y" * (1 << 20))
            feeding = tasks.create_task(feed_until_closed(sessions, piece, client))
            await settle()
            await sessions.close(SessionNamed(session=session), client)
        assert feeding.result() is None


async def feed_until_closed(sessions: Sessions, piece: ShellInput, client: Client) -> None:
    with contextlib.suppress(AskError):
        while True:
            await sessions.input(piece, client)


async def test_session_of_another_connection_is_out_of_reach() -> None:
    client, stranger = Client(1), Client(2)
    async with phone(until_hung_up) as transport, Sessions() as sessions:
        session = await sessions.open(transport, command("x"), client)
        with pytest.raises(AskError, match="no shell session"):
            await sessions.input(ShellInput(session=session, data=b"rm"), stranger)
        with pytest.raises(AskError, match="no shell session"):
            await sessions.close(SessionNamed(session=session), stranger)


async def test_connection_that_goes_takes_its_sessions_along() -> None:
    hung_up = asyncio.Event()

    async def service(peer: Peer) -> None:
        await peer.reader.read()
        hung_up.set()

    client, other = Client(1), Client(2)
    async with phone(service) as transport, Sessions() as sessions:
        await sessions.open(transport, command("x"), client)
        kept = await sessions.open(transport, command("x"), other)
        sessions.drop(1)
        async with asyncio.timeout(30):
            await hung_up.wait()
        await sessions.input(ShellInput(session=kept, data=b"x"), other)
    assert client.said == []


async def test_closed_session_makes_room_for_another() -> None:
    client = Client()
    async with phone(until_hung_up) as transport, Sessions() as sessions:
        opened = [await sessions.open(transport, command("x"), client) for _ in range(MOST_SESSIONS)]
        with pytest.raises(AskError, match="close one first"):
            await sessions.open(transport, command("x"), client)
        await sessions.close(SessionNamed(session=opened[0]), client)
        await settle()
        await sessions.open(transport, command("x"), client)


async def test_session_that_is_dropped_before_it_began_is_answered() -> None:
    async def silent(peer: Peer) -> None:
        await peer.reader.read()

    server = FakeServer(host={"host-serial:P1:features": silent})
    async with fake_server(server), Sessions() as sessions, asyncio.TaskGroup() as tasks:
        opening = tasks.create_task(open_refused(sessions, server.client.transport(serial="P1")))
        await SystemClock().sleep(0)
        sessions.drop(1)
        assert await opening == "the shell session was closed before the phone had started it"


async def open_refused(sessions: Sessions, transport: Transport) -> str:
    with pytest.raises(AskError) as caught:
        await sessions.open(transport, command("x"), Client(1))
    return str(caught.value)


async def test_interactive_shell_without_a_terminal_is_refused() -> None:
    async with phone(until_hung_up) as transport, Sessions() as sessions:
        with pytest.raises(AskError, match="needs a terminal"):
            await sessions.open(transport, ShellOpen(device="P1"), Client())


class _Stumbling(Shell):
    async def resize(self, columns: int, rows: int) -> None:
        raise ZeroDivisionError(f"{columns}x{rows}")


async def test_mistake_of_the_hub_ends_that_session_alone(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("devicehub.adb.shell.Shell", _Stumbling)
    client = Client()
    async with phone(until_hung_up) as transport, Sessions() as sessions:
        other = await sessions.open(transport, command("cat"), client)
        with pytest.raises(HubError, match="the hub failed"):
            await sessions.open(transport, ShellOpen(device="P1", terminal=(80, 25)), client)
        session = await sessions.open(transport, command("cat"), client)
        await sessions.input(ShellInput(session=session, terminal=(80, 24)), client)
        last = await client.end(sessions, session)
        assert last.problem == "the hub failed; see its log: ZeroDivisionError: 80x24"
        await sessions.close(SessionNamed(session=other), client)
    assert "Traceback" in caplog.text
