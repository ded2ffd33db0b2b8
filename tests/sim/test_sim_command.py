"""`devicehub sim`, as a process."""

from __future__ import annotations

import os
import signal
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from devicehub import procs
from devicehub.cli.virtual_phones import tell_obstacles
from tests.e2e.fleet import free_ports

if TYPE_CHECKING:
    from pathlib import Path

    from devicehub.sim.phone import VirtualPhone


def _command(*words: str) -> list[str]:
    return [sys.executable, "-c", "from devicehub.cli.main import main; main()", "sim", *words]


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
async def test_it_prints_connect_lines_and_ends_cleanly(number: signal.Signals, status: int) -> None:
    port = free_ports(2)
    async with procs.child(_command("--phones", "2", "--port", str(port)), env=dict(os.environ)) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        lines = [await process.stdout.readline() for _ in range(2)]
        assert lines == [f"adb connect 127.0.0.1:{port + index}\n".encode() for index in range(2)]
        told = b""
        while b"Ctrl-C" not in told:
            told += await process.stderr.readline()
        assert told.count(b"confined") >= 2
        process.send_signal(number)
        rest = await process.stderr.read()
        assert (await process.wait(), b"Traceback" in rest) == (status, False)


async def test_ports_of_emulators_are_a_usage_error() -> None:
    done = await procs.run(_command("--port", "5550", "--phones", "8"), timeout_s=60, env=dict(os.environ))
    assert done.status == 2
    assert b"5555 to 5585" in done.stderr


async def test_a_scenario_is_played_and_a_wrong_one_refused(tmp_path: Path) -> None:
    file = tmp_path / "scenario.toml"
    file.write_text("[[fault]]\ndo = 'set_battery'\nlevel = 3\n")
    words = ("--port", str(free_ports(1)), "--scenario", str(file))
    async with procs.child(_command(*words), env=dict(os.environ)) as process:
        assert process.stderr is not None
        while b"VIRT0001: set_battery" not in await process.stderr.readline():
            pass
    file.write_text("[[fault]]\ndo = 'set_batery'\n")
    done = await procs.run(_command(*words), timeout_s=60, env=dict(os.environ))
    assert done.status == 4
    assert b"fault[0].do" in done.stderr
    assert b"did you mean set_battery?" in done.stderr


def test_each_reason_why_programs_for_arm64_do_not_run_is_told_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    reasons = ("no qemu", None, "no qemu", "an old kernel")
    tell_obstacles([cast("VirtualPhone", SimpleNamespace(no_arm64=reason)) for reason in reasons])
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.splitlines() == [
        "programs for arm64 do not run on them: an old kernel",
        "programs for arm64 do not run on them: no qemu",
    ]
