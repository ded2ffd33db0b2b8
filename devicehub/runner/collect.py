"""Follows a run's files over adb and reads how it ended; takes up again where a broken link left off."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from typing import TYPE_CHECKING, Final

from devicehub.adb.shell import open_shell, quote, run
from devicehub.adb.wire import Exit as ShellExit
from devicehub.adb.wire import Stderr
from devicehub.errors import (
    AdbProtocolError,
    AdbRefused,
    AdbServerUnavailable,
    AdbTimeout,
    DeviceGone,
    RunLost,
    RunnerError,
)
from devicehub.runner.contract import STREAMS, Exit, Piece, RunHandle, parse_exit, parse_fields
from devicehub.runner.frames import Data, Ended, FrameDecoder, FrameEvent, Vanished

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from devicehub.adb.client import Transport
    from devicehub.clock import Clock

COMMAND_TIMEOUT_S: Final = 60.0
SILENCE_S: Final = 20.0
"""The agent marks each fifth of a second; a link that is silent for this long is frozen."""
_RETRY_S: Final = 1.0
_POLL_S: Final = 0.5
_BROKEN_LINK: Final = (AdbServerUnavailable, AdbProtocolError, AdbRefused, AdbTimeout, DeviceGone)


async def follow(
    transport: Transport,
    handle: RunHandle,
    *,
    clock: Clock,
    positions: Mapping[str, int] | None = None,
    patience_s: float,
    silence_s: float = SILENCE_S,
) -> AsyncGenerator[Piece, None]:
    """The pieces of a run's files as they grow, until the run has ended and each file was read to its end.

    Args:
        transport: the phone.
        handle: the run.
        clock: paces the tries after a break.
        positions: per stream, the byte to begin at, as an earlier follower left it.
        patience_s: how long a broken link may last.
        silence_s: after how long without a sign of life a link counts as broken.

    Raises:
        AdbError: the link stayed broken.
        RunLost: the supervisor vanished; what it left has been given.
        RunnerError: the phone does not know the run, or a file is shorter than the run's end says.
    """
    places = dict.fromkeys(STREAMS, 0) | dict(positions or {})
    patience = _Patience(clock, patience_s)
    while True:
        try:
            attached = _attach(transport, handle, places, silence_s)
            async with contextlib.aclosing(attached) as events:
                async for event in events:
                    patience.renew()
                    if isinstance(event, Data):
                        offset = places[event.stream]
                        places[event.stream] += len(event.data)
                        yield Piece(event.stream, offset, event.data)
                    elif isinstance(event, Ended):
                        _check_complete(transport, handle, event, places)
                        return
                    elif isinstance(event, Vanished):
                        raise _lost(transport, handle, event.text)
        except _BROKEN_LINK:
            if patience.is_over():
                raise
            await clock.sleep(_RETRY_S)


async def result(transport: Transport, handle: RunHandle, *, clock: Clock, patience_s: float) -> Exit:
    """How a run ended; waits for its end.

    Args:
        transport: the phone.
        handle: the run.
        clock: paces the looks.
        patience_s: how long a broken link may last.

    Raises:
        RunLost: its supervisor vanished without publishing an end.
        RunnerError: the phone does not know the run, or its exit file is not whole.
        AdbError: the link stayed broken.
    """
    patience = _Patience(clock, patience_s)
    while True:
        try:
            text = await control(transport, handle, "status", handle.run_id)
        except _BROKEN_LINK:
            if patience.is_over():
                raise
            await clock.sleep(_RETRY_S)
            continue
        patience.renew()
        state = parse_fields(text).get("state")
        if state == "ended":
            return _read_exit(transport, handle, text)
        if state == "lost":
            raise _lost(transport, handle, text)
        if state != "running":
            raise RunnerError(f"{transport.label}: run {handle.run_id} was never started on this phone")
        await clock.sleep(_POLL_S)


async def control(transport: Transport, handle: RunHandle, *words: str) -> bytes:
    """What `ctl.sh` answers.

    Raises:
        RunnerError: it failed; its own words say why.
        AdbError: the phone cannot be asked.
    """
    answer = await run(transport, ["sh", f"{handle.agent_dir}/ctl.sh", *words], timeout_s=COMMAND_TIMEOUT_S)
    if answer.status != 0:
        raise _refused(transport, words[0], answer.status, answer.stderr)
    return answer.stdout


class _Patience:
    """How long a link has been broken, and whether that is too long."""

    def __init__(self, clock: Clock, patience_s: float) -> None:
        self._clock = clock
        self._patience_s = patience_s
        self._broken_since: float | None = None

    def renew(self) -> None:
        """The link works."""
        self._broken_since = None

    def is_over(self) -> bool:
        """The link is broken; whether it has been for too long."""
        now = self._clock.monotonic_s()
        self._broken_since = now if self._broken_since is None else self._broken_since
        return now - self._broken_since >= self._patience_s


async def _attach(
    transport: Transport, handle: RunHandle, places: Mapping[str, int], silence_s: float
) -> AsyncGenerator[FrameEvent, None]:
    nonce = secrets.token_hex(16)
    firsts = [str(places[name] + 1) for name in STREAMS]
    argv = ["sh", f"{handle.agent_dir}/ctl.sh", "follow", handle.run_id, nonce, *firsts]
    decoder = FrameDecoder(nonce)
    said = b""
    # exec: on a hang-up adbd signals only the process that it started itself.
    async with open_shell(transport, f"exec {quote(argv)}") as shell:
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
                raise _refused(transport, "follow", event.status, said)
            if isinstance(event, Stderr):
                said = (said + event.data)[-2000:]
                continue
            for frame in decoder.receive(event.data):
                yield frame
                if isinstance(frame, Ended | Vanished):
                    return


def _read_exit(transport: Transport, handle: RunHandle, text: bytes) -> Exit:
    end = parse_exit(text)
    if end is None:
        raise RunnerError(
            f"{transport.label}: {handle.run_dir}/exit is not whole; run it again under a new id"
        )
    return end


def _check_complete(transport: Transport, handle: RunHandle, ended: Ended, places: Mapping[str, int]) -> None:
    end = _read_exit(transport, handle, ended.exit_text)
    for name, size in end.byte_counts.items():
        if name == "log" and end.log_wrapped:
            continue
        if places[name] < size:
            found = f"{handle.run_dir}/{name} holds {places[name]} of {size} bytes"
            raise RunnerError(f"{transport.label}: {found}; run it again")


def _lost(transport: Transport, handle: RunHandle, text: bytes) -> RunLost:
    fields = parse_fields(text)
    uptime = fields.get("uptime")
    return RunLost(
        serial=transport.label,
        run_id=handle.run_id,
        cause=fields.get("cause") or "agent_killed",
        last_heartbeat=f"{uptime} s after the phone's start" if uptime else None,
    )


def _refused(transport: Transport, word: str, status: int, stderr: bytes) -> RunnerError:
    said = stderr.decode("utf-8", "replace").strip()[-200:]
    return RunnerError(
        f"{transport.label}: the agent's ctl.sh {word} ended with status {status}: {said or 'no word'}"
    )
