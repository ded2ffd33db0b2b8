"""Builds a small tree of MNN's kind with the real cmake, for this host and with zig."""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from devicehub import procs
from devicehub.clock import SystemClock
from devicehub.engines.building.making import At, build, collect
from devicehub.engines.building.plan import Step
from devicehub.engines.building.prepare import BuildPlan, Wish, prepare_build
from devicehub.engines.catalog import EngineCatalog
from devicehub.errors import HubError, InputError, ProgramError
from devicehub.profiles.load import engine_file
from devicehub.settings import Home
from tests.engines.building.tree import make_tree, needs_cmake, needs_ninja
from tests.engines.zig import needs_zig
from tests.processes import runs

if TYPE_CHECKING:
    from collections.abc import Callable

LONG_S = 120.0


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


async def prepared(tmp_path: Path, home: Home, profile: str) -> BuildPlan:
    tree = tmp_path / "MNN"
    if not tree.exists():
        make_tree(tree)
    wish = Wish(mnn=tree, profile=profile, ndk=None, qnn_sdk=None, jobs=2, environ=dict(os.environ))
    return await prepare_build(wish, home)


async def carried(plan: BuildPlan, told: Callable[[At], None] = lambda _at: None) -> Path:
    log = plan.folder.parent / "log"
    await build(plan.steps, plan.folder, log, environ=dict(os.environ), on_progress=told)
    return log


@needs_cmake
async def test_an_engine_for_this_host(tmp_path: Path, home: Home) -> None:
    plan = await prepared(tmp_path, home, "desktop")
    assert (plan.findings, plan.source) == ([], "MNN 9.8.7")
    told: list[At] = []
    log = await carried(plan, told.append)
    assert told[0].title == "configuring"
    assert (told[-1].number, told[-1].step_share) == (told[-1].of, 1.0)
    places = [(at.number, at.step_share or 0) for at in told]
    assert all(first <= second for first, second in itertools.pairwise(places))
    assert "Built target llm_demo" in log.read_text()
    bundle = tmp_path / "bundle"
    collect(plan.file, plan.folder, tmp_path, None, bundle)
    engine = EngineCatalog(home).add(bundle, "desktop", origin=plan.source)
    assert (engine.name, engine.origin, engine.abi.startswith("linux-")) == ("desktop", "MNN 9.8.7", True)
    # The library is found beside the program, wherever the bundle lies.
    shutil.rmtree(plan.folder)
    said = await procs.run([engine.root / "llm_demo", "config.json"], timeout_s=LONG_S)
    assert said.stdout == b"config path is config.json, 42\n"


@needs_cmake
@needs_zig
@pytest.mark.slow
async def test_an_engine_for_phones_without_the_ndk(tmp_path: Path, home: Home) -> None:
    plan = await prepared(tmp_path, home, "android-static")
    await carried(plan)
    bundle = tmp_path / "bundle"
    collect(plan.file, plan.folder, tmp_path, None, bundle)
    engine = EngineCatalog(home).add(bundle, "static")
    assert (engine.abi, engine.features.libc) == ("arm64-v8a", "static")
    assert sorted(engine.executables) == ["llm_bench", "llm_demo"]


@needs_cmake
async def test_what_was_compiled_is_not_compiled_again(tmp_path: Path, home: Home) -> None:
    plan = await prepared(tmp_path, home, "desktop")
    first = (await carried(plan)).read_text()
    second = (await carried(plan)).read_text()
    assert "Building CXX" in first
    assert "Building CXX" not in second


@needs_cmake
@needs_ninja
async def test_ninja_builds_where_there_is_no_make(tmp_path: Path, home: Home) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("cc", "c++", "as", "ld", "ar", "ranlib", "sh", "uname"):
        found = shutil.which(name)
        assert found is not None
        (programs / name).symlink_to(found)
    make_tree(tmp_path / "MNN")
    environ = {**os.environ, "PATH": str(programs)}
    wish = Wish(mnn=tmp_path / "MNN", profile="desktop", ndk=None, qnn_sdk=None, jobs=2, environ=environ)
    plan = await prepare_build(wish, home)
    assert plan.findings == []
    await build(plan.steps, plan.folder, tmp_path / "log", environ=environ, on_progress=lambda _at: None)
    assert (plan.folder / "build.ninja").exists()
    assert (plan.folder / "llm_demo").exists()


async def test_libraries_of_the_npu_come_from_its_sdk_and_the_sources(tmp_path: Path, home: Home) -> None:
    make_tree(tmp_path / "MNN")
    (tmp_path / "sdk/include/QNN").mkdir(parents=True)
    wish = Wish(
        mnn=tmp_path / "MNN",
        profile="android-qnn",
        ndk=None,
        qnn_sdk=tmp_path / "sdk",
        jobs=1,
        environ={"PATH": ""},
    )
    plan = await prepare_build(wish, home)
    assert "qnn_sdk_incomplete" in [finding.slug for finding in plan.findings]
    for name in ("libQnnHtp.so", "libQnnSystem.so", "libQnnHtpV75Stub.so"):
        (tmp_path / "sdk/lib/aarch64-android").mkdir(parents=True, exist_ok=True)
        (tmp_path / "sdk/lib/aarch64-android" / name).touch()
    (tmp_path / "sdk/lib/hexagon-v75/unsigned").mkdir(parents=True)
    (tmp_path / "sdk/lib/hexagon-v75/unsigned/libQnnHtpV75Skel.so").touch()
    plan = await prepare_build(wish, home)
    assert "qnn_sdk_incomplete" not in [finding.slug for finding in plan.findings]
    plan.folder.mkdir(parents=True)
    for name in plan.file.files:
        (plan.folder / name).touch()
    collect(plan.file, plan.folder, wish.mnn, plan.qnn_sdk, tmp_path / "qnn")
    assert {path.name for path in (tmp_path / "qnn").iterdir()} == {
        *plan.file.files,
        "libQnnHtp.so",
        "libQnnSystem.so",
        "libQnnHtpV75Stub.so",
        "libQnnHtpV75Skel.so",
    }


def test_what_another_build_left_in_the_sources_is_collected(tmp_path: Path, home: Home) -> None:
    file = engine_file("android-hexagon", home)
    outputs = tmp_path / "MNN/source/backend/hexagon/htp-ops-lib/outputs"
    outputs.mkdir(parents=True)
    (outputs / "libMNN_htpops.so").touch()
    (outputs / "libMNN_htpops_skelV75.so").touch()
    (tmp_path / "b").mkdir()
    for name in file.files:
        (tmp_path / "b" / name).touch()
    collect(file, tmp_path / "b", tmp_path / "MNN", None, tmp_path / "bundle")
    found = {path.name for path in (tmp_path / "bundle").iterdir()}
    assert found == {*file.files, "libMNN_htpops.so", "libMNN_htpops_skelV75.so"}


@needs_cmake
async def test_the_compilers_words_are_in_the_error(tmp_path: Path, home: Home) -> None:
    plan = await prepared(tmp_path, home, "desktop")
    (tmp_path / "MNN/half.cpp").write_text("int answer() { return forty_two; }\n")
    with pytest.raises(ProgramError) as caught:
        await carried(plan)
    said = str(caught.value)
    assert "compiling ended with status" in said
    assert "half.cpp:1:" in said
    assert "forty_two" in said
    assert str(plan.folder.parent / "log") in said


async def test_a_full_disk_is_told_in_the_compilers_words(tmp_path: Path) -> None:
    step = Step("x", "compiling", ("sh", "-c", "echo 'a.o: No space left on device' >&2; exit 2"))
    full = Path("/dev/full")
    with pytest.raises(ProgramError, match=r"ended with status 2: a\.o: No space left on device"):
        await build([step], tmp_path / "b", full, environ=dict(os.environ), on_progress=lambda _at: None)


async def test_a_program_that_is_not_there_is_told(tmp_path: Path) -> None:
    step = Step("x", "configuring", ("no-such-cmake", "-S", "."))
    with pytest.raises(ProgramError, match="no-such-cmake: No such file"):
        await build([step], tmp_path / "b", tmp_path / "log", environ={}, on_progress=lambda _at: None)


async def test_a_second_build_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    started = tmp_path / "started"
    step = Step("x", "compiling", ("sh", "-c", f"touch {started}; sleep 60"))

    async def make() -> None:
        environ = dict(os.environ)
        await build([step], tmp_path / "b", tmp_path / "log", environ=environ, on_progress=lambda _at: None)

    task = asyncio.ensure_future(make())
    async with asyncio.timeout(LONG_S):
        while not started.exists():
            await SystemClock().sleep(0.02)
    said = (tmp_path / "log").read_text()
    assert said
    with pytest.raises(InputError, match="another build is under way"):
        await make()
    assert (tmp_path / "log").read_text() == said
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()


KILLED = """
import asyncio, os, sys
from pathlib import Path
from devicehub.engines.building.making import build
from devicehub.engines.building.plan import Step
place = Path(sys.argv[1])
step = Step("x", "compiling", ("sh", "-c", "sleep 60 & sleep 60"))
asyncio.run(build([step], place / "b", place / "log", environ=dict(os.environ), on_progress=lambda _at: None))
"""


@pytest.mark.parametrize("how", ["kill", "terminate"])
async def test_nothing_goes_on_when_the_hub_is_killed(tmp_path: Path, how: str) -> None:
    argv = [sys.executable, "-c", KILLED, str(tmp_path)]
    async with procs.child(argv, env=dict(os.environ), cwd=Path(__file__).parents[3]) as process:
        tree: list[psutil.Process] = []
        async with asyncio.timeout(LONG_S):
            while len(tree) < 4:  # the guard, its watcher, the shell, its sleeps
                await SystemClock().sleep(0.05)
                tree = psutil.Process(process.pid).children(recursive=True)
            getattr(process, how)()
            await process.wait()
            while any(map(runs, tree)):
                await SystemClock().sleep(0.05)


def test_a_build_without_its_program_gives_no_bundle(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    with pytest.raises(InputError, match="holds no llm_demo after the build"):
        collect(engine_file("desktop", Home(tmp_path)), tmp_path / "b", tmp_path, None, tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


@pytest.mark.parametrize("folder", ["missing", "empty"])
async def test_sources_that_are_none_are_refused(tmp_path: Path, home: Home, folder: str) -> None:
    (tmp_path / "empty").mkdir()
    wish = Wish(mnn=tmp_path / folder, profile="desktop", ndk=None, qnn_sdk=None, jobs=1, environ={})
    with pytest.raises(HubError, match=folder):
        await prepare_build(wish, home)
