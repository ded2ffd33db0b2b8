"""Phones that answer garbage, nothing, or late: none slows another down."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from devicehub.adb.wire import DeviceLine
from devicehub.clock import SystemClock
from devicehub.device.lifecycle import DeviceState
from devicehub.device.model import Device
from devicehub.doctor.model import Standing
from devicehub.doctor.phone_judge import judge_phone
from devicehub.doctor.phone_look import look_at_phones
from tests.adb.fake_server import FakeServer, Peer, Service, fake_server

if TYPE_CHECKING:
    from devicehub.doctor.phone_facts import PhoneLook

_STDOUT, _EXIT = 1, 3
HOST: dict[str, Service | bytes] = {"host:host-features": b"cmd", "host:version": b"0029"}


def phone(number: int, state: DeviceState = DeviceState.READY, *, devpath: str | None = None) -> Device:
    line = DeviceLine(f"P{number}", "device", transport_id=number, devpath=devpath)
    return Device(state=state, transports=(line,))


async def look(server: FakeServer, devices: list[Device], *, answer_s: float = 20.0) -> list[PhoneLook]:
    async with fake_server(server) as there:
        client = there.client
        return await look_at_phones(
            devices,
            client,
            lambda _device: client.transport(serial=server.serial),
            SystemClock(),
            answer_s=answer_s,
        )


def says(output: bytes) -> FakeServer:
    async def answer(peer: Peer) -> None:
        await peer.say_shell(_STDOUT, output)
        await peer.say_shell(_EXIT, b"\0")

    return FakeServer(HOST, {"shell": answer})


async def silent(peer: Peer) -> None:
    await peer.reader.read()


@pytest.mark.parametrize("output", [b"", b"\xff\x00garbage" * 200, b"--devicehub-8c41ae--" * 60])
async def test_garbage_is_told_and_has_no_rows_of_its_own(output: bytes) -> None:
    [found] = await look(says(output), [phone(1)])
    rows = {row.name: row for row in judge_phone(found)}
    assert rows["answer"].state is Standing.WARNING
    assert "broke off" in rows["answer"].says
    assert not any(row.state is Standing.PROBLEM for row in rows.values())


async def test_a_phone_that_says_nothing_is_not_waited_for_longer_than_allowed() -> None:
    [found] = await look(FakeServer(HOST, {"shell": silent}), [phone(1)], answer_s=0.2)
    assert found.problem == "it does not answer within 0.2 s"
    [row] = judge_phone(found)
    assert row.state is Standing.PROBLEM


async def test_fifty_phones_are_asked_at_a_time() -> None:
    asked = 0
    everyone = asyncio.Event()

    async def answer(peer: Peer) -> None:
        nonlocal asked
        asked += 1
        if asked == 50:
            everyone.set()
        await everyone.wait()  # nobody is answered before all have been asked
        await peer.say_shell(_STDOUT, b"hello")
        await peer.say_shell(_EXIT, b"\0")

    found = await look(FakeServer(HOST, {"shell": answer}), [phone(number) for number in range(50)])
    assert [one.device.serial for one in found] == [f"P{number}" for number in range(50)]
    assert all(one.facts is not None for one in found)


async def test_a_phone_that_went_is_a_row_and_no_error() -> None:
    [found] = await look(FakeServer(HOST), [phone(1)])
    assert found.facts is None
    assert [row.state for row in judge_phone(found)] == [Standing.PROBLEM]


async def test_phones_that_adb_cannot_reach_are_not_asked() -> None:
    server = says(b"")
    await look(server, [phone(1, DeviceState.UNAUTHORIZED), phone(2, DeviceState.OFFLINE)])
    assert not [request for request in server.requests if "shell" in request]


async def test_phones_on_one_hub_are_counted_and_those_at_the_computers_own_ports_are_not() -> None:
    paths = ("usb:1-4.1", "usb:1-4.2", "usb:1-4.3", "usb:2-1", "usb:3-1", None)
    devices = [phone(number, devpath=path) for number, path in enumerate(paths)]
    assert [one.beside for one in await look(says(b""), devices)] == [2, 2, 2, 0, 0, 0]
