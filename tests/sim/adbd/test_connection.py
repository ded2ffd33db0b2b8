"""What adbd says on the wire, and to clients that break the rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from devicehub.sim.adbd.transport import DELAYED_ACK_BYTES, AuthKind, Command
from devicehub.sim.phone import PhoneSpec, VirtualPhone, virtual_phone
from tests.sim.adbd.raw_client import connect_raw, make_key, public_half

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key that the phone accepts."""
    return make_key(tmp_path_factory.mktemp("key"))


@pytest.fixture
async def phone(key: Path) -> AsyncIterator[VirtualPhone]:
    """A phone that lets this key in."""
    async with virtual_phone(PhoneSpec(mode="portable"), keys=[public_half(key)]) as found:
        yield found


async def test_a_wrong_signature_gets_a_new_token(phone: VirtualPhone, key: Path, tmp_path: Path) -> None:
    stranger = make_key(tmp_path, "stranger")
    async with connect_raw(phone.address) as client:
        await client.send(Command.CNXN, 0x01000001, 4096, b"host::")
        first = await client.receive()
        await client.sign(stranger, bytes(first.payload))
        second = await client.receive()
        assert (second.command, second.arg0) == (Command.AUTH, AuthKind.TOKEN)
        assert second.payload != first.payload
        await client.sign(key, bytes(second.payload))
        assert (await client.receive()).command == Command.CNXN


async def test_an_old_signature_does_not_fit_a_new_token(phone: VirtualPhone, key: Path) -> None:
    async with connect_raw(phone.address) as client:
        await client.send(Command.CNXN, 0x01000001, 4096, b"host::")
        await client.receive()
        await client.sign(key, bytes(20))
        assert (await client.receive()).command == Command.AUTH


async def test_an_unknown_public_key_stays_unauthorized(phone: VirtualPhone) -> None:
    async with connect_raw(phone.address) as client:
        await client.send(Command.CNXN, 0x01000001, 4096, b"host::")
        await client.receive()
        await client.send(Command.AUTH, AuthKind.PUBLIC_KEY, 0, b"QUJD someone\0")
        # Streams before the log-in lead nowhere; a second CNXN shows that nothing was said in between.
        await client.send(Command.OPEN, 1, 0, b"shell:id\0")
        await client.send(Command.CNXN, 0x01000001, 4096, b"host::")
        assert (await client.receive()).command == Command.AUTH


async def test_keys_may_appear_after_the_phone(tmp_path: Path) -> None:
    async with virtual_phone(PhoneSpec(mode="portable"), keys=[tmp_path / "adbkey.pub"]) as phone:
        key = make_key(tmp_path)
        async with connect_raw(phone.address) as client:
            assert (await client.log_in(key)).command == Command.CNXN


async def test_tls_is_refused(phone: VirtualPhone) -> None:
    async with connect_raw(phone.address) as client:
        await client.send(Command.STLS, 0x01000000, 0)
        assert await client.is_cut()


async def test_garbage_cuts_the_connection_only(phone: VirtualPhone, key: Path) -> None:
    async with connect_raw(phone.address) as client:
        client.writer.write(b"GET / HTTP/1.1\r\nHost: phone\r\n\r\n")
        assert await client.is_cut()
    async with connect_raw(phone.address) as client:
        assert (await client.log_in(key)).command == Command.CNXN


async def test_banner_names_product_and_features(phone: VirtualPhone, key: Path) -> None:
    async with connect_raw(phone.address) as client:
        banner = bytes((await client.log_in(key)).payload).decode()
    assert banner.startswith("device::ro.product.name=virtual_one;ro.product.model=Virtual One;")
    assert "shell_v2" in banner.partition("features=")[2].split(",")


async def test_an_unknown_service_is_closed(phone: VirtualPhone, key: Path) -> None:
    async with connect_raw(phone.address) as client:
        await client.log_in(key)
        await client.send(Command.OPEN, 5, 0, b"framebuffer:\0")
        closed = await client.receive()
        assert (closed.command, closed.arg0, closed.arg1) == (Command.CLSE, 0, 5)


@pytest.mark.parametrize(("features", "window"), [("delayed_ack", 0), ("shell_v2", 1000)])
async def test_a_window_must_fit_what_was_negotiated(
    phone: VirtualPhone, key: Path, features: str, window: int
) -> None:
    async with connect_raw(phone.address) as client:
        await client.log_in(key, features=features)
        await client.send(Command.OPEN, 5, window, b"shell:id\0")
        assert (await client.receive()).command == Command.CLSE


async def test_delayed_ack_grants_a_window_and_keeps_to_the_client_s(phone: VirtualPhone, key: Path) -> None:
    async with connect_raw(phone.address) as client:
        await client.log_in(key, features="delayed_ack")
        await client.send(Command.OPEN, 5, 10, b"exec:head -c 3000000 /dev/zero\0")
        okay = await client.receive()
        assert int.from_bytes(okay.payload, "little") == DELAYED_ACK_BYTES
        got = 0
        while (message := await client.receive()).command == Command.WRTE:
            got += len(message.payload)
            acked = len(message.payload).to_bytes(4, "little")
            await client.send(Command.OKAY, 5, okay.arg0, acked)
        assert got == 3_000_000


async def test_android_8_verifies_checksums_and_takes_256_kib(key: Path) -> None:
    spec = PhoneSpec(mode="portable", android=8)
    async with virtual_phone(spec, keys=[public_half(key)]) as phone, connect_raw(phone.address) as client:
        hello = await client.log_in(key)
        assert (hello.arg0, hello.arg1) == (0x01000000, 256 * 1024)
        assert b"sendrecv_v2" not in hello.payload
        remote = await client.open_stream(b'exec:echo "TMPDIR=$TMPDIR"')
        assert await client.read_all(remote) == b"TMPDIR=\n"
        await client.send(Command.CNXN, 0x01000001, 1 << 20, b"host::", checked=False)
        assert await client.is_cut()


async def test_a_server_that_comes_back_by_itself_sends_no_checksums(phone: VirtualPhone) -> None:
    async with connect_raw(phone.address) as client:
        await client.send(Command.CNXN, 0x01000001, 1 << 20, b"host::features=shell_v2", checked=False)
        answer = await client.receive()
        assert (answer.command, answer.arg0) == (Command.AUTH, AuthKind.TOKEN)


async def test_abb_exec_answers_what_adb_asks_before_an_install(phone: VirtualPhone, key: Path) -> None:
    async with connect_raw(phone.address) as client:
        await client.log_in(key)
        words = b"abb_exec:settings\0get\0global\0enable_adb_incremental_install_default"
        remote = await client.open_stream(words)
        assert await client.read_all(remote) == b"null\n"
