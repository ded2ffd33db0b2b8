"""Pictures that several clients ask for, and the way that scrcpy takes."""

import asyncio

from devicehub.adb.address import ServerAddress
from devicehub.adb.wire import DeviceLine
from devicehub.api.screen import Shots, show_way
from devicehub.device.lifecycle import DeviceState
from devicehub.device.model import Device
from devicehub.errors import AdbRefused
from tests.adb.fake_server import FakeServer, Peer, fake_server
from tests.screen.samples import PNG

HERE = ServerAddress("127.0.0.1", 5999)


def device(serial: str, *numbers: int) -> Device:
    return Device(DeviceState.READY, tuple(DeviceLine(serial, "device", transport_id=n) for n in numbers))


def test_way_names_server_program_and_phone() -> None:
    phone = device("A1", 3)
    way = show_way(phone, [phone, device("B2", 4)], HERE, local=True)
    assert (way.serial, way.transport_id, way.adb_host, way.adb_port) == ("A1", 3, "127.0.0.1", 5999)
    assert way.adb_path.endswith("adb")
    assert (way.local, way.shared, way.title) == (True, False, "A1")


def test_serial_of_two_phones_is_shared_and_two_ways_to_one_are_not() -> None:
    twins = [device("0123456789ABCDEF", 3), device("0123456789ABCDEF", 4)]
    assert show_way(twins[0], twins, HERE, local=False).shared
    phone = Device(DeviceState.READY, (DeviceLine("A1", "device"), DeviceLine("10.0.0.7:5555", "device")))
    assert not show_way(phone, [phone], HERE, local=False).shared


class Camera:
    """A phone that counts its pictures and takes one only when it may."""

    def __init__(self) -> None:
        self.begun = 0
        self.news = asyncio.Event()
        self.may = asyncio.Semaphore(0)
        self.answer = PNG

    async def __call__(self, peer: Peer) -> None:
        self.begun += 1
        self.news.set()
        await self.may.acquire()
        await peer.say_shell(1, self.answer)
        await peer.say_shell(3, b"\0")


async def test_who_asks_meanwhile_shares_the_next_picture() -> None:
    camera, shots = Camera(), Shots()
    async with fake_server(FakeServer(phone={"shell": camera})) as server, asyncio.TaskGroup() as tasks:
        transport = server.client.transport(serial="P1")
        first = tasks.create_task(shots.take("P1", transport))
        await camera.news.wait()
        others = [tasks.create_task(shots.take("P1", transport)) for _ in range(5)]
        for _ in range(8):
            camera.may.release()
    assert camera.begun == 2  # one was under way when the others asked; one serves all of them
    assert {each.result().png for each in (first, *others)} == {PNG}


async def test_who_asks_later_is_given_a_new_picture() -> None:
    camera, shots = Camera(), Shots()
    camera.may.release()
    camera.may.release()
    async with fake_server(FakeServer(phone={"shell": camera})) as server:
        transport = server.client.transport(serial="P1")
        await shots.take("P1", transport)
        await shots.take("P1", transport)
    assert camera.begun == 2


async def test_failure_is_told_to_each_who_asked_and_leaves_nothing_behind() -> None:
    camera, shots = Camera(), Shots()
    camera.answer = b"no picture"
    for _ in range(4):
        camera.may.release()
    async with fake_server(FakeServer(phone={"shell": camera})) as server:
        transport = server.client.transport(serial="P1")
        asking = (shots.take("P1", transport) for _ in range(2))
        answers = await asyncio.gather(*asking, return_exceptions=True)
        assert [type(each) for each in answers] == [AdbRefused, AdbRefused]
        camera.answer = PNG
        assert (await shots.take("P1", transport)).png == PNG


async def test_phones_do_not_wait_for_each_other() -> None:
    stuck, quick = Camera(), Camera()
    quick.may.release()
    shots = Shots()
    async with (
        fake_server(FakeServer(phone={"shell": stuck})) as slow,
        fake_server(FakeServer(phone={"shell": quick})) as fast,
        asyncio.TaskGroup() as tasks,
    ):
        waiting = tasks.create_task(shots.take("P1", slow.client.transport(serial="P1")))
        await stuck.news.wait()
        await shots.take("P2", fast.client.transport(serial="P1"))
        assert not waiting.done()
        stuck.may.release()
