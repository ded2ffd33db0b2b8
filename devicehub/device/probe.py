"""Asks a phone who it is and how it is: each in one round trip."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devicehub.adb import shell
from devicehub.android.cpuinfo import CpuInfo, parse_cpuinfo
from devicehub.android.getprop import parse_getprop
from devicehub.device.state import PhoneState, parse_state, state_script

if TYPE_CHECKING:
    from devicehub.adb.client import Transport

_TIMEOUT_S: Final = 20.0
_STATE_TIMEOUT_S: Final = 40.0
_DATA: Final = "/data/local/tmp"
_BETWEEN: Final = "--devicehub-5d3f0c--"
_SCRIPT: Final = (
    f"getprop; echo; echo {_BETWEEN}; cat /proc/cpuinfo 2>/dev/null; echo; echo {_BETWEEN}; "
    "cat /proc/sys/kernel/random/boot_id 2>/dev/null"
)
# "4b6b5a5e-0d8b-4d59-9d2c-2f5a1e1c7a10"
_BOOT_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True)
class PhoneText:
    """What a phone said about itself.

    Attributes:
        boot_id: the same on every transport of one phone, another after each reboot; None where unreadable.
    """

    props: dict[str, str]
    cpuinfo: CpuInfo
    boot_id: str | None


async def read_properties(transport: Transport) -> PhoneText:
    """Read properties, /proc/cpuinfo and boot id; what the phone does not give stays empty.

    Raises:
        AdbError: the phone cannot be asked.
    """
    result = await shell.run_script(transport, _SCRIPT, timeout_s=_TIMEOUT_S)
    return split_answer(result.stdout)


async def read_state(transport: Transport) -> PhoneState:
    """Read USB mode, screen, power, memory and free space; what the phone does not give stays unknown.

    Raises:
        AdbError: the phone cannot be asked.
    """
    result = await shell.run_script(transport, state_script(_DATA), timeout_s=_STATE_TIMEOUT_S)
    return parse_state(result.stdout)


def split_answer(output: bytes) -> PhoneText:
    """Take the answer to the probe's script apart; whatever lacks is empty."""
    getprop, _, rest = output.partition(_BETWEEN.encode())
    cpuinfo, _, boot = rest.partition(_BETWEEN.encode())
    match = _BOOT_ID.search(boot.decode("ascii", "replace"))
    return PhoneText(
        props=parse_getprop(getprop),
        cpuinfo=parse_cpuinfo(cpuinfo),
        boot_id=match[0].lower() if match else None,
    )
