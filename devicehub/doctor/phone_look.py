"""Asks phones how they are: each in one round trip, none longer than a while, none waiting for another."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from devicehub.adb import shell
from devicehub.device.lifecycle import DeviceState
from devicehub.device.link import read_link
from devicehub.doctor.phone_facts import PhoneLook, parse_phone, phone_script
from devicehub.errors import AdbError, SelectionError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from devicehub.adb.client import AdbClient, Transport
    from devicehub.clock import Clock
    from devicehub.device.model import Device

ANSWER_S: Final = 30.0
"""A phone under load takes some seconds for its dumps."""
_ANSWERING: Final = frozenset({DeviceState.READY, DeviceState.BUSY, DeviceState.QUARANTINED})


async def look_at_phones(
    devices: Sequence[Device],
    client: AdbClient,
    transport: Callable[[Device], Transport],
    clock: Clock,
    *,
    answer_s: float = ANSWER_S,
) -> list[PhoneLook]:
    """Look at all of them at a time.

    Args:
        devices: as the hub knows them; those that adb cannot reach are not asked.
        client: whose server reaches them.
        transport: the way to one.
        clock: what the phones' clocks are compared with.
        answer_s: so long each may take.
    """

    async def look(device: Device) -> PhoneLook:
        if device.state not in _ANSWERING or device.is_host or not device.transports:
            return PhoneLook(device)
        try:
            async with asyncio.timeout(answer_s):
                return await _ask(device, client, transport(device), clock)
        except TimeoutError:
            return PhoneLook(device, problem=f"it does not answer within {answer_s:g} s")
        except (AdbError, SelectionError) as error:
            return PhoneLook(device, problem=str(error))

    async with asyncio.TaskGroup() as tasks:
        looks = [tasks.create_task(look(device)) for device in devices]
    return _with_neighbours([task.result() for task in looks])


async def _ask(device: Device, client: AdbClient, transport: Transport, clock: Clock) -> PhoneLook:
    link = await read_link(client, device.transports[0])
    features = await transport.features()
    asked_s = clock.wall_s()
    script = phone_script(shell.quote([transport.data]))
    answer = await shell.run_script(transport, script, timeout_s=ANSWER_S)
    return PhoneLook(
        device,
        facts=parse_phone(answer.stdout),
        link=link,
        features=features,
        asked_s=asked_s,
        answered_s=clock.wall_s(),
    )


def _with_neighbours(looks: Sequence[PhoneLook]) -> list[PhoneLook]:
    """Say of each how many others hang on its USB hub."""
    hubs = [_hub(look.device) for look in looks]
    count = Counter(hub for hub in hubs if hub is not None)
    return [replace(look, beside=count[hub] - 1 if hub else 0) for look, hub in zip(looks, hubs, strict=True)]


def _hub(device: Device) -> str | None:
    """The hub `1-4` of a phone at port `usb:1-4.2`; one at a port of the computer itself shares none."""
    path = (device.transports[0].devpath or "") if device.transports else ""
    hub, dot, _ = path.rpartition(".")
    return hub if dot else None
