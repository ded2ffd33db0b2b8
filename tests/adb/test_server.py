"""Finding and starting adb servers; the real ones are private, on free ports."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from devicehub import procs
from devicehub.adb import server as adb_server
from devicehub.adb.address import ServerAddress, server_address
from devicehub.adb.client import AdbClient
from devicehub.adb.server import ensure_server, find_adb, private_server
from devicehub.errors import AdbProtocolError, AdbServerUnavailable, ConfigError
from tests.adb.fake_server import FakeServer, fake_server, listening


@pytest.mark.parametrize(
    ("environ", "address"),
    [
        ({}, ServerAddress("127.0.0.1", 5037)),
        ({"ANDROID_ADB_SERVER_PORT": "6000"}, ServerAddress("127.0.0.1", 6000)),
        ({"ANDROID_ADB_SERVER_ADDRESS": "win"}, ServerAddress("win", 5037)),
        ({"ADB_SERVER_SOCKET": "tcp:6001", "ANDROID_ADB_SERVER_PORT": "1"}, ServerAddress("127.0.0.1", 6001)),
        ({"ADB_SERVER_SOCKET": "tcp:localhost:6001"}, ServerAddress("127.0.0.1", 6001)),
        ({"ADB_SERVER_SOCKET": "tcp:[::1]:6001"}, ServerAddress("::1", 6001)),
        ({"ADB_SERVER_SOCKET": ""}, ServerAddress("127.0.0.1", 5037)),
    ],
)
def test_address_is_where_adb_itself_would_look(environ: dict[str, str], address: ServerAddress) -> None:
    assert server_address(environ) == address


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ANDROID_ADB_SERVER_PORT", "0"),
        ("ANDROID_ADB_SERVER_PORT", "65536"),
        ("ANDROID_ADB_SERVER_PORT", "5037x"),
        ("ANDROID_ADB_SERVER_PORT", "9" * 5000),
        ("ADB_SERVER_SOCKET", "tcp:host:"),
        ("ADB_SERVER_SOCKET", "localfilesystem:/run/adb"),
    ],
)
def test_variable_that_cannot_be_read_is_named(variable: str, value: str) -> None:
    with pytest.raises(ConfigError, match=variable):
        server_address({variable: value})


def test_address_with_colons_is_shown_in_brackets() -> None:
    assert str(ServerAddress("::1", 1)) == "[::1]:1"


def test_adb_of_adbutils_is_found_before_the_one_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert find_adb().parent.parent.name == "adbutils"


def test_missing_adb_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(AdbServerUnavailable, match="install Android's platform-tools"):
        find_adb()


async def test_running_server_is_used_whatever_its_version() -> None:
    async with fake_server(FakeServer(host={"host:version": b"0020"})) as server:
        assert not await ensure_server(server.client.address)
    assert server.requests == ["host:version"]


async def test_another_program_on_the_port_is_left_alone_and_named() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"220 mail ready\r\n")

    async with listening(serve) as address:
        with pytest.raises(AdbProtocolError, match="does not speak as an adb server"):
            await ensure_server(address)


async def test_server_elsewhere_is_not_started_from_here(monkeypatch: pytest.MonkeyPatch) -> None:
    async def absent(_: ServerAddress) -> bool:
        return False

    monkeypatch.setattr(adb_server, "_is_listening", absent)
    with pytest.raises(AdbServerUnavailable, match="lab7:5037; start adb there"):
        await ensure_server(ServerAddress("lab7", 5037))


async def test_adb_that_cannot_start_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adb_server, "find_adb", lambda: Path("/bin/false"))
    with pytest.raises(AdbServerUnavailable, match="/bin/false did not start a private server: no answer"):
        async with private_server():
            pass
    with pytest.raises(AdbServerUnavailable, match="no server at"):
        await ensure_server(ServerAddress("127.0.0.1", free_port()))


async def test_private_server_answers_in_burst_mode_and_ends_with_its_block() -> None:
    async with private_server() as server:
        client = AdbClient(server.address)
        assert await client.version() == 41
        assert {"delayed_ack", "shell_v2"} <= await client.host_features()
        assert await client.devices() == []
        async with contextlib.aclosing(client.track()) as lists:
            assert await anext(lists) == []
        home = server.key_path.parents[1]
        assert server.key_path.read_text().split()[0].startswith("QAAAA")
    assert not home.exists()
    with pytest.raises(AdbServerUnavailable):
        await client.version()


async def test_private_server_without_burst_mode_and_with_a_lasting_key(tmp_path: Path) -> None:
    keys = []
    for _ in range(2):
        async with private_server(home=tmp_path / "adb home", burst_mode=False) as server:
            assert "delayed_ack" not in await AdbClient(server.address).host_features()
            keys.append(server.key_path.read_bytes())
    assert keys[0] == keys[1]


@contextlib.asynccontextmanager
async def ending(port: int, environ: dict[str, str]) -> AsyncIterator[None]:
    """Ends the server that a test has started on its own port."""
    try:
        yield
    finally:
        await procs.run([find_adb(), "-P", str(port), "kill-server"], timeout_s=20, env=environ)


async def test_server_is_started_once_in_burst_mode_and_stays(tmp_path: Path) -> None:
    port = free_port()
    environ = {**os.environ, "HOME": str(tmp_path), "TMPDIR": str(tmp_path), "ADB_USB": "0", "ADB_MDNS": "0"}
    async with ending(port, environ):
        address = ServerAddress("127.0.0.1", port)
        assert await ensure_server(address, environ=environ)
        assert not await ensure_server(address, environ=environ)
        assert "delayed_ack" in await AdbClient(address).host_features()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
