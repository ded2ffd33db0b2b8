"""What a virtual phone tells of its state over a real adb server, and the cautions that this raises."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from devicehub.adb.client import AdbClient
from devicehub.adb.server import private_server
from devicehub.device.probe import read_end_state, read_state
from devicehub.runs.preflight import preflight
from devicehub.sim.phone import PhoneSpec, virtual_phone

if TYPE_CHECKING:
    from devicehub.device.state import PhoneState
    from devicehub.sim.phone import VirtualPhone

pytestmark = pytest.mark.skipif(
    shutil.which("mksh") is None or shutil.which("toybox") is None, reason="mksh or toybox is not installed"
)


async def read(phone: VirtualPhone, client: AdbClient) -> PhoneState:
    return await read_state(client.transport(serial=phone.address))


def slugs(state: PhoneState, *, needed_kib: int = 0) -> list[str]:
    return [caution.slug for caution in preflight(state, needed_kib=needed_kib)]


@pytest.mark.parametrize("android", [8, 11, 15])
async def test_phone_of_each_age_that_things_go_wrong_with(android: int) -> None:
    spec = PhoneSpec(android=android, usb_mode="mtp")
    async with private_server() as server, virtual_phone(spec, keys=[server.key_path]) as phone:
        client = AdbClient(server.address)
        await client.connect(phone.address)
        before = await read(phone, client)
        assert before.usb.functions == frozenset({"mtp"})
        assert (before.screen.on, before.screen.locked) == (True, False)
        assert before.battery.plugged is True
        assert (before.battery.sources, before.battery.charge) == (("usb",), "charging")
        assert (before.usb_mbit_s, before.power_saver) == (480, False)
        assert slugs(before) == ["usb_mode"]

        phone.faults.set_battery(plugged=False)
        phone.faults.set_screen(on=False, locked=True)
        state = await read(phone, client)
        assert (state.screen.on, state.screen.locked, state.battery.plugged) == (False, True, False)
        assert slugs(state) == ["usb_mode", "screen_off_on_battery"]
        end = await read_end_state(client.transport(serial=phone.address))
        assert (end.screen, end.plugged) == (state.screen, False)


async def test_phone_in_order_and_short_of_memory() -> None:
    async with private_server() as server, virtual_phone(PhoneSpec(), keys=[server.key_path]) as phone:
        client = AdbClient(server.address)
        await client.connect(phone.address)
        state = await read(phone, client)
        assert state.usb.functions == frozenset()
        assert slugs(state, needed_kib=1_000_000) == []
        if phone.mode != "confined":
            return  # its /proc/meminfo is this host's
        phone.faults.set_memory(1000)
        assert slugs(await read(phone, client), needed_kib=1_000_000) == ["memory_short"]
