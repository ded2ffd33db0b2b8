"""An adb server's list with one line more: this computer, which adb does not know."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from devicehub.adb.client import AdbClient, Transport
from devicehub.adb.wire import DeviceLine
from devicehub.device.model import LOCAL
from devicehub.host.transport import HostTransport

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from devicehub.adb.address import ServerAddress
    from devicehub.host.place import HostPlace


class HostClient(AdbClient):
    """An adb server, and this computer beside its phones under the label `local`.

    Args:
        address: where the server listens.
        place: where this computer keeps what a phone keeps under /data/local/tmp.
    """

    def __init__(self, address: ServerAddress, place: HostPlace) -> None:
        super().__init__(address)
        self._place = place

    async def devices(self) -> list[DeviceLine]:
        """What the server lists, and this computer."""
        return _with_host(await super().devices())

    async def track(self) -> AsyncGenerator[list[DeviceLine], None]:
        """As `AdbClient.track`, with this computer in each list."""
        async with contextlib.aclosing(super().track()) as lists:
            async for lines in lists:
                yield _with_host(lines)

    def transport(
        self, *, serial: str | None = None, transport_id: int | None = None, label: str | None = None
    ) -> Transport:
        """The way to a phone, or to this computer."""
        if serial == LOCAL:
            return HostTransport(self, self._place)
        return super().transport(serial=serial, transport_id=transport_id, label=label)


def _with_host(lines: Sequence[DeviceLine]) -> list[DeviceLine]:
    # A phone that calls itself so could not be told from it.
    return [*(line for line in lines if line.serial != LOCAL), DeviceLine(LOCAL, "device")]
