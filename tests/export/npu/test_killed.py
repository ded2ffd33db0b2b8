"""Killed within and between steps: nothing is left running, nothing appears, what was done stays done."""

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
from tests.export.npu.kit import Desk, make_desk
from tests.processes import runs, words_of

ROOT: Final = Path(__file__).parents[3]
LONG_S: Final = 60.0
WITHIN: Final = {"export": "export", "io": "graphs-1", "compile": "graphs-3", "move": "graphs-4"}
"""Where the stand-in hangs: the stage that is told there."""


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return make_desk(tmp_path)


def argv(desk: Desk, *words: str) -> list[str | Path]:
    return [sys.executable, "-m", "tests.export.npu.one_npu", desk.log.parent, *words]


async def stop_at(desk: Desk, stage: str, who: str, how: signal.Signals, **environment: str) -> str:
    """Send a signal when a stage is told, and the hanging program is there; the last words."""
    words = ("accept",) if stage == "judging" else ()
    async with procs.child(argv(desk, *words), env=desk.environment(**environment), cwd=ROOT) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        tree: list[psutil.Process] = []
        async with asyncio.timeout(LONG_S):
            async for line in process.stdout:
                told, *_ = line.decode().split()
                if told == stage:
                    break
            tree = await hanging(process.pid) if environment else []
            os.kill(process.pid if who == "parent" else find(tree, who).pid, how)
            said = await process.stderr.read()
            await process.wait()
            while any(map(runs, tree)):
                await SystemClock().sleep(0.02)
    return said.decode()


def find(tree: list[psutil.Process], who: str) -> psutil.Process:
    """Of what was started: the script of MNN's that is at work, or the child of ours that waits for it."""
    at_work = {one: " ".join(words_of(one)) for one in tree}
    return next(
        one
        for one, words in at_work.items()
        if "transformers" in words and ("step_entry" in words) == (who == "child")
    )


async def hanging(pid: int) -> list[psutil.Process]:
    """All that it has started, as soon as the program that ignores SIGTERM is among them."""
    while True:
        tree = psutil.Process(pid).children(recursive=True)
        if any("sleep" in word for process in tree for word in words_of(process)[:1]):
            return tree
        await SystemClock().sleep(0.01)


async def succeed(desk: Desk) -> list[str]:
    """The steps that the next try did not do again."""
    done = await procs.run(argv(desk), timeout_s=LONG_S, env=desk.environment(), cwd=ROOT)
    assert (done.status, done.stderr) == (0, b"")
    assert [entry.name for entry in desk.out.parent.iterdir()] == ["tiny-npu"]
    return done.stdout.decode().splitlines()[-1].split()[1:]


@pytest.mark.parametrize(
    ("place", "who"), [*((place, "parent") for place in WITHIN), ("export", "child"), ("compile", "script")]
)
async def test_killed_within_a_step_that_step_is_done_again(desk: Desk, place: str, who: str) -> None:
    hang = {"STAND_IN_AT": place, "STAND_IN_DOES": "hang"}
    said = await stop_at(desk, WITHIN[place], who, signal.SIGKILL, **hang)
    if who != "parent":
        assert ("was killed" if who == "child" else "was ended by signal 9") in said
    assert not desk.out.exists()
    assert await succeed(desk) == ([] if place == "export" else ["export"])


@pytest.mark.parametrize(
    ("stage", "kept"),
    [("judging", ["export"]), ("bind", ["export", "graphs"]), ("publish", ["export", "graphs"])],
)
async def test_killed_between_steps_what_was_done_stays_done(desk: Desk, stage: str, kept: list[str]) -> None:
    await stop_at(desk, stage, "parent", signal.SIGKILL)
    reused = await succeed(desk) if not desk.out.exists() else kept
    assert reused[: len(kept)] == kept


async def test_interrupted_it_ends_all_that_it_started(desk: Desk) -> None:
    await stop_at(desk, "graphs-3", "parent", signal.SIGINT, STAND_IN_AT="compile", STAND_IN_DOES="hang")
    assert not desk.out.exists()
    assert await succeed(desk) == ["export"]
