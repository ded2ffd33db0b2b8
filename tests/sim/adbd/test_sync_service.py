"""adbd's way with files: what SEND removes, refuses and copies; no path leaves the phone's folder."""

from __future__ import annotations

import asyncio
import stat
from typing import TYPE_CHECKING

import pytest

from devicehub.adb import wire_sync
from devicehub.adb.wire import Fail, Okay
from devicehub.adb.wire_sync import SyncReplies, SyncSend, SyncStat
from devicehub.sim.adbd.transport import Command
from devicehub.sim.phone import PhoneSpec, VirtualPhone, virtual_phone
from tests.sim.adbd.raw_client import RawClient, connect_raw, make_key, public_half

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from devicehub.adb.wire_sync import SyncReply

TMP = "/data/local/tmp"


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key that the phone accepts."""
    return make_key(tmp_path_factory.mktemp("key"))


class Sync:
    """One sync stream."""

    def __init__(self, client: RawClient, remote: int) -> None:
        self.client = client
        self.remote = remote

    async def send(self, data: bytes) -> None:
        """Write bytes; the OKAY is left for `ask`."""
        await self.client.send(Command.WRTE, 1, self.remote, data)

    async def ask(self, data: bytes, *, count: int = 1, listing: bytes | None = None) -> list[SyncReply]:
        """Write bytes and read so many replies, or fewer if the stream ends."""
        replies = SyncReplies(listing)
        await self.send(data)
        found: list[SyncReply] = []
        while len(found) < count:
            message = await self.client.receive()
            if message.command == Command.CLSE:
                break
            if message.command == Command.WRTE:
                await self.client.send(Command.OKAY, 1, self.remote)
                found.extend(replies.receive(bytes(message.payload)))
        return found


@pytest.fixture(params=[14])
async def phone(key: Path, request: pytest.FixtureRequest) -> AsyncIterator[VirtualPhone]:
    """A phone that lets this key in."""
    spec = PhoneSpec(mode="portable", android=request.param)
    async with virtual_phone(spec, keys=[public_half(key)]) as found:
        yield found


@pytest.fixture
async def sync(phone: VirtualPhone, key: Path) -> AsyncIterator[Sync]:
    """A sync stream to it."""
    async with connect_raw(phone.address) as client:
        await client.log_in(key)
        yield Sync(client, await client.open_stream(b"sync:"))


def _send(path: str, mode: int, *pieces: bytes, done: bool = True) -> bytes:
    data = wire_sync.encode_sync_send(SyncSend(path, mode), v2=False)
    data += b"".join(wire_sync.encode_sync_data(piece) for piece in pieces)
    return data + (wire_sync.encode_sync_done(1_700_000_000) if done else b"")


async def test_owner_bits_become_everybody_s_and_mtime_is_kept(sync: Sync, phone: VirtualPhone) -> None:
    assert await sync.ask(_send(f"{TMP}/f", 0o100600, b"abc")) == [Okay()]
    found = (phone.root / "data/local/tmp/f").stat()
    assert stat.S_IMODE(found.st_mode) == 0o666
    assert int(found.st_mtime) == 1_700_000_000


async def test_a_cut_push_leaves_neither_the_old_file_nor_the_new(sync: Sync, phone: VirtualPhone) -> None:
    file = phone.root / "data/local/tmp/f"
    file.write_bytes(b"a good old file")
    await sync.send(_send(f"{TMP}/f", 0o100644, b"new", done=False))
    assert (await sync.client.receive()).command == Command.OKAY
    await sync.client.send(Command.CLSE, 1, sync.remote)
    while (await sync.client.receive()).command != Command.CLSE:
        pass
    again = Sync(sync.client, await sync.client.open_stream(b"sync:"))
    async with asyncio.timeout(30):
        # The old stream's end is dealt with beside the new stream.
        while await again.ask(wire_sync.encode_sync_path(wire_sync.STAT, f"{TMP}/f")) != [SyncStat(0, 0, 0)]:
            pass


async def test_folders_are_made_on_the_way(sync: Sync, phone: VirtualPhone) -> None:
    assert await sync.ask(_send("/sdcard/a/b/c", 0o100644, b"x")) == [Okay()]
    assert (phone.root / "storage/emulated/0/a/b/c").read_bytes() == b"x"


async def test_symlinks_are_refused(sync: Sync, phone: VirtualPhone) -> None:
    [reply] = await sync.ask(_send(f"{TMP}/link", 0o120777, b"/system/bin/sh"))
    assert isinstance(reply, Fail)
    assert "symlink failed: Permission denied" in reply.message
    assert not (phone.root / "data/local/tmp/link").is_symlink()


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("/system/bin/sh", "Read-only file system"),
        ("/data/app", "Permission denied"),
        (TMP, "Is a directory"),
        (f"{TMP}/../../../../etc/passwd", "Read-only file system"),
        ("", "Is a directory"),
    ],
)
async def test_places_that_the_shell_user_may_not_write(sync: Sync, path: str, problem: str) -> None:
    [reply] = await sync.ask(_send(path, 0o100644, b"x"))
    assert isinstance(reply, Fail)
    assert problem in reply.message


async def test_a_link_made_on_the_phone_leads_nowhere_outside(
    sync: Sync, phone: VirtualPhone, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("secret")
    (phone.root / "data/local/tmp/out").symlink_to(tmp_path / "secret")
    [reply] = await sync.ask(wire_sync.encode_sync_path(wire_sync.RECV, f"{TMP}/out"))
    assert isinstance(reply, Fail)


async def test_a_push_through_a_link_stays_inside(sync: Sync, phone: VirtualPhone, tmp_path: Path) -> None:
    (phone.root / "data/local/tmp/out").symlink_to(tmp_path)
    [reply] = await sync.ask(_send(f"{TMP}/out/file", 0o100644, b"x"))
    assert isinstance(reply, Fail)
    assert not (tmp_path / "file").exists()


@pytest.mark.parametrize("phone", [10], indirect=True)
async def test_android_10_takes_no_data_over_64_kib(sync: Sync, phone: VirtualPhone) -> None:
    [reply] = await sync.ask(_send(f"{TMP}/f", 0o100644, bytes(65537)))
    assert isinstance(reply, Fail)
    assert reply.message == "oversize data message"
    assert not (phone.root / "data/local/tmp/f").exists()


async def test_stat_of_nothing_and_of_a_file(sync: Sync, phone: VirtualPhone) -> None:
    (phone.root / "data/local/tmp/f").write_bytes(b"12345")
    [missing] = await sync.ask(wire_sync.encode_sync_path(wire_sync.LST2, f"{TMP}/nothing"))
    [found] = await sync.ask(wire_sync.encode_sync_path(wire_sync.STA2, f"{TMP}/f"))
    assert isinstance(missing, SyncStat)
    assert isinstance(found, SyncStat)
    assert (missing.error, missing.mode) == (2, 0)
    assert (found.error, found.size, found.uid) == (0, 5, 2000)


@pytest.mark.parametrize("name", [wire_sync.LIST, wire_sync.LIS2])
async def test_a_listing_holds_dots_and_ends(sync: Sync, phone: VirtualPhone, name: bytes) -> None:
    (phone.root / "data/local/tmp/größe").write_bytes(b"1")
    replies = await sync.ask(wire_sync.encode_sync_path(name, TMP), count=4, listing=name)
    entries = [reply.name for reply in replies if isinstance(reply, wire_sync.SyncEntry)]
    assert sorted(entries) == [".", "..", "größe"]
    assert isinstance(replies[-1], wire_sync.SyncDone)


async def test_garbage_instead_of_a_request_ends_the_stream(sync: Sync) -> None:
    [reply] = await sync.ask(b"\xff" * 8)
    assert isinstance(reply, Fail)
    assert (await sync.client.receive()).command in (Command.CLSE, Command.OKAY)
