"""Files over the sync service of a scripted phone, whose bytes are written out here."""

import asyncio
import contextlib
import os
import struct
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from devicehub.adb.sync import RemoteStat, Sync, open_sync
from devicehub.errors import (
    AdbProtocolError,
    AdbRefused,
    AdbTimeout,
    DeviceGone,
    InputError,
    NoSpace,
)
from devicehub.units import MIB
from tests.adb.fake_server import FakeServer, Peer, Service, fake_server
from tests.manual_clock import ManualClock

V1 = "shell_v2"
V2 = "shell_v2,stat_v2,ls_v2,sendrecv_v2"
STAT_V2 = struct.pack("<4sIQQIIIIQqqq", b"STA2", 0, 1, 2, 0o100644, 1, 0, 0, 5 * 2**30, 7, 8, 9)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@contextlib.asynccontextmanager
async def syncing(
    service: Service, features: str = V2, reply_timeout_s: float = 20.0
) -> AsyncIterator[tuple[Sync, FakeServer]]:
    """One sync connection to a phone whose service this is."""
    server = FakeServer(phone={"sync:": service}, features=features)
    async with (
        fake_server(server),
        open_sync(
            server.client.transport(serial="P1"), clock=ManualClock(), reply_timeout_s=reply_timeout_s
        ) as sync,
    ):
        yield sync, server


def saying(*replies: bytes, after: int = 1) -> Service:
    """Reads so many requests, says this, and waits for the host to hang up."""

    async def service(peer: Peer) -> None:
        for _ in range(after):
            await peer.sync_request()
        await peer.say(*replies)
        await peer.reader.read()

    return service


class Taker:
    """A phone that takes files, like adbd in either version."""

    def __init__(self) -> None:
        self.files: dict[bytes, tuple[int, int, bytes]] = {}
        """Path: mode, mtime, content."""
        self.frame_sizes: list[int] = []

    async def __call__(self, peer: Peer) -> None:
        while True:
            letters, path = await peer.sync_request()
            if letters == b"SND2":
                assert await peer.exactly(4) == b"SND2"
                mode, flags = struct.unpack("<II", await peer.exactly(8))
                assert flags == 0
            else:
                assert letters == b"SEND"
                path, _, digits = path.rpartition(b",")
                mode = int(digits)
            content = bytearray()
            while (frame := await peer.sync_request())[0] == b"DATA":
                self.frame_sizes.append(len(frame[1]))
                content += frame[1]
            assert frame[0] == b"DONE"
            self.files[path] = (mode, int.from_bytes(frame[1], "little"), bytes(content))
            await peer.say_sync(b"OKAY", b"")


async def test_stat_v2_has_64_bit_sizes() -> None:
    async with syncing(saying(STAT_V2)) as (sync, _):
        found = await sync.stat("/t")
        assert found == RemoteStat(0o100644, 5 * 2**30, 8)
        assert found.is_file
        assert found.has_size(5 * 2**30)
        assert not found.has_size(2**30)


async def test_stat_v1_says_that_its_size_wraps() -> None:
    reply = struct.pack("<4sIII", b"STAT", 0o100644, 2**30, 8)
    async with syncing(saying(reply), V1) as (sync, _):
        found = await sync.stat("/t")
        assert found == RemoteStat(0o100644, 2**30, 8, size_wraps=True)
        assert found.has_size(5 * 2**30)
        assert not found.has_size(5 * 2**30 + 1)


@pytest.mark.parametrize(
    ("features", "reply"),
    [
        (V1, b"STAT" + bytes(12)),
        (V2, b"STA2" + struct.pack("<I", 2) + bytes(64)),
        (V2, b"STA2" + struct.pack("<I", 20) + bytes(64)),
    ],
)
async def test_missing_file_is_none(features: str, reply: bytes) -> None:
    async with syncing(saying(reply), features) as (sync, _):
        assert await sync.stat("/t/nope") is None


async def test_file_that_may_not_be_looked_at_is_no_missing_file() -> None:
    async with syncing(saying(b"STA2" + struct.pack("<I", 13) + bytes(64))) as (sync, _):
        with pytest.raises(AdbRefused, match="P1: Permission denied during stat /data/x"):
            await sync.stat("/data/x")


@pytest.mark.parametrize("features", [V1, V2])
async def test_list_is_sorted_and_without_dots(features: str) -> None:
    entries = []
    for name in (b".", b"..", b"b c", "é".encode(), b"a'\xff"):
        if features == V1:
            entries.append(struct.pack("<4sIIII", b"DENT", 0o100644, 5, 6, len(name)) + name)
        else:
            stat = struct.pack("<4sIQQIIIIQqqq", b"DNT2", 0, 1, 2, 0o100644, 1, 0, 0, 5, 7, 6, 9)
            entries.append(stat + struct.pack("<I", len(name)) + name)
    end = b"DONE" + bytes(16 if features == V1 else 72)
    async with syncing(saying(*entries, end), features) as (sync, _):
        found = await sync.list("/t")
        assert [entry.name for entry in found] == ["a'\udcff", "b c", "é"]
        assert {(entry.stat.size, entry.stat.mtime) for entry in found} == {(5, 6)}


@pytest.mark.parametrize("features", [V1, V2])
@pytest.mark.parametrize("size", [0, 1, 65535, 65536, 65537, 4 * 65536, 4 * 65536 + 1, 5 * MIB + 77])
async def test_push_arrives_whole_in_frames_of_at_most_64_kib(
    features: str, size: int, tmp_path: Path
) -> None:
    content, taker = os.urandom(size), Taker()
    told: list[int] = []
    local = tmp_path / "a"
    local.write_bytes(content)
    os.utime(local, (5, 1_234_567))
    async with syncing(taker, features) as (sync, _):
        assert await sync.push(local, "/t/é, x", mode=0o755, progress=told.append) == size
        assert await sync.push(content, "/t/bytes") == size
    assert taker.files["/t/é, x".encode()] == (0o100755, 1_234_567, content)
    assert taker.files[b"/t/bytes"] == (0o100644, 1_700_000_000, content)
    assert sum(told) == size
    assert max(taker.frame_sizes, default=0) <= 65536


async def test_several_files_share_one_connection() -> None:
    taker = Taker()
    async with syncing(taker) as (sync, server):
        for number in range(3):
            await sync.push(b"x" * number, f"/t/{number}", mtime=number)
        assert server.requests.count("sync:") == 1
    assert taker.files[b"/t/2"] == (0o100644, 2, b"xx")


def refusing(message: str, *, after: int, hang_up: bool) -> Service:
    """Says FAIL after so many DATA frames and, as adbd does, reads on, or closes at once."""

    async def service(peer: Peer) -> None:
        await peer.sync_request()
        await peer.exactly(12)
        for _ in range(after):
            await peer.sync_request()
        await peer.say_sync(b"FAIL", message.encode())
        while not hang_up and await peer.reader.read(65536):
            pass

    return service


@pytest.mark.parametrize("hang_up", [False, True])
async def test_full_phone_is_noticed_while_sending(hang_up: bool) -> None:
    service = refusing("write failed: No space left on device", after=2, hang_up=hang_up)
    told: list[int] = []
    async with syncing(service) as (sync, _):
        with pytest.raises(NoSpace, match=r"P1: /t/a needs 268\.4 MB and too little is free") as caught:
            await sync.push(bytes(256 * MIB), "/t/a", progress=told.append)
        assert caught.value.needed == 256 * MIB
    assert sum(told) < 256 * MIB


async def test_after_a_failure_the_next_request_has_a_connection_of_its_own() -> None:
    service = refusing("couldn't create file: Permission denied", after=0, hang_up=False)
    async with syncing(service) as (sync, server):
        for _ in range(2):
            with pytest.raises(
                AdbRefused, match="P1: couldn't create file: Permission denied during push /t/a"
            ):
                await sync.push(b"x", "/t/a")
        assert server.requests.count("sync:") == 2


async def test_phone_that_vanishes_while_sending_is_reported_with_what_went_out(tmp_path: Path) -> None:
    async def service(peer: Peer) -> None:
        await peer.exactly(3 * MIB)

    local = tmp_path / "a"
    with local.open("wb") as file:
        file.truncate(64 * MIB)
    async with syncing(service) as (sync, _):
        with pytest.raises(DeviceGone, match="P1 vanished during push /t/a after") as caught:
            await sync.push(local, "/t/a")
    assert caught.value.size == 64 * MIB
    assert caught.value.sent is not None
    assert 2 * MIB < caught.value.sent < 64 * MIB


async def test_phone_that_vanishes_before_it_has_confirmed_is_gone() -> None:
    async def service(peer: Peer) -> None:
        await peer.exactly(8 + 2 + 12 + 8 + 1 + 8)

    async with syncing(service) as (sync, _):
        with pytest.raises(DeviceGone, match="after 1 B of 1 B"):
            await sync.push(b"x", "/t")


async def test_phone_that_never_confirms_is_given_up() -> None:
    async with syncing(saying(after=1), reply_timeout_s=0.1) as (sync, _):
        with pytest.raises(AdbTimeout):
            await sync.push(b"x", "/t")


async def test_cancelled_push_lets_go_of_a_phone_that_takes_nothing() -> None:
    async def service(peer: Peer) -> None:
        await asyncio.Event().wait()

    async with syncing(service) as (sync, _):
        begun = asyncio.Event()
        pushing = asyncio.ensure_future(sync.push(bytes(64 * MIB), "/t", progress=lambda _: begun.set()))
        await begun.wait()
        pushing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await pushing


@pytest.mark.parametrize("reply", [b"DENT" + bytes(16), b"NOPE" + bytes(4), b"DATA" + bytes(4)])
async def test_answer_to_another_question_is_a_protocol_error(reply: bytes) -> None:
    async with syncing(saying(reply)) as (sync, _):
        with pytest.raises(AdbProtocolError, match=r"P1: .* during push /t"):
            await sync.push(b"x", "/t")
        with pytest.raises(AdbProtocolError, match=r"P1: .* during stat /t"):
            await sync.stat("/t")


@pytest.mark.parametrize(("path", "problem"), [("", "is empty"), ("x" * 1025, "1025 bytes"), ("a\0b", "NUL")])
async def test_path_that_no_phone_takes_is_refused_here(path: str, problem: str) -> None:
    async with syncing(saying()) as (sync, server):
        with pytest.raises(InputError, match=problem):
            await sync.push(b"x", path)
        assert "sync:" not in server.requests


async def test_local_file_that_cannot_be_sent_is_named(tmp_path: Path) -> None:
    async with syncing(saying()) as (sync, _):
        with pytest.raises(InputError, match="nope: cannot be read: No such file"):
            await sync.push(tmp_path / "nope", "/t")
        with pytest.raises(InputError, match="is not a regular file"):
            await sync.push(tmp_path, "/t")


def sending(*pieces: bytes, cut: int) -> Service:
    """Answers RECV with DATA frames and DONE, in writes of so many bytes."""

    async def service(peer: Peer) -> None:
        letters, path = await peer.sync_request()
        assert path == "/t/é".encode()
        if letters == b"RCV2":
            assert await peer.exactly(8) == b"RCV2" + bytes(4)
        data = b"".join(b"DATA" + len(piece).to_bytes(4, "little") + piece for piece in pieces)
        data += b"DONE" + bytes(4)
        await peer.say(*[data[start : start + cut] for start in range(0, len(data), cut)])
        await peer.reader.read()

    return service


@pytest.mark.parametrize("features", [V1, V2])
@pytest.mark.parametrize("cut", [1, 7, 1 << 20])
async def test_pull_is_whole_for_every_cut(features: str, cut: int, tmp_path: Path) -> None:
    told: list[int] = []
    async with syncing(sending(b"abc", b"", b"DONE1234", cut=cut), features) as (sync, _):
        assert await sync.pull("/t/é", tmp_path / "x", progress=told.append) == 11
    assert (tmp_path / "x").read_bytes() == b"abcDONE1234"
    assert told == [3, 0, 8]
    assert names(tmp_path) == ["x"]


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (b"FAIL\x04\0\0\0nope", AdbRefused),
        (b"DATA\x02\0\0\0abOKAY" + bytes(4), AdbProtocolError),
        (b"DATA\x02\0\0\0abXXXX", AdbProtocolError),
    ],
)
async def test_pull_that_fails_leaves_the_old_file(
    reply: bytes, error: type[Exception], tmp_path: Path
) -> None:
    (tmp_path / "x").write_text("old")
    async with syncing(saying(reply)) as (sync, _):
        with pytest.raises(error):
            await sync.pull("/t/é", tmp_path / "x")
    assert names(tmp_path) == ["x"]
    assert (tmp_path / "x").read_text() == "old"


async def test_pull_cut_in_the_middle_is_the_phone_s_going(tmp_path: Path) -> None:
    async def service(peer: Peer) -> None:
        await peer.sync_request()
        await peer.exactly(8)
        await peer.say(b"DATA\x02\0\0\0a")

    async with syncing(service) as (sync, _):
        with pytest.raises(DeviceGone, match="P1 vanished during pull /t"):
            await sync.pull("/t", tmp_path / "x")
    assert names(tmp_path) == []


async def test_pull_into_a_folder_that_does_not_exist_names_it(tmp_path: Path) -> None:
    async with syncing(saying()) as (sync, _):
        with pytest.raises(InputError, match="cannot be written: No such file"):
            await sync.pull("/t", tmp_path / "nope" / "x")
