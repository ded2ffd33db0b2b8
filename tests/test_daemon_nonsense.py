"""The hub among phones, and on an adb server, that answer nonsense: neither ends it."""

from __future__ import annotations

import asyncio
import contextlib
import random
from typing import TYPE_CHECKING, Final

import pytest

from devicehub.api import contract
from devicehub.api.client import Where, connect
from devicehub.clock import SystemClock
from devicehub.errors import ApiError
from devicehub.runs.retry import Breaker
from devicehub.settings import Home
from tests.adb.fake_server import FakeServer, Peer
from tests.cli.hub_fixture import adb_with, hub_in_thread

if TYPE_CHECKING:
    from pathlib import Path

_NUMBERS: Final = (b"9" * 5000, b"-1", b"1e308", b"nan", b"0x7f", b"", "٣".encode(), b"18446744073709551616")
_COUNTERS: Final = (b"9" * 5000, b"18446744073709551616", b"0", b"7")
_KEYS: Final = (
    b"up wall up2 cpu mem_kb mem_total_kb khz.policy0 khz.policy1 cap.policy0 zone.skin zone.battery "
    b"gpu.busy gpu.clock battery.capacity battery.temp battery.status status free_kb hal.skin"
).split()
_LANES: Final = (b"fast", b"battery", b"space", b"thermal", b"head", b"")
_MANY: Final = 400
"""Lines; each phone tells as many before the test is over."""


class Phone:
    """Says who it is, and then nothing that makes sense."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self.told = asyncio.Event()

    async def answer(self, peer: Peer) -> None:
        """A command: the sampler's script tells for ever, the others once."""
        if "tell_fast" not in peer.service:
            said = b"[ro.serialno]: [S1]\n" if "getprop" in peer.service else b""
            await peer.say_shell(1, said + self._noise())
            await peer.say_shell(3, b"\0")
            return
        for _ in range(_MANY):
            await peer.say_shell(1, self._line())
        self.told.set()
        await peer.reader.read()

    def _line(self) -> bytes:
        fields = [key + b"=" + self._value() for key in self._chance.sample(_KEYS, 6)]
        return b"\t".join([self._chance.choice(_LANES), *fields]) + b"\n"

    def _value(self) -> bytes:
        if self._chance.random() < 0.3:
            return b" ".join(self._chance.choices(_COUNTERS, k=8))
        return b" ".join(self._chance.choices(_NUMBERS, k=self._chance.choice([1, 1, 2])))

    def _noise(self) -> bytes:
        words = [self._value(), b"[ro.build.version.sdk]: [", b"level: ", b"temperature: ", b"\n", b"]"]
        return b"".join(self._chance.choices(words, k=30)) + self._chance.randbytes(200)


@pytest.mark.parametrize("seed", range(3))
async def test_phone_that_answers_nonsense_ends_nothing(
    tmp_path: Path, seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    phone, home = Phone(seed), Home(tmp_path / "home")
    adb = adb_with(b"P1 device transport_id:4\n")
    adb.phone = {"shell,v2": phone.answer}
    with hub_in_thread(home, adb):
        async with connect(Where(home), name="test", start=False) as client:
            async with asyncio.timeout(60):
                while True:
                    [device] = await client.call(contract.DEVICES)
                    if device.state == "ready":
                        break
                await client.subscribe("log", "samples", only={"log": [device.id]})
                while not phone.told.is_set():
                    await client.call(contract.SAMPLES_NOW)
            for _ in range(3):
                await client.call(contract.SAMPLES_NOW)
            [device] = await client.call(contract.DEVICES)
            assert device.serialno == "S1"
    assert "Traceback" not in caplog.text


class Server(FakeServer):
    """An adb server that answers nothing as it should."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.asked = 0
        self._chance = random.Random(seed)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked += 1
        chance = self._chance
        block = chance.choice(
            [
                b"P1 device transport_id:4\n" * 3,
                b"P1\tdevice\n(no serial number) no permissions [http://]; see\n\xff\xfe device\n",
                chance.randbytes(400),
                b"x device transport_id:" + b"9" * 5000 + b"\n",
                b"",
            ]
        )
        said = chance.choice([b"OKAY", b"OKAY", b"OKAY", b"FAIL", b"OKA", b"", b"HTTP/1.1 200 OK\r\n"])
        size = chance.choice([b"%04x" % len(block), b"%04x" % len(block), b"zzzz", b"ffff"])
        writer.write(said + size + block)
        writer.close()


async def test_adb_server_that_answers_nonsense_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("devicehub.fleet.fleet._LONGEST_WAIT_S", 0.01)
    monkeypatch.setattr("devicehub.fleet.door.Breaker", lambda: Breaker(pause_s=0.0, longest_s=0.0))
    server, home = Server(7), Home(tmp_path / "home")
    with hub_in_thread(home, server):
        async with asyncio.timeout(60), connect(Where(home), name="test", start=False) as client:
            while server.asked < 200:
                with contextlib.suppress(ApiError):
                    await client.call(contract.DEVICES)
                await SystemClock().sleep(0.01)
            assert (await client.call(contract.STATUS)).runs == 0
    assert "Traceback" not in caplog.text
