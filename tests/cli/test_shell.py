"""`devicehub shell`: its words, and its streams at sessions as the hub keeps them."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from devicehub.adb.client import Transport
from devicehub.api.model import Event
from devicehub.api.sessions import Sessions
from devicehub.cli.shell import phone_argv
from devicehub.cli.shell_session import run_session
from devicehub.cli.stdio import Escape
from devicehub.errors import ApiError, AskError, HubUnreachable
from tests.adb.fake_server import FakeServer, Peer, Service, fake_server


@pytest.mark.parametrize(
    ("words", "terminal", "argv"),
    [
        ((), True, []),
        ((), False, ["sh"]),
        (("ls | wc -l",), False, ["sh", "-c", "ls | wc -l"]),
        (("ls", "a b", "$x"), False, ["ls", "a b", "$x"]),
    ],
)
def test_words_become_a_command(words: tuple[str, ...], terminal: bool, argv: list[str]) -> None:
    assert phone_argv(words, terminal=terminal) == argv


@pytest.mark.parametrize(
    ("typed", "passed", "left"),
    [
        (b"~.", b"", True),
        (b"ls\r~.", b"ls\r", True),
        (b"ls ~.\r", b"ls ~.\r", False),
        (b"~~.\r", b"~.\r", False),
        (b"~/x\r~a", b"~/x\r~a", False),
        (b"~\r~.", b"~\r", True),
        ("ü\r".encode(), "ü\r".encode(), False),
    ],
)
def test_way_out_is_typed_at_the_beginning_of_a_line(typed: bytes, passed: bytes, left: bool) -> None:
    whole, ends = Escape(), Escape()
    assert whole.take(typed) == (passed, left)
    bits = [ends.take(typed[index : index + 1]) for index in range(len(typed))]
    assert (b"".join(bit for bit, _ in bits), any(end for _, end in bits)) == (passed, left)


class Client:
    """A connection to a hub's sessions, without the wire."""

    connection = 1

    def __init__(self, sessions: Sessions, transport: Transport) -> None:
        self._sessions = sessions
        self._transport = transport
        self._events: asyncio.Queue[Event | None] = asyncio.Queue()

    def send(self, topic: str, data: Any) -> None:
        self._events.put_nowait(Event(topic=topic, epoch="e", seq=1, data=data))

    def go_away(self) -> None:
        self._events.put_nowait(None)

    async def call(self, method: Any, params: Any = None, *, timeout_s: float = 30.0) -> Any:
        try:
            if method.name == "shell.open":
                return await self._sessions.open(self._transport, params, self)
            assert method.name == "shell.input"
            return await self._sessions.input(params, self)
        except AskError as error:
            raise ApiError(str(error), code=1, kind="AskError") from error

    async def events(self) -> AsyncIterator[Event]:
        while (event := await self._events.get()) is not None:
            yield event


@contextlib.asynccontextmanager
async def client_of(service: Service) -> AsyncIterator[Client]:
    async with fake_server(FakeServer(phone={"shell": service})) as server, Sessions() as sessions:
        yield Client(sessions, server.client.transport(serial="P1"))


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Where the test writes what the command is typed; closed by the test or after it."""
    ours, theirs = os.pipe()
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(fileno=lambda: ours))
    yield theirs
    with contextlib.suppress(OSError):
        os.close(theirs)
    os.close(ours)


async def test_streams_and_status_are_the_commands(stdin: int, capfd: pytest.CaptureFixture[str]) -> None:
    async def service(peer: Peer) -> None:
        packet = await peer.shell_packet()
        assert packet == (0, b"typed\n")
        assert await peer.shell_packet() == (4, b"")
        await peer.say_shell(2, b"wrong\n")
        await peer.say_shell(1, b"right\n")
        await peer.say_shell(3, b"\x07")

    os.write(stdin, b"typed\n")
    os.close(stdin)
    async with client_of(service) as client:
        assert await run_session(client, "P1", ["cat"], terminal=False) == 7
    assert capfd.readouterr() == ("right\n", "wrong\n")


async def test_more_output_than_the_hub_sends_unseen_arrives_whole(
    stdin: int, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    async def service(peer: Peer) -> None:
        for _ in range(64):
            await peer.say_shell(1, b"z" * 65536)
        await peer.say_shell(3, b"\0")

    async with client_of(service) as client, asyncio.timeout(60):
        assert await run_session(client, "P1", ["yes"], terminal=False) == 0
    assert len(capfdbinary.readouterr().out) == 64 * 65536


async def test_phone_that_vanishes_is_an_error(stdin: int) -> None:
    async def service(peer: Peer) -> None:
        return

    async with client_of(service) as client:
        with pytest.RaisesGroup(ApiError) as caught:
            await run_session(client, "P1", ["x"], terminal=False)
    (error,) = caught.value.exceptions
    assert isinstance(error, ApiError)
    assert error.kind == "DeviceGone"


async def test_hub_that_goes_away_is_an_error(stdin: int) -> None:
    async def service(peer: Peer) -> None:
        await peer.reader.read()

    async with client_of(service) as client:
        client.go_away()
        with pytest.RaisesGroup(HubUnreachable):
            await run_session(client, "P1", ["x"], terminal=False)
