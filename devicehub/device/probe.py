"""Asks a phone who it is and how it is: each in one round trip."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from devicehub.adb import shell
from devicehub.android.cpufreq import parse_clocks
from devicehub.android.cpuinfo import CpuInfo, parse_cpuinfo
from devicehub.android.getprop import parse_getprop
from devicehub.android.meminfo import Memory, parse_meminfo
from devicehub.device.state import (
    CLOCKS_QUESTION,
    EndState,
    PhoneState,
    end_script,
    parse_end_state,
    parse_state,
    state_script,
)
from devicehub.device.steady import SteadyMark, mark_script, parse_mark
from devicehub.settings import PHONE_ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devicehub.adb.client import Transport
    from devicehub.android.cpufreq import Clocks

_TIMEOUT_S: Final = 20.0
_STATE_TIMEOUT_S: Final = 40.0
_BETWEEN: Final = "--devicehub-5d3f0c--"
_SCRIPT: Final = (
    f"getprop; echo; echo {_BETWEEN}; cat /proc/cpuinfo 2>/dev/null; echo; echo {_BETWEEN}; "
    f"cat /proc/sys/kernel/random/boot_id 2>/dev/null; echo; echo {_BETWEEN}; {mark_script(PHONE_ROOT)}; "
    f"echo; echo {_BETWEEN}; cat /proc/meminfo 2>/dev/null; "
    f"echo; echo {_BETWEEN}; {CLOCKS_QUESTION} 2>/dev/null"
)
_CHEAP_SCRIPT: Final = (
    f"getprop ro.serialno; echo {_BETWEEN}; "
    f"cat /proc/sys/kernel/random/boot_id 2>/dev/null; echo; echo {_BETWEEN}; {mark_script(PHONE_ROOT)}"
)
# "4b6b5a5e-0d8b-4d59-9d2c-2f5a1e1c7a10"
_BOOT_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True)
class PhoneSign:
    """Which phone this is, as far as few words tell; None where it does not say."""

    serialno: str | None
    boot_id: str | None
    steady: SteadyMark | None = None


@dataclass(frozen=True)
class PhoneText:
    """What a phone said about itself.

    Attributes:
        boot_id: the same on every transport of one phone, another after each reboot; None where unreadable.
        steady: who has its fixed-performance mode, None where no run of ours has.
        clusters: the clocks of its cores, by the kernel's name for those of one kind.
    """

    props: dict[str, str]
    cpuinfo: CpuInfo
    boot_id: str | None
    steady: SteadyMark | None = None
    memory: Memory = field(default_factory=Memory)
    clusters: Mapping[str, Clocks] = field(default_factory=dict)


async def read_properties(transport: Transport) -> PhoneText:
    """Read properties, /proc/cpuinfo, boot id and mark; what the phone does not give stays empty.

    Raises:
        AdbError: the phone cannot be asked.
    """
    result = await shell.run_script(transport, _SCRIPT, timeout_s=_TIMEOUT_S)
    return split_answer(result.stdout)


async def read_sign(transport: Transport) -> PhoneSign:
    """Read serial number, boot id and mark alone: enough to know a phone again.

    Raises:
        AdbError: the phone cannot be asked.
    """
    result = await shell.run_script(transport, _CHEAP_SCRIPT, timeout_s=_TIMEOUT_S)
    return split_sign(result.stdout)


async def read_state(transport: Transport) -> PhoneState:
    """Read what may spoil a run and what its figures depend on; what the phone does not give stays unknown.

    Raises:
        AdbError: the phone cannot be asked.
    """
    result = await shell.run_script(
        transport, state_script(shell.quote([transport.data])), timeout_s=_STATE_TIMEOUT_S
    )
    return parse_state(result.stdout)


async def read_end_state(transport: Transport) -> EndState:
    """Read screen, lock and power once more when a run has ended.

    Raises:
        AdbError: the phone cannot be asked.
    """
    result = await shell.run_script(transport, end_script(), timeout_s=_STATE_TIMEOUT_S)
    return parse_end_state(result.stdout)


def split_sign(output: bytes) -> PhoneSign:
    """Take the answer to the cheap script apart."""
    serialno, _, rest = output.partition(_BETWEEN.encode())
    boot, _, mark = rest.partition(_BETWEEN.encode())
    match = _BOOT_ID.search(boot.decode("ascii", "replace"))
    boot_id = match[0].lower() if match else None
    return PhoneSign(
        serialno=serialno.decode("utf-8", "replace").strip() or None,
        boot_id=boot_id,
        steady=parse_mark(mark.decode("utf-8", "replace"), boot_id),
    )


def split_answer(output: bytes) -> PhoneText:
    """Take the answer to the probe's script apart; whatever lacks is empty."""
    getprop, _, rest = output.partition(_BETWEEN.encode())
    cpuinfo, _, rest = rest.partition(_BETWEEN.encode())
    boot, _, rest = rest.partition(_BETWEEN.encode())
    mark, _, rest = rest.partition(_BETWEEN.encode())
    meminfo, _, clocks = rest.partition(_BETWEEN.encode())
    match = _BOOT_ID.search(boot.decode("ascii", "replace"))
    boot_id = match[0].lower() if match else None
    return PhoneText(
        props=parse_getprop(getprop),
        cpuinfo=parse_cpuinfo(cpuinfo),
        boot_id=boot_id,
        steady=parse_mark(mark.decode("utf-8", "replace"), boot_id),
        memory=parse_meminfo(meminfo.decode("ascii", "replace")),
        clusters=parse_clocks(clocks.decode("ascii", "replace")),
    )
