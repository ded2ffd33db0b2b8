"""Child processes: the one place that starts programs on this host."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence


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


async def run_guarded(
    argv: Sequence[str | Path],
    *,
    timeout_s: float,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Completed:
    """Run a program that ends when its stdin does, which stays open for as long as this process lives.

    Raises:
        TimeoutError: it did not end in time; its process group was killed.
        OSError: it could not be started.
    """
    async with child(argv, env=env, cwd=cwd, grace_s=0) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        async with asyncio.timeout(timeout_s):
            stdout, stderr, status = await asyncio.gather(
                process.stdout.read(), process.stderr.read(), process.wait()
            )
        return Completed(status, stdout, stderr)


async def in_foreground(argv: Sequence[str | Path], *, env: Mapping[str, str] | None = None) -> int:
    """Let a program have this process's terminal until its end; its exit status, negative for a signal.

    Ctrl-C is the program's meanwhile. Call it from the main thread.

    Raises:
        OSError: it could not be started.
    """
    # The terminal sends it to both; handlers, unlike an ignored signal, are not passed on to the program.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        process = await asyncio.create_subprocess_exec(*argv, env=env)
        return await process.wait()
    finally:
        signal.signal(signal.SIGINT, before)


async def read_tail(stream: asyncio.StreamReader, most: int) -> bytes:
    """The last bytes of a stream that is read to its end."""
    kept = b""
    while block := await stream.read(most):
        kept = (kept + block)[-most:]
    return kept


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


async def attached(
    argv: Sequence[str | Path], *, files: tuple[int, int, int], env: Mapping[str, str]
) -> asyncio.subprocess.Process:
    """Start a program in a session of its own, in /; what it detaches from that outlives this process.

    Args:
        argv: the program.
        files: what becomes stdin, stdout and stderr; the caller's copies stay open.
        env: its environment.

    Raises:
        OSError: it could not be started.
    """
    return await asyncio.create_subprocess_exec(
        *argv, stdin=files[0], stdout=files[1], stderr=files[2], env=env, cwd="/", start_new_session=True
    )


def hang_up(process: asyncio.subprocess.Process) -> None:
    """Tell an attached program's group that nobody listens any more."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGHUP)


async def end_after_hang_up(process: asyncio.subprocess.Process, grace_s: float = 2.0) -> None:
    """Wait for the end of a program that was hung up on; one that does not heed it is killed."""
    try:
        async with asyncio.timeout(grace_s):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


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


def began_s(pid: int) -> float | None:
    """When a process began, in seconds since the host's boot; None where there is none, or a dead one.

    As a time of day it would move when the host's clock is set.
    """
    import psutil

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return round(process.create_time() - psutil.boot_time(), 1)
    except psutil.Error:
        return None


# The shell ends at once, so that the program is nobody's child and in a session without a terminal.
_DETACH_SCRIPT: Final = 'log=$1; shift; "$@" </dev/null >/dev/null 2>>"$log" & echo $!'


async def detach(argv: Sequence[str | Path], *, log: Path, env: Mapping[str, str], timeout_s: float) -> int:
    """Start a program that outlives this process and its terminal, in /; its process id.

    Args:
        argv: the program.
        log: what it says on stderr is added to this file.
        env: its environment.
        timeout_s: how long starting may take.

    Raises:
        TimeoutError: the system took longer.
        OSError: it could not be started.
    """
    script = ["/bin/sh", "-c", _DETACH_SCRIPT, "sh", log, *argv]
    done = await run(script, timeout_s=timeout_s, env=env, cwd=Path("/"))
    if not done.stdout.strip().isdigit():
        raise OSError(done.stderr.decode(errors="replace").strip() or "the shell started nothing")
    return int(done.stdout)
