"""A command on a phone, for tests: what it said and its exit status."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devicehub.api.contract import SHELL_INPUT, SHELL_OPEN, ShellInput, ShellOpen
from devicehub.api.model import ShellSaid
from devicehub.errors import AdbTimeout, ApiError, HubUnreachable

if TYPE_CHECKING:
    from devicehub.api.client import Client
    from devicehub.testing.hub import TestHub

_SEEN_EVENTS: Final = 16
"""So often the hub is told how far we are: it waits for who does not read."""


@dataclass(frozen=True)
class Said:
    """What a command said; bytes that are no UTF-8 are replaced."""

    status: int
    stdout: str
    stderr: str


async def say_on(hub: TestHub, device: str, command: str, timeout_s: float) -> Said:
    """Have a phone's shell carry out a line, with nothing to read.

    Raises:
        AdbTimeout: it did not end in time.
        ApiError: the phone is not there, or went away.
        HubUnreachable: the hub is not there, or went away.
    """
    try:
        async with asyncio.timeout(timeout_s):
            return await _say_on(hub, device, command)
    except TimeoutError:
        raise AdbTimeout(waited_s=timeout_s, serial=device, service=f"shell `{command}`") from None


async def _say_on(hub: TestHub, device: str, command: str) -> Said:
    out = {False: bytearray(), True: bytearray()}
    async with hub.client() as client:
        session = await client.call(SHELL_OPEN, ShellOpen(device=device, argv=["sh", "-c", command]))
        await _give(client, ShellInput(session=session, end=True))
        seen = 0
        async for event in client.events():
            said = event.data
            if not isinstance(said, ShellSaid) or said.session != session:
                continue
            if said.problem is not None:
                raise ApiError(said.problem, code=0, kind=said.kind)
            if said.status is not None:
                stdout, stderr = (out[key].decode(errors="replace") for key in (False, True))
                return Said(said.status, stdout, stderr)
            out[said.error] += said.data
            seen += 1
            if seen % _SEEN_EVENTS == 0:
                await _give(client, ShellInput(session=session, seen=seen))
    raise HubUnreachable("the hub went away, and the shell with it")


async def _give(client: Client, given: ShellInput) -> None:
    with contextlib.suppress(ApiError):  # it has ended meanwhile, which the events tell
        await client.call(SHELL_INPUT, given)
