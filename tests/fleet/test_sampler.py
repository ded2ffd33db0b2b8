"""Looking at idle phones: which are read, and what becomes of one that says nothing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from devicehub.adb.client import AdbClient
from devicehub.adb.server import private_server
from devicehub.clock import SystemClock
from devicehub.errors import DeviceGone
from devicehub.fleet.sampler import Sampler
from devicehub.sim.phone import PhoneSpec, virtual_phone
from tests.adb.fake_server import FakeServer, Peer, fake_server

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from devicehub.adb.client import Transport
    from devicehub.telemetry.sample import Sample


async def test_a_phone_is_read_while_it_is_wanted_and_left_alone_after(tmp_path: Path) -> None:
    samples: asyncio.Queue[tuple[str, Sample]] = asyncio.Queue()
    async with (
        private_server(home=tmp_path) as server,
        virtual_phone(PhoneSpec(), keys=[server.key_path]) as phone,
    ):
        client = AdbClient(server.address)
        await client.connect(phone.address)
        sampler = Sampler(
            lambda _device: client.transport(serial=phone.address),
            lambda device, sample: samples.put_nowait((device, sample)),
            SystemClock(),
        )
        async with asyncio.timeout(120), asyncio.TaskGroup() as tasks:
            running = tasks.create_task(sampler.run())
            sampler.want(frozenset({"P1"}))
            told = [await samples.get() for _ in range(4)]
            sampler.want(frozenset())
            await phone.faults.when_gone("tell_fast")
            running.cancel()
    assert {device for device, _ in told} == {"P1"}
    assert [sample.lane for _, sample in told].count("fast") >= 2
    assert told[0][1].number("mem_total_kb")
    assert any(sample.temps_mc() for _, sample in told)


async def test_a_phone_that_says_nothing_is_told_and_asked_again() -> None:
    asked: asyncio.Queue[None] = asyncio.Queue()

    async def say_nothing(peer: Peer) -> None:
        asked.put_nowait(None)
        await peer.reader.read()

    silent: asyncio.Queue[str] = asyncio.Queue()
    async with fake_server(FakeServer(phone={"shell,v2": say_nothing})) as server:
        sampler = Sampler(
            lambda _device: server.client.transport(serial="P1"),
            lambda _device, _sample: None,
            _Hurried(),
            on_silent=silent.put_nowait,
            silent_s=0.05,
        )
        async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
            running = tasks.create_task(sampler.run())
            sampler.want(frozenset({"P1"}))
            for _ in range(2):
                await asked.get()
                assert await silent.get() == "P1"
            running.cancel()


async def test_a_phone_that_is_gone_is_waited_for_longer_each_time() -> None:
    def gone(device: str) -> Transport:
        raise DeviceGone(serial=device, during="look", problem="is not connected")

    clock = _Hurried()
    silent: asyncio.Queue[str] = asyncio.Queue()
    sampler = Sampler(gone, lambda _device, _sample: None, clock, on_silent=silent.put_nowait)
    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(sampler.run())
        sampler.want(frozenset({"P1"}))
        for _ in range(7):
            await silent.get()
        running.cancel()
    assert clock.slept_s[:6] == [2.0, 4.0, 8.0, 16.0, 32.0, 60.0]


async def test_a_mistake_over_one_phone_leaves_the_others_read(caplog: pytest.LogCaptureFixture) -> None:
    async def say(peer: Peer) -> None:
        await peer.say_shell(1, b"fast\tup=1\twall=2\n" * 2)
        await peer.reader.read()

    samples: asyncio.Queue[str] = asyncio.Queue()

    def take(device: str, _sample: Sample) -> None:
        samples.put_nowait(device)
        if device == "bad":
            raise ZeroDivisionError

    async with fake_server(FakeServer(phone={"shell,v2": say})) as server:
        sampler = Sampler(lambda _device: server.client.transport(serial="P1"), take, _Hurried())
        async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
            running = tasks.create_task(sampler.run())
            sampler.want(frozenset({"bad", "good"}))
            told = [await samples.get() for _ in range(4)]
            assert (told.count("good"), told.count("bad")) == (2, 2)  # the bad one is read anew
            running.cancel()
        assert "what bad says could not be followed" in caplog.text

        async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
            running = tasks.create_task(sampler.run())  # once more, as when the hub begins a part anew
            assert {await samples.get(), await samples.get()} <= {"bad", "good"}
            running.cancel()


class _Hurried(SystemClock):
    """Waits no longer than a turn of the loop."""

    def __init__(self) -> None:
        self.slept_s: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)
        await super().sleep(0)
