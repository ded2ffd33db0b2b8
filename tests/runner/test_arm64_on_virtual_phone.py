"""The agent and a program for arm64: started, watched and ended as any other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from devicehub.errors import SimError
from devicehub.runner.contract import Command, LaunchEnded, RunSpec
from devicehub.settings import PHONE_ROOT
from devicehub.sim.phone import PhoneSpec
from devicehub.telemetry.sample import SampleReader
from tests.runner.desk import Desk, desk_with, take
from tests.sim.programs import build, give, need_arm64

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

FOLDER = f"{PHONE_ROOT}/engines/e1"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("program"))


@pytest.fixture
async def desk(program: Path) -> AsyncIterator[Desk]:
    try:
        async with desk_with(PhoneSpec(mode="confined")) as found:
            need_arm64(found.phone)
            give(found.phone, program, f"{FOLDER}/arm64")
            yield found
    except SimError as error:
        pytest.skip(f"no confinement on this host: {error}")


def _spec(*words: str) -> RunSpec:
    command = Command(["./arm64", *words], cwd=FOLDER, env={"LD_LIBRARY_PATH": FOLDER})
    return RunSpec("r1", [command], files={"config.json": b"{}"})


async def test_what_it_prints_and_its_status_come_back_whole(desk: Desk) -> None:
    data, end = await desk.finish(await desk.runner.start(_spec("tell", "two words")))
    assert (end.launches[0].status, end.cause) == (7, None)
    assert data["stderr"] == b"this is an error\n"
    lines = data["stdout"].decode().splitlines()
    assert lines[:4] == ["word=./arm64", "word=tell", "word=two words", "machine=aarch64"]
    assert f"library_path={FOLDER}" in lines
    assert f"cwd={FOLDER}" in lines


async def test_it_is_sampled_and_a_stop_ends_it(desk: Desk) -> None:
    handle = await desk.runner.start(_spec("wait"))
    data: dict[str, bytes] = {}
    reader, sampled = SampleReader(), False
    async for item in desk.runner.follow(handle):
        if isinstance(item, LaunchEnded):
            continue
        take(data, item)
        if item.stream == "samples" and not sampled:
            sampled = any((sample.number("rss_kb") or 0) > 0 for sample in reader.feed(item.data))
            if sampled:
                await desk.runner.stop(handle)
    end = await desk.runner.result(handle)
    assert sampled
    assert data["stdout"].startswith(b"waiting as ")
    assert (end.launches[0].status, end.cause) == (143, "stopped")
    assert desk.phone.faults.processes("arm64 wait") == []


async def test_a_killed_one_tells_the_signal(desk: Desk) -> None:
    handle = await desk.runner.start(_spec("wait"))
    await desk.phone.faults.when_process("arm64 wait")
    assert desk.phone.faults.kill("arm64 wait") == 1
    _, end = await desk.finish(handle)
    assert end.launches[0].status == 137
