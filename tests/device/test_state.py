from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from devicehub.android.battery import Battery
from devicehub.android.meminfo import Memory
from devicehub.device.probe import read_state
from devicehub.device.state import PhoneState, parse_state, state_script

if TYPE_CHECKING:
    from tests.deploy.conftest import OnePhone

DIVIDER = re.findall(r"--devicehub-\w+--", state_script("/data"))[0]

ANSWERS = (
    "mtp,adb",
    "mtp,adb",
    "",
    "connected=true",
    "mWakefulness=Asleep",
    "mDreamingLockscreen=true",
    "AC powered: false\nUSB powered: false\nlevel: 40",
    "MemTotal: 8000000 kB\nMemAvailable: 3000000 kB",
    "Filesystem 1K-blocks Used Available Use% Mounted on\n/dev/dm-6 113021856 61234876 51655908 55% /data",
)


def answer(*parts: str) -> bytes:
    return f"\n{DIVIDER}\n".join(parts).encode()


def test_every_part_of_the_answer_finds_its_place() -> None:
    state = parse_state(answer(*ANSWERS))
    assert state.usb.functions == frozenset({"mtp"})
    assert state.usb.connected is True
    assert (state.screen.on, state.screen.locked) == (False, True)
    assert state.battery == Battery(level_percent=40, plugged=False)
    assert state.memory == Memory(8000000, 3000000)
    assert (state.capacity_bytes, state.free_bytes) == (113021856 * 1024, 51655908 * 1024)


def test_script_asks_for_as_many_parts_as_are_read() -> None:
    assert state_script("/data").count(DIVIDER) == len(ANSWERS) - 1


def test_answer_that_was_cut_leaves_the_rest_unknown() -> None:
    state = parse_state(answer(*ANSWERS[:5]))
    assert state.screen.on is False
    assert (state.screen.locked, state.memory, state.free_bytes) == (None, Memory(), None)


async def test_a_virtual_phone_tells_its_state(phone: OnePhone) -> None:
    state = await read_state(phone.transport)
    assert state.usb.functions is not None
    assert state.battery.level_percent is not None
    assert state.memory.available_kib is not None
    assert state.free_bytes is not None


@given(st.binary())
def test_any_answer(output: bytes) -> None:
    assert isinstance(parse_state(output), PhoneState)
