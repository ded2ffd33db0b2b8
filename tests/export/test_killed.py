"""Killed at any stage: nothing half-made under the model's name, no process left, the next try succeeds."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Final

import psutil
import pytest

from devicehub import procs
from devicehub.clock import SystemClock
from tests.export.sources import PYTHON, needs_exporter
from tests.processes import runs

STAND_IN: Final = Path(__file__).with_name("stand_in")
WORDS: Final = {
    "load": "load pretrained model",
    "onnx": "export onnx model to",
    "convert": "convert onnx model to",
    "quantize": "quant model weight to",
    "tokenizer": "export tokenizer to",
    "config": "export config to",
    "accept": "",
}
LONG_S: Final = 60.0
ROOT: Final = Path(__file__).parents[2]


class Desk:
    """Exports of one source to one place, each in a process of its own."""

    def __init__(self, folder: Path, source: Path, python: str, *, stand_in: bool) -> None:
        self.models = folder / "models"
        self.out = self.models / "tiny"
        self.log = folder / "tiny.log"
        self._argv: list[str | Path] = [sys.executable, "-m", "tests.export.one_export"]
        self._argv += [python, source, self.out, self.log]
        self._stand_in = stand_in

    def environment(self, stage: str = "") -> dict[str, str]:
        if not self._stand_in:
            return dict(os.environ)
        path = os.pathsep.join([str(STAND_IN), os.environ.get("PYTHONPATH", "")])
        return os.environ | {"PYTHONPATH": path, "STAND_IN_AT": WORDS.get(stage, ""), "STAND_IN_DOES": "hang"}

    async def injure(self, stage: str, who: str, how: signal.Signals) -> tuple[int, str]:
        """Let an export come to a stage and send a signal there; its status and last words."""
        stops_by_itself = self._stand_in and stage != "accept"
        argv = [*self._argv, "-" if stops_by_itself else stage]
        async with procs.child(argv, env=self.environment(stage), cwd=ROOT) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            tree: list[psutil.Process] = []
            async with asyncio.timeout(LONG_S):
                async for line in process.stdout:
                    word, *children = line.decode().split()
                    if (word, bool(children)) == (
                        ("accepting", False) if stage == "accept" else (stage, True)
                    ):
                        break
                pid = int(children[0]) if who == "child" else process.pid
                tree = await self._tree(process.pid, forks=stops_by_itself)
                os.kill(pid, how)
                words = await process.stderr.read()
                status = await process.wait()
        await none_of(tree)
        return status, words.decode()

    async def _tree(self, pid: int, *, forks: bool) -> list[psutil.Process]:
        """All that the export has started; the stand-in's program and fork need a moment."""
        while True:
            tree = psutil.Process(pid).children(recursive=True)
            if not forks or len(tree) >= 4:  # the worker, its watcher, a shell with its sleep, a fork
                return tree
            await SystemClock().sleep(0.01)

    async def succeed(self) -> None:
        done = await procs.run([*self._argv, "-"], timeout_s=LONG_S, env=self.environment(), cwd=ROOT)
        assert (done.status, done.stderr) == (0, b"")
        assert [entry.name for entry in self.models.iterdir()] == ["tiny"]

    def seen(self) -> list[str]:
        """What lies there for whoever lists models: hidden folders are none."""
        return [entry.name for entry in self.models.iterdir() if not entry.name.startswith(".")]


async def none_of(tree: list[psutil.Process]) -> None:
    async with asyncio.timeout(LONG_S):
        while any(map(runs, tree)):
            await SystemClock().sleep(0.02)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    source = tmp_path / "source"
    source.mkdir()
    return Desk(tmp_path, source, sys.executable, stand_in=True)


@pytest.mark.parametrize("stage", WORDS)
async def test_the_killed_parent_takes_the_child_and_all_it_started_along(desk: Desk, stage: str) -> None:
    status, _ = await desk.injure(stage, "parent", signal.SIGKILL)
    assert status == -signal.SIGKILL
    assert desk.seen() == []
    await desk.succeed()


@pytest.mark.parametrize("stage", [stage for stage in WORDS if stage != "accept"])
async def test_the_killed_child_is_told_with_its_stage(desk: Desk, stage: str) -> None:
    status, words = await desk.injure(stage, "child", signal.SIGKILL)
    assert status == 1
    assert f"the export failed in stage {stage}: the exporter was ended by SIGKILL" in words
    assert list(desk.models.iterdir()) == []
    await desk.succeed()


@pytest.mark.parametrize("stage", WORDS)
async def test_interrupted_it_leaves_nothing(desk: Desk, stage: str) -> None:
    status, _ = await desk.injure(stage, "parent", signal.SIGINT)
    assert status in (1, -signal.SIGINT, 130)
    assert list(desk.models.iterdir()) == []
    await desk.succeed()


@needs_exporter
@pytest.mark.slow
@pytest.mark.parametrize("stage", ["load", "onnx", "convert", "quantize"])
@pytest.mark.parametrize("who", ["parent", "child"])
async def test_the_real_exporter_killed(tiny_source: Path, tmp_path: Path, stage: str, who: str) -> None:
    desk = Desk(tmp_path, tiny_source, PYTHON, stand_in=False)
    await desk.injure(stage, who, signal.SIGKILL)
    assert desk.seen() == []
    if stage == "quantize":
        await desk.succeed()
