"""What the hub records of a phone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from devicehub.android.battery import Battery

LOCAL: Final = "local"
"""The label of this computer, a device of its own kind that adb does not know."""

if TYPE_CHECKING:
    from devicehub.adb.wire import DeviceLine
    from devicehub.device.identify import Identification
    from devicehub.device.lifecycle import DeviceState


@dataclass(frozen=True)
class Identity:
    """Which phone this is, whatever adb calls it.

    Cheap phones share one ro.serialno, and one phone may be listed twice (USB and Wi-Fi): the boot_id tells.
    """

    serialno: str
    boot_id: str


@dataclass(frozen=True)
class Device:
    """One phone: its state, the ways to reach it, and what is known about it."""

    state: DeviceState
    transports: tuple[DeviceLine, ...] = ()
    """The preferred one first: USB before TCP."""
    identity: Identity | None = None
    facts: Identification | None = None
    virtual: bool = False
    battery: Battery = field(default_factory=Battery)
    run: str | None = None
    """The id of the run under way."""
    quarantine: str | None = None
    """Why it is left alone."""

    @property
    def serial(self) -> str:
        """The label that adb gives the preferred transport; ro.serialno where there is none."""
        if self.transports:
            return self.transports[0].serial
        return self.identity.serialno if self.identity else "?"

    @property
    def is_host(self) -> bool:
        """It is this computer and no phone."""
        return self.serial == LOCAL

    @property
    def transport_id(self) -> int | None:
        """The number that adb gives the preferred transport."""
        return self.transports[0].transport_id if self.transports else None


def is_tcp(line: DeviceLine) -> bool:
    """Whether adb reaches the phone over the network: `host:port`, or a name found by mDNS."""
    _, colon, port = line.serial.rpartition(":")
    return (bool(colon) and port.isdigit()) or line.serial.endswith(("._tcp", "._tcp."))
