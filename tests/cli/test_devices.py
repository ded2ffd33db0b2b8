"""`devicehub devices` and `devicehub identify` of phones that a hub knows."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import TYPE_CHECKING

import pytest

from devicehub import procs
from devicehub.cli.devices import _cells, device_row
from devicehub.settings import Home
from devicehub.store.store import Store
from tests.cli.hub_fixture import HubHere, adb_with, hub, hub_in_thread, run
from tests.tui.scripted import device

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.adb.fake_server import FakeServer, Peer

__all__ = ["hub"]

GETPROP = b"[ro.serialno]: [P1]\n[ro.product.model]: [Sample One]\n[ro.product.cpu.abilist]: [arm64-v8a]\n"
LISTED = b"P1 device transport_id:4\nQ unauthorized transport_id:5\n"
AGREED = [
    "serial", "transport_id", "state", "adb_state", "product", "manufacturer", "soc", "soc_name", "vendor",
    "android", "sdk", "battery", "temp_c", "run", "quarantine", "virtual", "serialno", "boot_id",
    "transports", "kind",
]  # fmt: skip


async def say_who(peer: Peer) -> None:
    await peer.say_shell(1, GETPROP)
    await peer.say_shell(3, b"\0")


def two_phones() -> FakeServer:
    """One that says who it is, and one that first wants its owner's leave."""
    server = adb_with(LISTED)
    server.phone = {"shell,v2": say_who}
    return server


@pytest.fixture
def phones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubHere]:
    monkeypatch.setenv("DEVICEHUB_HOME", str(tmp_path / "home"))
    with hub_in_thread(Home(tmp_path / "home"), two_phones()) as made:
        yield made


def test_first_list_of_a_new_hub_has_the_phones_identified(
    phones: HubHere, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("devices", "--json") == 0
    one, other = json.loads(capsys.readouterr().out)
    assert list(one) == list(other) == AGREED
    assert (one["serial"], one["state"], one["product"], one["transports"]) == (
        "P1",
        "ready",
        "Sample One",
        ["P1"],
    )
    assert (other["serial"], other["state"], other["serialno"]) == ("Q", "unauthorized", None)
    assert run("devices") == 0
    header, first, _ = capsys.readouterr().out.splitlines()
    assert header.split() == ["serial", "state", "product", "soc", "android", "battery", "temp"]
    assert first.split()[:4] == ["P1", "ready", "Sample", "One"]


def test_no_phone_is_said(hub: HubHere, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("devices") == 0
    assert capsys.readouterr().out == "no phone is connected\n"
    assert run("devices", "--json") == 0
    assert capsys.readouterr().out == "[]\n"


async def test_watch_prints_the_list_anew_when_it_changes(tmp_path: Path) -> None:
    appeared = asyncio.Event()
    server = two_phones()

    async def track(peer: Peer) -> None:
        await peer.okay(LISTED)
        await appeared.wait()
        longer = LISTED + b"R offline transport_id:6\n"
        await peer.say(b"%04x" % len(longer) + longer)
        await peer.reader.read()

    server.host["host:track-devices-l"] = track
    environ = {**os.environ, "DEVICEHUB_HOME": str(tmp_path / "home")}
    argv = [sys.executable, "-m", "devicehub", "devices", "--watch", "--json"]
    with hub_in_thread(Home(tmp_path / "home"), server) as made:
        async with procs.child(argv, env=environ) as process, asyncio.timeout(60):
            assert process.stdout is not None
            first = json.loads(await process.stdout.readline())
            assert [row["serial"] for row in first] == ["P1", "Q"]
            made.do(appeared.set)
            [*_, last] = json.loads(await process.stdout.readline())
            assert (last["serial"], last["adb_state"]) == ("R", "offline")
            process.send_signal(2)
            assert await process.wait() == 130


def test_phone_in_quarantine_is_shown_and_released(
    phones: HubHere, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("devices", "--release", "P1") == 2
    assert "P1 is not in quarantine" in capsys.readouterr().err
    with Store.open(phones.home.database) as store:
        store.quarantine("P1", "it rebooted three times", 100.0)
    assert run("devices") == 0
    assert capsys.readouterr().out.splitlines()[-1] == "P1 is in quarantine: it rebooted three times"
    assert run("devices", "--release", "P1") == 0
    assert capsys.readouterr().err == "P1 may run again\n"
    assert run("devices", "--json") == 0
    assert json.loads(capsys.readouterr().out)[0]["quarantine"] is None


def test_identify_tells_what_the_hub_knows(phones: HubHere, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("identify", "P1", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert list(found) == ["product", "manufacturer", "android", "sdk", "abis", "soc"]
    assert (found["product"], found["abis"], found["soc"]["vendor"]) == (
        "Sample One",
        ["arm64-v8a"],
        "unknown",
    )
    assert list(found["soc"]) == ["vendor", "model", "name", "gpu", "htp"]
    assert run("identify", "Q") == 3
    assert "Q is unauthorized" in capsys.readouterr().err
    assert run("identify", "nobody") == 3
    assert "no phone is called nobody; phones: P1, Q" in capsys.readouterr().err


def test_virtual_phone_that_has_not_told_its_product() -> None:
    assert _cells(device_row(device("a", state="offline", product=None, virtual=True)))[2] == "(virtual)"
