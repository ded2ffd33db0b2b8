"""A project outside the source tree that has installed the wheel: eight lines are a test on phones."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from devicehub import procs

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT: Final = Path(__file__).parents[2]
EIGHT_LINES: Final = """\
import pytest

@pytest.mark.phone("vendor=mediatek,android>=14")
def test_answers_and_keeps_its_speed(run_model):
    run = run_model("demo-model", prompt="What is DeviceHub?", profile="greedy-repeatable")
    assert run.verdict == "succeeded"
    assert "phone" in run.text
    assert run.decode_tok_s > 20
"""
WHERE: Final = """
import devicehub.testing.session

def test_the_wheel_is_what_is_tested():
    assert devicehub.testing.session.__file__.startswith({site!r})
"""


async def run(*argv: str | Path, cwd: Path, env: Mapping[str, str] | None = None) -> str:
    done = await procs.run(argv, timeout_s=200, cwd=cwd, env=env)
    assert done.status == 0, (done.stdout + done.stderr).decode()[-4000:]
    return done.stdout.decode()


@pytest.mark.slow
async def test_eight_lines_in_a_project_that_has_installed_the_wheel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    await run(*pip, "wheel", "--no-deps", "--wheel-dir", tmp_path / "dist", ROOT, cwd=tmp_path)
    (wheel,) = (tmp_path / "dist").glob("devicehub-*.whl")
    site, project = tmp_path / "site", tmp_path / "project"
    await run(*pip, "install", "--no-deps", "--target", site, wheel, cwd=tmp_path)
    project.mkdir()
    (project / "test_model.py").write_text(EIGHT_LINES)
    (project / "test_where.py").write_text(WHERE.format(site=str(site)))
    # The other dependencies are those of this environment; the wheel's own code and entry points come first.
    monkeypatch.setenv("PYTHONPATH", str(site))
    options = ["-W", "error", "-p", "no:asyncio", "-p", "no:cacheprovider", "--strict-markers", "-v"]
    said = await run(sys.executable, "-m", "pytest", *options, "--devicehub-virtual", "2", cwd=project)
    assert "test_model.py::test_answers_and_keeps_its_speed[VIRT0002] PASSED" in said
    assert "2 passed" in said
