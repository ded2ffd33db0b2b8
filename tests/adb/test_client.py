"""The client against a scripted server: what it asks, and which error a FAIL becomes."""

import asyncio
import contextlib
import socket

import pytest

from devicehub.adb.address import ServerAddress
from devicehub.adb.client import AdbClient, Transport
from devicehub.adb.wire import DeviceLine
from devicehub.errors import (
    AdbProtocolError,
    AdbRefused,
    AdbServerUnavailable,
    AdbTimeout,
    DeviceGone,
    DeviceUnauthorized,
    SelectionError,
)
from devicehub.units import MIB
from tests.adb.fake_server import FakeServer, Peer, Service, failing, fake_server, listening

DEVICES = b"P1                     device usb:1-2 product:a model:b device:c transport_id:4\n"
ONE = DeviceLine("P1", "device", 4, "a", "b", "c", "usb:1-2")


async def test_version_is_hexadecimal() -> None:
    async with fake_server(FakeServer(host={"host:version": b"0029"})) as server:
        assert await server.client.version() == 41


async def test_version_that_is_no_number_is_a_protocol_error() -> None:
    async with fake_server(FakeServer(host={"host:version": b"4I"})) as server:
        with pytest.raises(AdbProtocolError):
            await server.client.version()


async def test_features_and_devices() -> None:
    host = {"host:host-features": b"shell_v2,cmd,", "host:devices-l": DEVICES}
    async with fake_server(FakeServer(host={**host})) as server:
        assert await server.client.host_features() == {"shell_v2", "cmd"}
        assert await server.client.devices() == [ONE]


async def test_track_gives_each_list_until_the_server_ends() -> None:
    async def track(peer: Peer) -> None:
        await peer.okay(b"", DEVICES)
        await peer.say(b"0", b"000")

    async with (
        fake_server(FakeServer(host={"host:track-devices-l": track})) as server,
        contextlib.aclosing(server.client.track()) as lists,
    ):
        assert [await anext(lists) for _ in range(3)] == [[], [ONE], []]
        with pytest.raises(AdbServerUnavailable):
            await anext(lists)


async def test_connect_that_failed_is_an_error_although_the_server_says_okay() -> None:
    host = {
        "host:connect:h:1": b"connected to h:1",
        "host:connect:h:2": b"already connected to h:2",
        "host:connect:h:3": b"failed to connect to 'h:3': Connection refused\n",
        "host:connect:h:4": b"failed to authenticate to h:4",
        "host:disconnect:h:1": b"disconnected h:1",
    }
    async with fake_server(
        FakeServer(host={**host, "host:disconnect:h:9": failing("no such device 'h:9'")})
    ) as s:
        assert await s.client.connect("h:1") == "connected to h:1"
        assert await s.client.connect("h:2") == "already connected to h:2"
        with pytest.raises(AdbRefused, match="h:3: failed to connect to 'h:3': Connection refused"):
            await s.client.connect("h:3")
        with pytest.raises(DeviceUnauthorized):
            await s.client.connect("h:4")
        assert await s.client.disconnect("h:1") == "disconnected h:1"
        with pytest.raises(AdbRefused, match="no such device"):
            await s.client.disconnect("h:9")


@pytest.mark.parametrize(
    ("message", "kind", "words"),
    [
        (
            "device unauthorized.\nThis adb server's $ADB_VENDOR_KEYS is not set",
            DeviceUnauthorized,
            "Allow USB",
        ),
        ("device still authorizing", DeviceUnauthorized, "Allow USB"),
        ("device offline", DeviceGone, "P9 is offline during sync"),
        ("device still connecting", DeviceGone, "is offline"),
        ("device 'P9' not found", DeviceGone, "P9 is not connected during sync"),
        ("no devices/emulators found", DeviceGone, "is not connected"),
        ("no device with transport id '7'", DeviceGone, "is not connected"),
        ("more than one device with serial P9", SelectionError, "transport id"),
        (
            "insufficient permissions for device:\n  udev",
            AdbRefused,
            "insufficient permissions for device: udev",
        ),
    ],
)
async def test_refusal_of_a_transport(message: str, kind: type[Exception], words: str) -> None:
    async with fake_server(FakeServer(host={"host:transport:P9": failing(message)})) as server:
        with pytest.raises(kind, match=words):
            await server.client.transport(serial="P9").open("sync:")


async def test_closed_is_a_service_that_the_phone_lacks() -> None:
    async with fake_server(FakeServer()) as server:
        with pytest.raises(AdbRefused, match="P1: the phone does not offer this service during abb_exec"):
            await server.client.transport(serial="P1").open("abb_exec:x")


async def test_closed_by_a_phone_that_has_gone_is_its_going() -> None:
    host = {"host-serial:P1:features": failing("device offline")}
    server = FakeServer(host={**host})
    server.serial = "P1x"

    async def select(peer: Peer) -> None:
        await peer.okay()
        await peer.exactly(9)
        await peer.fail("closed")

    server.host["host:transport:P1"] = select
    async with fake_server(server):
        with pytest.raises(DeviceGone, match="P1 is offline"):
            await server.client.transport(serial="P1").open("sync:")


async def test_empty_refusal_is_explained_by_asking_again() -> None:
    name = "host-serial:P9:forward:tcp:0;tcp:1"
    async with fake_server(FakeServer(host={name: failing("")})) as server:
        with pytest.raises(DeviceGone, match="P9 is not connected"):
            await server.client.transport(serial="P9").forward("tcp:0", "tcp:1")


async def test_hang_up_after_the_phone_was_selected_is_the_phone_s_going() -> None:
    async def select(peer: Peer) -> None:
        await peer.okay()

    async with fake_server(FakeServer(host={"host:transport:P2": select})) as server:
        with pytest.raises(DeviceGone, match="P2 vanished during shell"):
            await server.client.transport(serial="P2").open("shell:ls")


async def test_serial_with_a_space_and_transport_id_are_asked_for_exactly() -> None:
    async def echo(peer: Peer) -> None:
        await peer.say(b"hello")

    async with fake_server(FakeServer(serial="a (2)._adb", phone={"x:": echo})) as server:
        for transport in (
            server.client.transport(serial="a (2)._adb"),
            server.client.transport(transport_id=4),
        ):
            assert "stat_v2" in await transport.features()
            async with await transport.open("x:") as stream:
                assert await stream.read(2) + await stream.read() + await stream.read() == b"hello"
    assert server.requests == [
        "host-serial:a (2)._adb:features",
        "host:transport:a (2)._adb",
        "x:",
        "host-transport-id:4:features",
        "host:transport-id:4",
        "x:",
    ]


def test_transport_needs_exactly_one_name() -> None:
    client = AdbClient(ServerAddress())
    with pytest.raises(ValueError, match="exactly one"):
        Transport(client)
    with pytest.raises(ValueError, match="exactly one"):
        Transport(client, serial="a", transport_id=1)


async def test_bytes_that_came_with_the_okay_belong_to_the_service() -> None:
    async def select(peer: Peer) -> None:
        await peer.okay()
        await peer.exactly(4 + 2)
        await peer.say(b"OKAYearly")

    async with (
        fake_server(FakeServer(host={"host:transport:P2": select})) as server,
        await server.client.transport(serial="P2").open("x:") as stream,
    ):
        assert await stream.read(3) + await stream.read() == b"early"


async def test_forwards_are_made_listed_and_ended() -> None:
    async def forward(peer: Peer) -> None:
        await peer.okay()
        await peer.okay(b"40001")

    async def kill(peer: Peer) -> None:
        await peer.okay()
        await peer.fail("listener 'tcp:9' not found")

    host: dict[str, Service | bytes] = {
        "host-serial:P1:forward:tcp:0;tcp:5": forward,
        "host-serial:P1:list-forward": b"127.0.0.1:7 tcp:40001 tcp:5\na b tcp:1 localabstract:x\n",
        "host-serial:P1:killforward:tcp:9": kill,
    }
    async with fake_server(FakeServer(host={**host})) as server:
        transport = server.client.transport(serial="P1")
        assert await transport.forward("tcp:0", "tcp:5") == "tcp:40001"
        assert await transport.list_forward() == [
            ("127.0.0.1:7", "tcp:40001", "tcp:5"),
            ("a b", "tcp:1", "localabstract:x"),
        ]
        with pytest.raises(AdbRefused, match="listener 'tcp:9' not found"):
            await transport.kill_forward("tcp:9")


async def test_reverses_are_made_listed_and_ended() -> None:
    async def forward(peer: Peer) -> None:
        await peer.okay(b"50001")

    async def listing(peer: Peer) -> None:
        await peer.say(b"001aUsbFfs tcp:50001 tcp:8000\n")

    async def kill(peer: Peer) -> None:
        await peer.okay()

    phone = {"reverse:forward:": forward, "reverse:list-forward": listing, "reverse:killforward:": kill}
    async with fake_server(FakeServer(phone={**phone})) as server:
        transport = server.client.transport(serial="P1")
        assert await transport.reverse("tcp:0", "tcp:8000") == "tcp:50001"
        assert await transport.list_reverse() == [("UsbFfs", "tcp:50001", "tcp:8000")]
        await transport.kill_reverse("tcp:50001")
    assert "reverse:forward:tcp:0;tcp:8000" in server.requests


async def test_port_that_another_program_answers_is_named() -> None:
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with listening(serve) as address:
        with pytest.raises(AdbProtocolError, match="does not speak as an adb server") as caught:
            await AdbClient(address).version()
    assert str(address) in str(caught.value)
    assert caught.value.received.startswith(b"HTTP/1.1")


async def test_server_that_hangs_up_is_unavailable() -> None:
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with listening(serve) as address:
        with pytest.raises(AdbServerUnavailable, match="hung up"):
            await AdbClient(address).devices()


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        await reader.read()
    writer.close()


async def test_server_that_says_nothing_is_given_up() -> None:
    async with listening(silent) as address:
        with pytest.raises(AdbServerUnavailable, match=r"no answer to host:version within 0\.05 s"):
            await AdbClient(address, reply_timeout_s=0.05).version()


async def test_phone_that_says_nothing_is_given_up() -> None:
    async with listening(silent) as address:
        transport = AdbClient(address, reply_timeout_s=0.05).transport(serial="P1")
        with pytest.raises(AdbTimeout, match=r"P1: no end within 0\.05 s during sync"):
            await transport.open("sync:")


async def test_no_server_at_all_names_address_and_remedy() -> None:
    with socket.socket() as bound:  # not listening, so connections are refused
        bound.bind(("127.0.0.1", 0))
        address = ServerAddress("127.0.0.1", bound.getsockname()[1])
        with pytest.raises(AdbServerUnavailable, match="start-server") as caught:
            await AdbClient(address).version()
    assert str(address) in str(caught.value)


async def test_write_to_a_closed_stream_is_the_phone_s_going() -> None:
    async def hang_up(peer: Peer) -> None:
        peer.writer.close()

    async with (
        fake_server(FakeServer(phone={"x:": hang_up})) as server,
        await server.client.transport(serial="P1").open("x:") as stream,
    ):
        assert await stream.read() == b""
        with pytest.raises(DeviceGone, match="P1 vanished during x"):
            await stream.write(bytes(64 * MIB))


async def test_pairing_tells_adbs_words_whether_it_worked_or_not() -> None:
    async def refuse(peer: Peer) -> None:
        message = b"Failed: Wrong password or connection was dropped."
        await peer.okay()
        await peer.say(b"FA", b"IL%04x" % len(message) + message)

    host: dict[str, Service | bytes] = {
        "host:pair:123456:10.0.0.7:37123": b"Successfully paired to 10.0.0.7:37123 [guid=adb-A1]",
        "host:pair:000000:10.0.0.7:37123": refuse,
        "host:pair:111111:10.0.0.7:37123": b"Failed: no such host",  # as older servers say it
    }
    async with fake_server(FakeServer(host=host)) as server:
        assert (await server.client.pair("10.0.0.7:37123", "123456")).startswith("Successfully paired")
        with pytest.raises(
            AdbRefused, match=r"10\.0\.0\.7:37123: Failed: Wrong password or connection was dropped; compare"
        ):
            await server.client.pair("10.0.0.7:37123", "000000")
        with pytest.raises(AdbRefused, match="no such host"):
            await server.client.pair("10.0.0.7:37123", "111111")
