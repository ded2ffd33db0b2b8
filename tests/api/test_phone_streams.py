"""Shells and logs of phones over the real wire: server, client and the limits between them."""

import asyncio
import os
import sys
from types import SimpleNamespace

import pytest

from devicehub.api import contract
from devicehub.cli.shell_session import run_session
from devicehub.clock import SystemClock
from tests.adb.fake_server import Peer
from tests.api.phone_hub import hub


async def test_flood_of_a_phone_neither_ends_the_connection_nor_holds_up_others(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    size = 24 << 20

    async def flood(peer: Peer) -> None:
        for _ in range(size // 65536):
            await peer.say_shell(1, b"z" * 65536)
        await peer.say_shell(3, b"\x05")

    nothing = os.open(os.devnull, os.O_RDONLY)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(fileno=lambda: nothing))
    async with (
        hub(flood) as made,
        made.client() as client,
        made.client() as other,
        asyncio.timeout(120),
        asyncio.TaskGroup() as tasks,
    ):
        running = tasks.create_task(run_session(client, "P1", ["yes"], terminal=False))
        while not running.done():
            assert await other.call(contract.PING) == 1.0
            await SystemClock().sleep(0.01)
    os.close(nothing)
    assert running.result() == 5
    assert len(capfdbinary.readouterr().out) == size


async def test_log_is_shared_and_read_only_while_somebody_is_subscribed() -> None:
    begun = asyncio.Semaphore(0)
    ended = asyncio.Event()

    async def logging(peer: Peer) -> None:
        begun.release()
        await peer.say_shell(1, b"06-16 12:06:01.599  1  1 I TAG     : hello\n")
        await peer.reader.read()
        ended.set()

    async with hub(logging) as made, asyncio.timeout(60):
        async with made.client() as first, made.client() as second:
            await first.subscribe("log", only={"log": ["P1"]})
            await begun.acquire()
            event = await anext(first.events())
            assert (event.topic, event.data.lines) == ("log", ["06-16 12:06:01.599  1  1 I TAG     : hello"])
            await second.subscribe("log", only={"log": ["P1"]})
            assert begun.locked()
            assert not ended.is_set()
        await ended.wait()
