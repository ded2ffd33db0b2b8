"""How fast the way from this host to a phone is, as this host tells it."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from devicehub.adb.wire_host import TrackedDevice
from devicehub.device.model import is_tcp
from devicehub.errors import AdbError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devicehub.adb.client import AdbClient
    from devicehub.adb.wire import DeviceLine

SYSFS: Final = Path("/sys/bus/usb/devices")
# "usb:1-4.2" as adb's own driver names a port on Linux, "1-4.2" as older ones do.
_PORT: Final = re.compile(r"(?:usb:)?(\d{1,3}-\d{1,3}(?:\.\d{1,3}){0,7})")
# "480", "1.5"
_SPEED: Final = re.compile(r"\d{1,6}")


@dataclass(frozen=True)
class HostLink:
    """What this host says of its way to a phone; None is what it does not.

    Attributes:
        mbit_s: what both ends agreed on, in decimal megabits per second; None over TCP.
        most_mbit_s: what the phone could do.
        told_by: who says so.
        adb_version: of the adb server, the program's own: `36.0.0`.
    """

    kind: Literal["usb", "tcp"] | None = None
    mbit_s: int | None = None
    most_mbit_s: int | None = None
    told_by: str | None = None
    adb_version: str | None = None


async def read_link(client: AdbClient, line: DeviceLine, *, sysfs: Path = SYSFS) -> HostLink:
    """Ask the adb server, and where it cannot tell this host's kernel; what neither tells stays unknown.

    Args:
        client: whose server reaches the phone.
        line: the phone on that server's list.
        sysfs: where Linux keeps its USB devices.
    """
    version, tracked = None, TrackedDevice()
    try:
        features = await client.host_features()
        if "server_status" in features:
            version = await client.program_version()
        if "devicetracker_proto_format" in features:
            tracked = _find(await client.tracked(), line)
    except AdbError:
        pass  # a figure's condition is no reason to fail: the run itself meets the same server next
    if is_tcp(line) or tracked.kind == "tcp":
        return HostLink(kind="tcp", adb_version=version)
    if tracked.mbit_s is not None:
        return HostLink("usb", tracked.mbit_s, tracked.most_mbit_s, "adb server", version)
    # Another machine's server names ports of that machine.
    mbit_s = await asyncio.to_thread(_read_speed, line, sysfs) if client.address.is_local else None
    told_by = "this host's kernel" if mbit_s is not None else None
    return HostLink("usb" if line.devpath else tracked.kind, mbit_s, None, told_by, version)


def _find(devices: Sequence[TrackedDevice], line: DeviceLine) -> TrackedDevice:
    """The phone of a line: serials are not unique."""
    for device in devices:
        if device.transport_id is not None and device.transport_id == line.transport_id:
            return device
    return TrackedDevice()


def _read_speed(line: DeviceLine, sysfs: Path) -> int | None:
    port = _PORT.fullmatch(line.devpath or "")
    if port is None:
        return None
    try:
        text = (sysfs / port[1] / "speed").read_text("ascii", "replace").strip()
    except OSError:
        return None
    return int(text) if _SPEED.fullmatch(text) else None
