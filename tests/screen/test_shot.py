"""Pictures by screencap: from phones of both shell versions, and phones that give none."""

from pathlib import Path

import pytest

from devicehub.errors import AdbRefused, AdbTimeout
from devicehub.screen import shot
from devicehub.sim.phone import PhoneSpec
from tests.adb.fake_server import FakeServer, Peer, Service, fake_server
from tests.screen.samples import PNG
from tests.sim.desk import desk_with


def printing(*packets: tuple[int, bytes]) -> Service:
    async def service(peer: Peer) -> None:
        for packet in packets:
            await peer.say_shell(*packet)

    return service


async def test_virtual_phone_shows_its_screen(tmp_path: Path) -> None:
    async with desk_with(PhoneSpec(mode="portable"), tmp_path) as desk:
        lit = await shot.take(desk.transport)
        desk.phone.system.screen_on = False
        dark = await shot.take(desk.transport)
    assert (lit.width, lit.height) == (dark.width, dark.height) == (1440, 3200)
    assert lit.data != dark.data


async def test_warning_on_stderr_is_no_part_of_the_picture() -> None:
    service = printing(
        (2, b"[Warning] Multiple displays were found\n"), (1, PNG[:9]), (1, PNG[9:]), (3, b"\0")
    )
    async with fake_server(FakeServer(phone={"shell": service})) as server:
        found = await shot.take(server.client.transport(serial="P1"))
    assert found.data == PNG


async def test_phone_with_the_old_shell_is_asked_without_a_terminal() -> None:
    async def service(peer: Peer) -> None:
        await peer.say(PNG)

    async with fake_server(FakeServer(phone={"exec:": service}, features="cmd")) as server:
        found = await shot.take(server.client.transport(serial="P1"))
    assert found.data == PNG
    assert server.requests[-1] == "exec:screencap -p"


@pytest.mark.parametrize(
    ("packets", "sentence"),
    [
        (((3, b"\x7f"),), "the phone has no screencap"),
        (((2, b"Capturing failed.\n"), (3, b"\x01")), r"\(Capturing failed\.\); unlock the phone"),
        (((3, b"\x01"),), r"\(status 1\)"),
        (((1, PNG[:-5]), (3, b"\0")), r"that are no whole PNG\)"),
        (((1, b"\x00\xff" * 40), (3, b"\0")), r"80 B that are no whole PNG"),
    ],
)
async def test_no_picture_is_one_sentence(packets: tuple[tuple[int, bytes], ...], sentence: str) -> None:
    async with fake_server(FakeServer(phone={"shell": printing(*packets)})) as server:
        with pytest.raises(AdbRefused, match=sentence):
            await shot.take(server.client.transport(serial="P1"))


@pytest.mark.parametrize("features", ["shell_v2", "cmd"])
async def test_phone_that_never_ends_its_picture(features: str) -> None:
    async def silent(peer: Peer) -> None:
        await peer.reader.read()

    phone: dict[str, Service] = {"shell": silent, "exec:": silent}
    async with fake_server(FakeServer(phone=phone, features=features)) as server:
        with pytest.raises(AdbTimeout):
            await shot.take(server.client.transport(serial="P1"), timeout_s=0.2)
