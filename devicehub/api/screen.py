"""The phone's picture over the API: one taken now, and how `scrcpy` on the hub's host finds the phone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from devicehub.adb.server import find_adb
from devicehub.api.model import ShotView, WayView
from devicehub.screen import shot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devicehub.adb.address import ServerAddress
    from devicehub.adb.client import Transport
    from devicehub.device.model import Device


def show_way(device: Device, devices: Sequence[Device], address: ServerAddress, *, local: bool) -> WayView:
    """How programs of the hub's host reach a phone.

    Args:
        device: the phone.
        devices: all that are known, this one among them.
        address: where the hub's adb server listens.
        local: whether the client is on the hub's host.

    Raises:
        AdbServerUnavailable: this host has no adb program.
    """
    labels = [line.serial for each in devices for line in each.transports]
    product = device.facts.product if device.facts else None
    return WayView(
        serial=device.serial,
        transport_id=device.transport_id,
        adb_host=address.host,
        adb_port=address.port,
        adb_path=str(find_adb()),
        local=local,
        shared=labels.count(device.serial) > 1,
        title=f"{product} · {device.serial}" if product else device.serial,
    )


class Shots:
    """Takes pictures of screens, one at a time of each phone: who asks meanwhile is given the next one."""

    def __init__(self) -> None:
        self._taking: dict[str, _Taking] = {}

    async def take(self, device: str, transport: Transport) -> ShotView:
        """Take a picture of a device, named by its id.

        Raises:
            AdbRefused, AdbTimeout, DeviceGone, DeviceUnauthorized: there is none, as `screen.shot` says.
        """
        taking = self._taking.setdefault(device, _Taking())
        taking.waiting += 1
        wanted = taking.begun + 1
        try:
            async with taking.lock:
                # A picture that was begun after this was asked for serves as well.
                if taking.newest is None or taking.newest_number < wanted:
                    taking.begun += 1
                    number = taking.begun
                    picture = await shot.take(transport)
                    taking.newest, taking.newest_number = ShotView(png=picture.data), number
                return taking.newest
        finally:
            taking.waiting -= 1
            if not taking.waiting:  # no picture is kept for nobody
                del self._taking[device]


class _Taking:
    """The pictures of one phone while anybody waits for one."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.waiting = 0
        self.begun = 0
        """How many were begun so far."""
        self.newest: ShotView | None = None
        self.newest_number = 0
