"""Our client through the real adb server to a virtual phone."""

import asyncio
import contextlib
import hashlib
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from devicehub.adb import shell
from devicehub.adb.client import AdbClient, Transport
from devicehub.adb.server import PrivateServer, private_server
from devicehub.adb.sync import open_sync
from devicehub.adb.wire import Exit
from devicehub.errors import AdbRefused, DeviceGone, DeviceUnauthorized
from devicehub.sim.phone import PhoneSpec, VirtualPhone, virtual_phone
from devicehub.units import MIB

FOLDER = "/data/local/tmp"
ODD_NAMES = ["a b", "it's", '"two"', "$(x)", "back\\slash", "é 😀", "-rf", "a,b,420", "*"]


@dataclass
class Lab:
    server: PrivateServer
    client: AdbClient
    phone: VirtualPhone
    transport: Transport


@pytest.fixture
async def lab() -> AsyncIterator[Lab]:
    async with private_server() as server, virtual_phone(PhoneSpec(), keys=[server.key_path]) as phone:
        client = AdbClient(server.address)
        await client.connect(phone.address)
        yield Lab(server, client, phone, client.transport(serial=phone.address))


@pytest.mark.parametrize(
    ("script", "status"), [("true", 0), ("exit 7", 7), ("no-such-command", 127), ("kill -9 $$", 137)]
)
async def test_exit_status(lab: Lab, script: str, status: int) -> None:
    assert (await shell.run_script(lab.transport, script, timeout_s=30)).status == status


async def test_streams_are_separate(lab: Lab) -> None:
    result = await shell.run_script(lab.transport, "echo out; echo err >&2; exit 3", timeout_s=30)
    assert (result.stdout, result.stderr, result.status) == (b"out\n", b"err\n", 3)


async def test_a_terminal_gives_lines_at_once_and_carriage_returns(lab: Lab) -> None:
    script = "[ -t 1 ] && echo tty; echo err >&2; exit 3"
    said = b""
    async with shell.open_shell(lab.transport, script, terminal=True) as attached:
        async for event in attached:
            if isinstance(event, Exit):
                assert event.status == 3
                break
            said += event.data
    assert said == b"tty\r\nerr\r\n"


async def test_stdin_comes_back_whole(lab: Lab) -> None:
    data = random.Random(1).randbytes(3 * MIB)
    assert (await shell.run(lab.transport, ["cat"], stdin=data, timeout_s=60)).stdout == data


async def test_arguments_arrive_unchanged(lab: Lab) -> None:
    argv = ["printf", r"%s\n", *ODD_NAMES, "", "a\nb", "x" * 4096]
    printed = await shell.check(lab.transport, argv, timeout_s=30)
    assert printed.stdout.decode() == "".join(f"{argument}\n" for argument in argv[2:])


async def test_transport_id_reaches_the_same_phone(lab: Lab) -> None:
    (device,) = await lab.client.devices()
    assert (device.serial, device.state) == (lab.phone.address, "device")
    assert device.transport_id is not None
    by_id = lab.client.transport(transport_id=device.transport_id)
    asked = [
        (await shell.check(transport, ["getprop", "ro.serialno"], timeout_s=30)).stdout
        for transport in (lab.transport, by_id)
    ]
    assert asked == [f"{lab.phone.serialno}\n".encode()] * 2


async def test_file_of_20_mb_goes_there_and_back(lab: Lab, tmp_path: Path) -> None:
    content = random.Random(2).randbytes(20_000_001)
    local, back = tmp_path / "a", tmp_path / "back"
    local.write_bytes(content)
    async with open_sync(lab.transport) as sync:
        remote = f"{FOLDER}/new folder/it's é.bin"
        assert await sync.push(local, remote, mtime=1_600_000_000) == len(content)
        found = await sync.stat(remote)
        assert found is not None
        assert (found.size, found.mtime, found.is_file) == (len(content), 1_600_000_000, True)
        summed = await shell.check(lab.transport, ["sha256sum", remote], timeout_s=60)
        assert summed.stdout.split()[0].decode() == hashlib.sha256(content).hexdigest()
        assert await sync.pull(remote, back) == len(content)
    assert back.read_bytes() == content


async def test_refused_push_names_the_place_and_the_next_one_works(lab: Lab, tmp_path: Path) -> None:
    async with open_sync(lab.transport) as sync:
        with pytest.raises(AdbRefused, match="during push /proc/nope/x"):
            await sync.push(b"x", "/proc/nope/x")
        assert await sync.push(b"x", f"{FOLDER}/x") == 1
        with pytest.raises(AdbRefused, match="No such file or directory"):
            await sync.pull("/no/such/file", tmp_path / "never")


@pytest.mark.parametrize("how", ["phone ends", "disconnected"])
async def test_phone_that_vanishes_mid_push_is_reported(how: str, tmp_path: Path) -> None:
    local = tmp_path / "big"
    with local.open("wb") as file:
        file.truncate(2_000 * MIB)
    begun = asyncio.Event()
    async with private_server() as server, contextlib.AsyncExitStack() as life:
        client = AdbClient(server.address)
        phone = await life.enter_async_context(virtual_phone(PhoneSpec(), keys=[server.key_path]))
        await client.connect(phone.address)
        async with open_sync(client.transport(serial=phone.address)) as sync:
            pushing = asyncio.ensure_future(sync.push(local, f"{FOLDER}/big", progress=lambda _: begun.set()))
            await begun.wait()
            if how == "phone ends":
                await life.aclose()
            else:
                await client.disconnect(phone.address)
            with pytest.raises(DeviceGone, match="vanished during push") as caught:
                await pushing
    assert caught.value.size == 2_000 * MIB
    assert caught.value.sent is not None
    assert 0 < caught.value.sent < 2_000 * MIB


async def test_phone_that_does_not_know_the_key_is_unauthorized(tmp_path: Path) -> None:
    stranger = tmp_path / "nobody.pub"
    async with private_server() as server, virtual_phone(PhoneSpec(), keys=[stranger]) as phone:
        client = AdbClient(server.address)
        with pytest.raises(DeviceUnauthorized, match=phone.address):
            await client.connect(phone.address)
        with pytest.raises(DeviceUnauthorized, match=phone.address):
            await client.transport(serial=phone.address).open("sync:")


async def test_track_sees_the_phone_come_and_go(lab: Lab) -> None:
    tracking = lab.client.track()
    states = [[device.state for device in await anext(tracking)]]
    await lab.client.disconnect(lab.phone.address)
    states.append([device.state for device in await anext(tracking)])
    await tracking.aclose()
    assert states[0] == ["device"]
    assert states[1] in ([], ["offline"])
