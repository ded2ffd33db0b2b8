"""An export talks to nobody and installs nothing, and needs no network."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Final

import pytest

from devicehub import procs
from devicehub.clock import SystemClock
from devicehub.export.parent import ExportJob, export
from tests.export.sources import PYTHON, needs_exporter
from tests.export.test_awq import no_check

ROOT: Final = Path(__file__).parents[2]
LISTENING: Final = Path(__file__).with_name("listening")
ALONE: Final = ["unshare", "--user", "--map-root-user", "--net"]


async def leave_the_network() -> None:
    """Skip where this kernel does not allow it."""
    if shutil.which("unshare") is None or (await procs.run([*ALONE, "true"], timeout_s=20)).status != 0:
        pytest.skip("this kernel lets nobody leave the network: unshare --user --net")


@needs_exporter
@pytest.mark.slow
async def test_it_connects_to_nobody_and_calls_no_pip(
    tiny_source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = tmp_path / "heard"
    monkeypatch.setenv("PYTHONPATH", f"{LISTENING}:{os.environ.get('PYTHONPATH', '')}")
    monkeypatch.setenv("HEARD", str(heard))
    job = ExportJob(tiny_source, ("--export", "mnn", "--hqq"), tmp_path / "tiny", tmp_path / "log", no_check)
    exported = await export(job, on_stage=lambda _: None, clock=SystemClock(), python=PYTHON)
    assert exported.pip_calls == ()
    said = heard.read_text(encoding="utf-8").splitlines() if heard.exists() else []
    assert [line for line in said if line.startswith("socket") or "pip" in line] == []


@needs_exporter
async def test_the_ear_hears(tmp_path: Path) -> None:
    heard = tmp_path / "heard"
    env = os.environ | {"PYTHONPATH": str(LISTENING), "HEARD": str(heard)}
    program = "import os, socket; os.system('pip --version'); socket.socket().connect_ex(('127.0.0.1', 1))"
    await procs.run([PYTHON, "-c", program], timeout_s=60, env=env)
    events = [line.split()[0] for line in heard.read_text(encoding="utf-8").splitlines()]
    assert events == ["os.system", "socket.connect"]


@needs_exporter
async def test_the_wheel_left_alone_calls_pip(tmp_path: Path) -> None:
    await leave_the_network()
    bin_folder, heard = tmp_path / "bin", tmp_path / "heard"
    bin_folder.mkdir()
    (bin_folder / "pip").write_text("#!/bin/sh\nexit 1\n")
    (bin_folder / "pip").chmod(0o755)
    env = os.environ | {
        "PYTHONPATH": str(LISTENING),
        "HEARD": str(heard),
        "PATH": f"{bin_folder}:/usr/bin:/bin",
    }
    await procs.run([*ALONE, PYTHON, "-c", "import MNN.tools.mnnconvert"], timeout_s=100, env=env)
    assert "pip install -U aliyun-log-python-sdk" in heard.read_text(encoding="utf-8")


@needs_exporter
@pytest.mark.slow
async def test_it_needs_no_network(tiny_source: Path, tmp_path: Path) -> None:
    await leave_the_network()
    argv: list[str | Path] = [*ALONE, sys.executable, "-m", "tests.export.one_export"]
    argv += [PYTHON, tiny_source, tmp_path / "tiny", tmp_path / "log", "-"]
    done = await procs.run(argv, timeout_s=200, cwd=ROOT)
    assert done.status == 0, done.stderr.decode()
    assert (tmp_path / "tiny" / "llm.mnn").is_file()
