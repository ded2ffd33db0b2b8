"""Follows a run's files over adb and reads how it ended; takes up again where a broken link left off."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from typing import TYPE_CHECKING, Final

from devicehub.adb.shell import open_shell, quote
from devicehub.adb.wire import Exit as ShellExit
from devicehub.adb.wire import Stderr
from devicehub.errors import AdbTimeout, DeviceGone, RunLost, RunnerError
from devicehub.runner.contract import STREAMS, LaunchEnded, Piece
from devicehub.runner.control import refused
from devicehub.runner.exits import parse_exit, parse_fields, parse_launch_exit
from devicehub.runner.frames import Data, Ended, FrameDecoder, FrameEvent, LaunchText, Vanished
from devicehub.runner.link import BROKEN_LINK, Link

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from devicehub.adb.client import Transport
    from devicehub.clock import Clock
    from devicehub.runner.contract import Exit, Positions, RunHandle

SILENCE_S: Final = 20.0
"""The agent marks each fifth of a second; a link that is silent for this long is frozen."""


async def follow(
    transport: Transport,
    handle: RunHandle,
    *,
    clock: Clock,
    positions: Positions,
    patience_s: float,
    on_link: Callable[[bool], None] | None = None,
    silence_s: float = SILENCE_S,
) -> AsyncGenerator[Piece | LaunchEnded, None]:
    """The pieces of a run's files as they grow, until the run has ended and each file was read to its end.

    A launch's end comes when all of its output was given, and the log up to its end.

    Args:
        transport: the phone.
        handle: the run.
        clock: paces the tries after a break.
        positions: where to begin, as an earlier follower left it.
        patience_s: how long a broken link may last.
        on_link: told False when the link breaks and True when it is back.
        silence_s: after how long without a sign of life a link counts as broken.

    Raises:
        AdbError: the link stayed broken.
        RunLost: the supervisor vanished, or the phone fell and lost what it had written; what is left has
            been given.
        RunnerError: the phone does not know the run, or a file is shorter than the run's end says.
    """
    place = positions
    link = Link(clock, patience_s, on_link)
    while True:
        try:
            attached = _attach(transport, handle, place, silence_s)
            async with contextlib.aclosing(attached) as events:
                async for event in events:
                    link.works()
                    if isinstance(event, Ended):
                        _check_end(transport, handle, event.exit_text, place)
                        return
                    if isinstance(event, Vanished):
                        raise lost(transport, handle, event.text)
                    item = _take(transport, handle, event, place)
                    if item is not None:
                        place = place.after(item)
                        yield item
        except BROKEN_LINK as error:
            await link.broke(error)


def _take(
    transport: Transport, handle: RunHandle, event: FrameEvent, place: Positions
) -> Piece | LaunchEnded | None:
    if isinstance(event, Data):
        return Piece(event.stream, getattr(place, event.stream), event.data, event.launch)
    if not isinstance(event, LaunchText):
        return None
    launch = parse_launch_exit(event.exit_text)
    if launch is None:
        raise _fallen(transport, handle)
    for name in ("stdout", "stderr"):
        size = launch.byte_counts.get(name, 0)
        if getattr(place, name) < size:
            raise _short(transport, handle, f"{launch.number}/{name}", size, event.exit_text)
    return LaunchEnded(launch)


async def _attach(
    transport: Transport, handle: RunHandle, place: Positions, silence_s: float
) -> AsyncGenerator[FrameEvent, None]:
    nonce = secrets.token_hex(16)
    firsts = [str(getattr(place, name) + 1) for name in STREAMS]
    words = ["follow", handle.run_id, nonce, str(place.launch), *firsts]
    decoder = FrameDecoder(nonce)
    said = b""
    # exec: on a hang-up adbd signals only the process that it started itself.
    async with open_shell(transport, f"exec {quote(['sh', f'{handle.agent_dir}/ctl.sh', *words])}") as shell:
        events = aiter(shell)
        while True:
            try:
                async with asyncio.timeout(silence_s):
                    event = await anext(events)
            except TimeoutError as error:
                raise AdbTimeout(waited_s=silence_s, serial=transport.label, service="follow") from error
            if isinstance(event, ShellExit):
                # 128 and more: a signal ended it, as when the phone goes down.
                if event.status == 0 or event.status >= 128:
                    raise DeviceGone(serial=transport.label, during="follow")
                raise refused(transport, "follow", event.status, said)
            if isinstance(event, Stderr):
                said = (said + event.data)[-2000:]
                continue
            for frame in decoder.receive(event.data):
                yield frame
                if isinstance(frame, Ended | Vanished):
                    return


def read_exit(transport: Transport, handle: RunHandle, text: bytes) -> Exit:
    """The end that the phone tells.

    Raises:
        RunLost: it is not whole.
    """
    end = parse_exit(text)
    if end is None:
        raise _fallen(transport, handle)
    return end


def lost(transport: Transport, handle: RunHandle, text: bytes) -> RunLost:
    """What to raise for a run whose supervisor vanished, by the phone's answer."""
    fields = parse_fields(text)
    uptime = fields.get("uptime")
    return RunLost(
        serial=transport.label,
        run_id=handle.run_id,
        cause=fields.get("cause") or "agent_killed",
        last_heartbeat=f"{uptime} s after the phone's start" if uptime else None,
    )


def _fallen(transport: Transport, handle: RunHandle) -> RunLost:
    """For an end that has its name but not its content: only a phone that fell leaves that."""
    return RunLost(serial=transport.label, run_id=handle.run_id, cause="rebooted", last_heartbeat=None)


def _check_end(transport: Transport, handle: RunHandle, text: bytes, place: Positions) -> None:
    end = read_exit(transport, handle, text)
    for name in ("log", "samples"):
        size = end.byte_counts.get(name, 0)
        if getattr(place, name) < size:
            raise _short(transport, handle, name, size, text)


def _short(transport: Transport, handle: RunHandle, name: str, size: int, text: bytes) -> RunnerError:
    """For a file that has fewer bytes than its end says."""
    fields = parse_fields(text)
    if fields.get("boot_id") != fields.get("phone_boot_id"):
        return _fallen(transport, handle)
    return RunnerError(
        f"{transport.label}: {handle.run_dir}/{name} holds less than its {size} bytes; run it again"
    )
