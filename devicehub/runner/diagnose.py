"""Repeats a launch with a terminal for its output, to see what a crash kept in the process's buffers."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Final

from devicehub.adb.shell import open_shell, quote
from devicehub.adb.wire import Exit as ShellExit
from devicehub.errors import PhoneLocked
from devicehub.runner.contract import AgentExit
from devicehub.runner.control import control, refused

if TYPE_CHECKING:
    from devicehub.adb.client import Transport
    from devicehub.runner.contract import RunHandle

_KEPT: Final = 256 * 1024


async def diagnose(transport: Transport, handle: RunHandle, number: int, *, timeout_s: float) -> bytes:
    """The last of what a launch says when it is made once more, attached, under the phone's lock.

    A terminal makes it say each line at once; nothing of it is a figure. It ends with the link.

    Args:
        transport: the phone.
        handle: a run that has ended.
        number: the launch, from 1.
        timeout_s: for how long it may go on.

    Raises:
        PhoneLocked: another run holds the phone.
        RunnerError: the run has not ended, or had no such launch.
        AdbError: the phone cannot be asked, or speaks a shell without terminals.
    """
    nonce = secrets.token_hex(16)
    line = f"exec {quote(['sh', f'{handle.agent_dir}/ctl.sh', 'repeat', handle.run_id, str(number), nonce])}"
    said = b""
    begun = False
    status: int | None = None
    mark = f"{nonce}\r\n".encode()
    try:
        async with asyncio.timeout(timeout_s), open_shell(transport, line, terminal=True) as shell:
            async for event in shell:
                if isinstance(event, ShellExit):
                    status = event.status
                    break
                said = (said + event.data)[-_KEPT:]
                if not begun and mark in said:
                    begun = True
                    said = said.partition(mark)[2]
    except TimeoutError:
        # A hang-up ends most programs; one that ignores it is killed.
        await control(transport, handle.agent_dir, "stop", handle.run_id)
    # A terminal writes CR LF for every newline.
    said = said.replace(b"\r\n", b"\n")
    if status is None or begun:
        return said
    if status == AgentExit.LOCKED:
        holder = said.decode("utf-8", "replace").strip().rpartition("holder=")[2]
        raise PhoneLocked(serial=transport.label, holder=holder or "unknown")
    raise refused(transport, "repeat", status, said)
