"""Child processes: nothing of them outlives the block, however it is left."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from devicehub import procs
from devicehub.clock import SystemClock


def processes_with(mark: str) -> list[str]:
    return [
        place.name for place in Path("/proc").glob("[0-9]*") if mark.encode() in words_of(place / "cmdline")
    ]


def words_of(command_line: Path) -> list[bytes]:
    try:
        return command_line.read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return []  # it ended meanwhile


async def test_a_background_process_that_holds_the_pipes_is_killed_at_the_timeout() -> None:
    mark = f"1{os.getpid():07}"  # an argument of sleep's that tells this test's from others
    with pytest.raises(TimeoutError):
        await procs.run(["/bin/sh", "-c", f"sleep {mark} & echo"], timeout_s=0.3)
    assert processes_with(mark) == []


async def test_cancelled_while_it_starts_nothing_is_left() -> None:
    mark = f"2{os.getpid():07}"
    clock = SystemClock()

    async def start() -> None:
        # The child of the shell would hold its pipes if the shell alone was killed.
        await procs.run(["/bin/sh", "-c", f"sleep {mark}; true"], timeout_s=60)

    for wait_ms in range(0, 12, 2):
        task = asyncio.ensure_future(start())
        await clock.sleep(wait_ms / 1000)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            async with asyncio.timeout(20):
                await task
    assert processes_with(mark) == []
