"""Engines and the app, built by command from a small tree with MNN's targets and options."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from devicehub.adb.server import private_server
from devicehub.engines.building.tools import TOOLCHAIN_FILE
from devicehub.settings import Home
from tests.e2e.command import devicehub, stop_hub
from tests.engines.building.tree import make_tree, needs_cmake

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = [
    needs_cmake,
    pytest.mark.slow,
    pytest.mark.asyncio(loop_scope="module"),
]
GRADLEW = """#!/bin/sh
echo "$@" >"$ANDROID_HOME/asked"
mkdir -p app/build/outputs/apk/standard/debug
cp "$ANDROID_HOME/app.zip" app/build/outputs/apk/standard/debug/app-standard-debug.apk
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def env(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, str]]:
    folder = tmp_path_factory.mktemp("home")
    async with private_server(home=folder) as server:
        known = {
            "DEVICEHUB_HOME": str(folder / "home"),
            "ANDROID_ADB_SERVER_PORT": str(server.address.port),
            "ADB_SERVER_SOCKET": "",
        }
        yield known
        await stop_hub(known)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tree(tmp_path_factory.mktemp("sources with blanks") / "MNN")


def read(file: str) -> str:
    return Path(file).read_text()


def is_there(path: str) -> bool:
    return Path(path).exists()


async def test_engine_of_this_computer_is_built_and_registered(env: dict[str, str], tree: Path) -> None:
    built = await devicehub(
        "engines", "build", "--mnn", tree, "--profile", "desktop", "--name", "own", env=env
    )
    assert built.status == 0, built.stderr
    engine_id = built.stdout.strip()
    assert engine_id.startswith("own-")
    assert f"devicehub run MODEL --on local --engine {engine_id}" in built.stderr
    [row] = [
        row for row in (await devicehub("engines", "list", "--json", env=env)).json if row["id"] == engine_id
    ]
    assert "llm_demo" in row["programs"]
    log = next(line for line in built.stderr.splitlines() if line.startswith("log: ")).removeprefix("log: ")
    assert "Built target llm_demo" in read(log)


async def test_commands_are_printed_and_nothing_is_built(env: dict[str, str], tree: Path) -> None:
    words = ("engines", "build", "--mnn", tree, "--profile", "android-static", "--dry-run")
    told = await devicehub(*words, env=env)
    assert told.status == 0, told.stderr
    assert "-DMNN_BUILD_SHARED_LIBS=OFF" in told.stdout
    assert not is_there((await devicehub(*words, "--json", env=env)).json["folder"])


async def test_what_is_missing_is_told_before_anything_is_built(env: dict[str, str], tree: Path) -> None:
    without = {**env, "ANDROID_NDK": "", "ANDROID_NDK_HOME": "", "ANDROID_HOME": "", "HOME": "/nowhere"}
    for profile, words in (
        ("android-cpu", ["NDK", "--ndk DIR"]),
        ("android-qnn", ["QNN SDK", "--qnn-sdk DIR"]),
    ):
        refused = await devicehub("engines", "build", "--mnn", tree, "--profile", profile, env=without)
        assert refused.status == 4
        refused.assert_one_sentence(*words)
    none = await devicehub("engines", "build", "--mnn", tree, "--profile", "destkop", env=env)
    none.assert_one_sentence("did you mean desktop?")
    nowhere = await devicehub("engines", "build", "--mnn", tree / "no", "--profile", "desktop", env=env)
    nowhere.assert_one_sentence("MNN/no")


async def test_a_build_that_fails_says_in_which_line(env: dict[str, str], tmp_path: Path) -> None:
    broken = make_tree(tmp_path / "MNN")
    (broken / "llm_demo.cpp").write_text("#error this is not MNN\n")
    failed = await devicehub("engines", "build", "--mnn", broken, "--profile", "desktop", env=env)
    assert failed.status != 0
    failed.assert_one_sentence("llm_demo.cpp:1:", "this is not MNN", "see ", ".log")
    names = {row["name"] for row in (await devicehub("engines", "list", "--json", env=env)).json}
    assert "desktop" not in names


async def test_the_app_is_built_and_kept_for_the_install(env: dict[str, str], tmp_path: Path) -> None:
    tree = make_tree(tmp_path / "MNN")
    with (tree / "CMakeLists.txt").open("a") as cmake:
        cmake.write("install(TARGETS MNN DESTINATION lib)\n")
    app = tree / "apps/Android/MnnLlmChat"
    app.mkdir(parents=True)
    (app / "gradlew").write_text(GRADLEW)
    (app / "gradlew").chmod(0o755)
    sdk, ndk, java = tmp_path / "sdk", tmp_path / "ndk", tmp_path / "java"
    sdk.mkdir()
    with zipfile.ZipFile(sdk / "app.zip", "w") as apk:
        apk.writestr("AndroidManifest.xml", b"...")
    toolchain = ndk / TOOLCHAIN_FILE
    toolchain.parent.mkdir(parents=True)
    toolchain.touch()
    (java / "bin").mkdir(parents=True)
    (java / "bin/java").write_text("#!/bin/sh\necho 'openjdk version \"21.0.1\"' >&2\n")
    (java / "bin/java").chmod(0o755)
    at_hand = {**env, "ANDROID_NDK": str(ndk), "ANDROID_HOME": str(sdk), "JAVA_HOME": str(java)}
    # The linker of a host may not know the flag for Android's pages.
    at_hand["PATH"] = os.environ["PATH"]
    built = await devicehub("engines", "build", "--mnn", tree, "--profile", "chat-app", env=at_hand)
    assert built.status == 0, built.stderr
    kept = Home(Path(env["DEVICEHUB_HOME"])).app
    assert built.stdout.strip() == str(kept)
    assert zipfile.is_zipfile(kept)
    assert (sdk / "asked").read_text().split()[-1] == "assembleStandardDebug"
    assert list((tree / "project/android/build_64/lib").glob("libMNN*"))
