"""A phone that returns is known again by few words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devicehub.adb.wire import DeviceLine
from devicehub.device.probe import split_sign
from devicehub.fleet.identifier import Identifier
from devicehub.profiles.load import load_socs
from devicehub.settings import Home
from tests.adb.fake_server import FakeServer, Peer, fake_server
from tests.manual_clock import ManualClock

if TYPE_CHECKING:
    from pathlib import Path

    from devicehub.adb.client import AdbClient

LINE = DeviceLine("P1", "device", transport_id=4)
BOOT = "4b6b5a5e-0d8b-4d59-9d2c-2f5a1e1c7a10"
LATER = "5c6b5a5e-0d8b-4d59-9d2c-2f5a1e1c7a11"
_BETWEEN = "--devicehub-5d3f0c--"


class Phone:
    """Answers the probes; counts how often it was asked for everything."""

    def __init__(self, boot_id: str = BOOT) -> None:
        self.boot_id = boot_id
        self.product = "Sample One"
        self.full = 0

    async def shell(self, peer: Peer) -> None:
        if "getprop;" in peer.service:
            self.full += 1
            said = f"[ro.serialno]: [S1]\n[ro.product.model]: [{self.product}]\n\n{_BETWEEN}\n\n"
            await peer.say_shell(1, f"{said}{_BETWEEN}\n{self.boot_id}\n\n{_BETWEEN}\n".encode())
        elif "getprop ro.serialno" in peer.service:
            await peer.say_shell(1, f"S1\n{_BETWEEN}\n{self.boot_id}\n\n{_BETWEEN}\n".encode())
        else:
            await peer.say_shell(1, b"Current Battery Service state:\n  level: 80\n")
        await peer.say_shell(3, b"\0")


def identifier(client: AdbClient, folder: Path) -> Identifier:
    return Identifier(client, load_socs(Home(folder)), ManualClock(), print)


async def test_phone_that_returns_is_asked_for_few_words(tmp_path: Path) -> None:
    phone = Phone()
    async with fake_server(FakeServer({}, {"shell,v2": phone.shell})) as server:
        asks = identifier(server.client, tmp_path)
        first, again = await asks.ask(LINE), await asks.ask(LINE)
    assert first == again is not None
    assert phone.full == 1


async def test_phone_that_has_booted_is_identified_anew(tmp_path: Path) -> None:
    phone = Phone()
    async with fake_server(FakeServer({}, {"shell,v2": phone.shell})) as server:
        asks = identifier(server.client, tmp_path)
        await asks.ask(LINE)
        phone.boot_id, phone.product = LATER, "Sample Two"
        answer = await asks.ask(LINE)
    assert answer is not None
    assert (answer.identity.boot_id, answer.facts.product) == (LATER, "Sample Two")
    assert phone.full == 2


async def test_phone_without_a_readable_boot_id_is_identified_each_time(tmp_path: Path) -> None:
    phone = Phone(boot_id="")
    async with fake_server(FakeServer({}, {"shell,v2": phone.shell})) as server:
        asks = identifier(server.client, tmp_path)
        await asks.ask(LINE)
        await asks.ask(LINE)
    assert phone.full == 2


def test_garbage_is_no_sign() -> None:
    sign = split_sign(b"\xff\xfe no such thing")
    assert sign.boot_id is None
    assert sign.steady is None
