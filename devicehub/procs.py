"""Child processes: the one place that starts programs on this host."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from pathlib import Path


_DRAIN_S: Final = 1.0


@dataclass(frozen=True)
class Completed:
    """What a child process left behind."""

    status: int
    """Exit status; negative is the signal that ended it."""
    stdout: bytes
    stderr: bytes


async def run(
    argv: Sequence[str | Path],
    *,
    timeout_s: float,
    stdin: bytes = b"",
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Completed:
    """Run a program to its end.

    Raises:
        TimeoutError: it did not end in time; its process group was killed.
        OSError: it could not be started.
    """
    async with child(argv, env=env, cwd=cwd) as process:
        try:
            async with asyncio.timeout(timeout_s):
                stdout, stderr = await process.communicate(stdin)
        except TimeoutError:
            # The process itself may have ended, and what it started in the background holds the pipes.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await _drain(process)
            raise
        assert process.returncode is not None
        return Completed(process.returncode, stdout, stderr)


async def _drain(process: asyncio.subprocess.Process) -> None:
    """Read the pipes to their end, as far as somebody closes them soon."""
    assert process.stdout is not None
    assert process.stderr is not None
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_DRAIN_S):
            await asyncio.gather(process.stdout.read(), process.stderr.read())


@contextlib.asynccontextmanager
async def child(
    argv: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    grace_s: float = 3.0,
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A child process in a session of its own that does not outlive the block.

    On leaving: the end of its stdin, SIGTERM to its process group, `grace_s` to comply, then SIGKILL.
    """
    starting = asyncio.ensure_future(
        asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=env,
            cwd=cwd,
            start_new_session=True,
        )
    )
    try:
        # Cancelled, asyncio would kill the one process and then wait for its children, who hold the pipes.
        process = await asyncio.shield(starting)
    except asyncio.CancelledError:
        await _end(await starting, grace_s)
        raise
    try:
        yield process
    finally:
        await _end(process, grace_s)


async def _end(process: asyncio.subprocess.Process, grace_s: float) -> None:
    if process.returncode is not None:
        return
    if process.stdin is not None:
        process.stdin.close()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        async with asyncio.timeout(grace_s):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
