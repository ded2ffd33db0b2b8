"""The wheel, in a venv of its own: nothing of the source tree is needed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from devicehub import procs

ROOT = Path(__file__).parents[2]


async def run(*argv: str | Path, cwd: Path) -> str:
    done = await procs.run(argv, timeout_s=600, cwd=cwd)
    assert done.status == 0, (done.stdout + done.stderr).decode()[-2000:]
    return done.stdout.decode()


@pytest.mark.slow
async def test_the_wheel_runs_the_demo_in_a_clean_venv(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    await run(*pip, "wheel", "--no-deps", "--wheel-dir", tmp_path / "dist", ROOT, cwd=tmp_path)
    (wheel,) = (tmp_path / "dist").glob("devicehub-*.whl")
    await run(sys.executable, "-m", "venv", tmp_path / "venv", cwd=tmp_path)
    python = tmp_path / "venv/bin/python"
    await run(python, "-m", "pip", "--disable-pip-version-check", "--quiet", "install", wheel, cwd=tmp_path)
    printed = await run(tmp_path / "venv/bin/devicehub", "demo", cwd=tmp_path)
    assert "decode tok/s" in printed
    assert "succeeded" in printed
    listed = await run(tmp_path / "venv/bin/devicehub", "profiles", "list", cwd=tmp_path)
    assert "greedy-repeatable" in listed
