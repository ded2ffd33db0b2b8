"""Commands that are ended, and output that nobody takes."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from devicehub import procs
from tests.e2e.command import DEVICEHUB
from tests.e2e.test_demo import leftovers

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
async def test_a_demo_that_is_ended_cleans_up_as_at_ctrl_c(number: signal.Signals, tmp_path: Path) -> None:
    env = {**os.environ, "TMPDIR": str(tmp_path)}
    async with procs.child([DEVICEHUB, "demo"], env=env) as process:
        assert process.stderr is not None
        async for line in process.stderr:
            if b"running" in line:
                break
        os.kill(process.pid, number)
        _, said = await process.communicate()
    assert process.returncode == 130
    *_, told, last = filter(None, said.splitlines())
    assert told.endswith(b"was stopped on the phone")
    assert last == b"devicehub: interrupted"
    assert leftovers(tmp_path) == []


async def test_the_reader_of_the_output_goes_early() -> None:
    script = f"{{ {DEVICEHUB} profiles list --json; echo $? >&2; }} | true"
    done = await procs.run(["/bin/sh", "-c", script], timeout_s=60)
    assert done.stderr == b"0\n"


async def test_a_full_disk_takes_no_output() -> None:
    done = await procs.run(["/bin/sh", "-c", f"{DEVICEHUB} profiles list --json > /dev/full"], timeout_s=60)
    assert done.status == 1
    assert done.stderr == b"devicehub: output: No space left on device\n"
