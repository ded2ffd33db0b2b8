"""The hub's process: its file, its lock, its signals and its end."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import socket
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from devicehub import procs
from devicehub.adb.server import private_server
from devicehub.api import hubfile
from devicehub.api.client import Where, connect
from devicehub.api.contract import SETTINGS, STATUS, STOP
from devicehub.api.rpc import ErrorCode
from devicehub.errors import ApiError, ConfigError, HubUnreachable, InputError
from devicehub.serving import Address, Idleness, ServeOptions, parse_address, serve
from devicehub.settings import Home, load_settings
from tests.api.certificate import write_certificate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from devicehub.adb.address import ServerAddress

ADDRESS = "127.0.0.2"
"""Of this host, and yet none that the hub takes for loopback."""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
async def adb(tmp_path: Path) -> AsyncIterator[ServerAddress]:
    async with private_server(home=tmp_path / "adb") as server:
        yield server.address


@contextlib.asynccontextmanager
async def serving(options: ServeOptions) -> AsyncIterator[asyncio.Task[None]]:
    """A hub in this process, from when it can be found; at the end it has to have ended."""
    async with asyncio.timeout(120), asyncio.TaskGroup() as tasks:
        hub = tasks.create_task(serve(options))
        while hubfile.find_running(options.home) is None:
            await asyncio.wait([hub], timeout=0.02)
            assert not hub.done()
        yield hub


def options_of(home: Home, adb: ServerAddress, **options: str | None) -> ServeOptions:
    return ServeOptions(home, load_settings(home, {}, options), adb=adb)


async def test_client_ends_it_and_a_new_one_can_begin(home: Home, adb: ServerAddress) -> None:
    epochs = []
    for _ in range(2):
        async with (
            serving(options_of(home, adb)),
            connect(Where(home), name="me", start=False) as client,
        ):
            status = await client.call(STATUS)
            assert status.pid == os.getpid()
            assert status.home == str(home.root)
            assert status.url == client.url
            epochs.append(client.welcome.epoch)
            await client.call(STOP)
        assert not home.hub_file.exists()
        assert not hubfile.is_locked(home)
    assert epochs[0] != epochs[1]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_signal_ends_it(home: Home, adb: ServerAddress, number: signal.Signals) -> None:
    async with serving(options_of(home, adb)) as hub:
        os.kill(os.getpid(), number)
        await hub
    assert not home.hub_file.exists()


async def test_second_hub_of_a_home_is_refused(home: Home, adb: ServerAddress) -> None:
    async with serving(options_of(home, adb)) as hub:
        with pytest.raises(HubUnreachable, match=f"process {os.getpid()}"):
            await serve(options_of(home, adb))
        assert not hub.done()
        os.kill(os.getpid(), signal.SIGTERM)


async def test_hub_that_cannot_be_found_any_more_ends(home: Home, adb: ServerAddress) -> None:
    async with serving(options_of(home, adb)) as hub:
        other = hubfile.HubFile(url="ws://127.0.0.1:1", pid=1, version="1")
        hubfile.publish(home, other)
        await hub
    assert hubfile.read(home) == other  # another's stays


async def test_hub_whose_file_cannot_be_read_for_a_while_goes_on(
    home: Home, adb: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0

    def read(_home: Home) -> hubfile.HubFile:
        nonlocal looks
        looks += 1
        raise ConfigError("cannot be read: Too many open files", file=home.hub_file)

    monkeypatch.setattr("devicehub.serving._LOOK_S", 0.01)
    async with serving(options_of(home, adb)) as hub:
        with monkeypatch.context() as patch:
            patch.setattr(hubfile, "read", read)
            while looks < 3:
                await asyncio.wait([hub], timeout=0.01)
                assert not hub.done()
        home.hub_file.unlink()
        await hub


async def test_settings_are_told_with_their_origin(home: Home, adb: ServerAddress) -> None:
    home.root.mkdir()
    (home.root / "settings.toml").write_text("keep_days = 9\n")
    async with (
        serving(options_of(home, adb, log_level="warning")),
        connect(Where(home), name="me", start=False) as client,
    ):
        found = {setting.name: (setting.value, setting.origin) for setting in await client.call(SETTINGS)}
        await client.call(STOP)
    assert found["keep_days"] == (9.0, "file")
    assert found["log_level"] == ("warning", "command line")
    assert found["patience_s"] == (120.0, "default")


async def test_other_address_than_loopback_needs_a_certificate(home: Home, tmp_path: Path) -> None:
    settings = load_settings(home, {}, {"listen": "0.0.0.0:7000"})
    with pytest.raises(ConfigError, match="tls_cert and tls_key"):
        await serve(ServeOptions(home, settings))
    bad = tmp_path / "bad.pem"
    bad.write_text("no certificate")
    given: dict[str, str | None] = {"listen": "0.0.0.0:7000", "tls_cert": str(bad), "tls_key": str(bad)}
    with pytest.raises(InputError, match="certificate and key"):
        await serve(ServeOptions(home, load_settings(home, {}, given)))


async def test_hub_on_another_address_is_reached_with_tls_token_and_its_certificate_alone(
    home: Home, adb: ServerAddress, tmp_path: Path
) -> None:
    certificate, key = write_certificate(tmp_path, ADDRESS)
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        port = probe.getsockname()[1]
    options = options_of(home, adb, listen=f"{ADDRESS}:{port}", tls_cert=str(certificate), tls_key=str(key))
    elsewhere = Home(tmp_path / "elsewhere")
    where = Where(elsewhere, f"wss://{ADDRESS}:{port}", ca=certificate, token_file=home.token)
    async with serving(options) as hub:
        async with connect(where, name="far", version="0.0.1") as client:
            assert not client.welcome.local
            assert (await client.call(STATUS)).pid == os.getpid()
            with pytest.raises(ApiError) as caught:
                await client.call(STOP)
            assert caught.value.code == ErrorCode.NOT_ALLOWED
        with pytest.raises(HubUnreachable, match=r"certificate of wss://.* is not trusted.*--ca"):
            async with connect(replace(where, ca=None), name="far"):
                pass
        with pytest.raises(ConfigError, match="elsewhere/token: cannot be read"):
            async with connect(replace(where, token_file=None), name="far"):
                pass
        with pytest.raises(HubUnreachable, match="no hub answers"):
            async with connect(Where(home, f"ws://127.0.0.1:{port}"), name="far"):
                pass
        assert not hub.done()
        os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.parametrize(
    ("text", "host", "port", "is_loopback"),
    [
        ("localhost:80", "127.0.0.1", 80, True),
        ("127.0.0.1:0", "127.0.0.1", 0, True),
        ("[::1]:80", "::1", 80, True),
        ("[2001:db8::1]:80", "2001:db8::1", 80, False),
        ("lab.example:7000", "lab.example", 7000, False),
    ],
)
def test_address_to_listen_on(text: str, host: str, port: int, is_loopback: bool) -> None:
    address = parse_address(text)
    assert address == Address(host, port)
    assert address.is_loopback is is_loopback


@pytest.mark.parametrize("text", ["", "7000", ":7000", "host:", "host:70000", "host:-1", "::1:80", "host:٣"])
def test_address_that_is_none(text: str) -> None:
    with pytest.raises(ConfigError, match="HOST:PORT"):
        parse_address(text)


def test_idleness_counts_from_the_last_thing_to_do() -> None:
    end = Idleness(600)
    assert not end.is_over(0, idle=True)
    assert not end.is_over(599, idle=True)
    assert not end.is_over(600, idle=False)
    assert not end.is_over(700, idle=True)
    assert not end.is_over(1299, idle=True)
    assert end.is_over(1300, idle=True)


def test_hub_that_is_to_stay_is_never_idle_for_too_long() -> None:
    end = Idleness(0)
    assert not any(end.is_over(now_s, idle=True) for now_s in (0, 10**9))


_HEAP = """
import ctypes
from devicehub.serving import keep_heap_level

class Info(ctypes.Structure):
    names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_ = [(name, ctypes.c_size_t) for name in names.split()]

libc = ctypes.CDLL(None)
libc.mallinfo2.restype = Info
keep_heap_level()
bytes(24 << 20)  # freed at once: the C library would keep smaller ones in the heap from here on
before = libc.mallinfo2().hblks
block = bytes(16 << 20)  # no hole of the heap is as large
print(libc.mallinfo2().hblks - before)
"""


@pytest.mark.skipif(
    not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="the C library does not tell of its heap"
)
async def test_a_large_block_stays_out_of_the_heap_after_one_was_freed() -> None:
    done = await procs.run([sys.executable, "-c", _HEAP], timeout_s=60)
    assert done.stdout == b"1\n", done.stderr.decode()
