from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from devicehub.assets import find_asset
from devicehub.engines.building.plan import Places, Step, fingerprint, plan_steps
from devicehub.profiles.engine_file import AppBuild, EngineFile
from devicehub.profiles.load import engine_file
from devicehub.settings import Home

HOME = Home(Path("/nowhere"))
PLACES = Places(
    mnn=Path("/src/MNN"),
    build=Path("/b"),
    cmake="cmake",
    python="/py",
    zig_cc=Path("/zig_cc.py"),
    ndk=Path("/ndk"),
    qnn_sdk=Path("/qnn"),
    android_sdk=Path("/sdk"),
)


def steps(profile: str) -> list[Step]:
    return plan_steps(engine_file(profile, HOME), PLACES, jobs=3)


def defined(step: Step) -> dict[str, str]:
    words = [word.removeprefix("-D").partition("=")[::2] for word in step.argv if word.startswith("-D")]
    return dict(words)


FLAGS: list[tuple[str, dict[str, str]]] = [
    ("desktop", {"MNN_BUILD_LLM": "ON", "MNN_BUILD_LLM_OMNI": "ON", "MNN_SEP_BUILD": "OFF"}),
    (
        "android-static",
        {
            "CMAKE_SYSTEM_NAME": "Linux",
            "CMAKE_SYSTEM_PROCESSOR": "aarch64",
            "CMAKE_C_COMPILER": "/b/zig/cc",
            "CMAKE_CXX_COMPILER": "/b/zig/cxx",
            "CMAKE_AR": "/b/zig/ar",
            "MNN_BUILD_LLM": "ON",
            "MNN_BUILD_SHARED_LIBS": "OFF",
            "MNN_SEP_BUILD": "OFF",
            "MNN_OPENMP": "OFF",
            "MNN_USE_THREAD_POOL": "ON",
            "MNN_KLEIDIAI": "OFF",
        },
    ),
    (
        "android-cpu",
        {
            "CMAKE_TOOLCHAIN_FILE": "/ndk/build/cmake/android.toolchain.cmake",
            "ANDROID_ABI": "arm64-v8a",
            "ANDROID_STL": "c++_static",
            "CMAKE_SHARED_LINKER_FLAGS": "-Wl,-z,max-page-size=16384",
            "CMAKE_EXE_LINKER_FLAGS": "-Wl,-z,max-page-size=16384",
            "MNN_BUILD_LLM": "ON",
            "MNN_SEP_BUILD": "OFF",
            "MNN_USE_LOGCAT": "OFF",
        },
    ),
    ("android-opencl", {"MNN_OPENCL": "ON", "MNN_BUILD_LLM": "ON", "MNN_BUILD_LLM_OMNI": "ON"}),
    (
        "android-qnn",
        {
            "MNN_QNN": "ON",
            "MNN_WITH_PLUGIN": "ON",
            "QNN_SDK_ROOT": "/qnn",
            "MNN_OPENCL": "ON",
            "MNN_BUILD_LLM": "ON",
        },
    ),
    ("android-hexagon", {"MNN_HEXAGON": "ON", "MNN_BUILD_LLM": "ON", "MNN_USE_LOGCAT": "OFF"}),
    (
        "chat-app",
        {"CMAKE_INSTALL_PREFIX": "/b", "MNN_USE_LOGCAT": "ON", "MNN_BUILD_DIFFUSION": "ON"},
    ),
]


@pytest.mark.parametrize(("profile", "flags"), FLAGS)
def test_flags_of_each_profile(profile: str, flags: dict[str, str]) -> None:
    configure, compile_, *_ = steps(profile)
    assert configure.argv[:5] == ("cmake", "-S", "/src/MNN", "-B", "/b")
    assert defined(configure).items() >= flags.items()
    # What MNN does not read any more, or never did.
    gone = {"MNN_CPU_WEIGHT_DEQUANT_GEMM", "LLM_SUPPORT_VISION", "LLM_SUPPORT_AUDIO", "MNN_ARM82"}
    assert not gone & defined(configure).keys()
    assert compile_.argv[:6] == ("cmake", "--build", "/b", "--parallel", "3", "--target")


def test_the_variable_of_the_qnn_sdk_reaches_older_sources_too() -> None:
    assert all(dict(step.env) == {"QNN_SDK_ROOT": "/qnn"} for step in steps("android-qnn"))


def test_every_shipped_profile_is_pinned_above() -> None:
    shipped = {path.stem for path in (find_asset("profiles") / "engines").glob("*.toml")}
    assert {profile for profile, _ in FLAGS} == shipped


def test_ninja_is_called_where_there_is_no_make() -> None:
    with_ninja = plan_steps(engine_file("desktop", HOME), replace(PLACES, ninja=Path("/n/ninja")), jobs=3)
    assert with_ninja[0].argv[5:7] == ("-G", "Ninja")
    assert defined(with_ninja[0])["CMAKE_MAKE_PROGRAM"] == "/n/ninja"
    assert "-G" not in steps("desktop")[0].argv


def test_an_app_is_built_upon_what_was_installed() -> None:
    *_, install, app = steps("chat-app")
    assert install.argv[-1] == "install"
    assert (app.argv[0], app.argv[-1]) == ("./gradlew", "assembleStandardDebug")
    assert app.cwd == Path("/src/MNN/apps/Android/MnnLlmChat")
    assert dict(app.env)["ANDROID_HOME"] == "/sdk"
    assert "--no-daemon" in app.argv


def test_lines_can_be_pasted_whatever_the_paths_hold(tmp_path: Path) -> None:
    build = tmp_path / "it's a $(build) folder"
    places = Places(
        mnn=tmp_path / "M N N", build=build, cmake="echo", python="/bin/echo", zig_cc=tmp_path / "z'.py"
    )
    file = EngineFile(
        summary="x",
        toolchain="zig",
        targets=("llm_demo",),
        files=("llm_demo",),
        options={"A": "b c; d", "N": 4, "WHERE": "{build}/x"},
        env={"V": "a b"},
    )
    lines = [line for step in plan_steps(file, places, jobs=1) for line in step.lines()]
    said = subprocess.check_output(["sh", "-ec", "\n".join(lines)], text=True).splitlines()
    assert said[0].startswith(f"-S {tmp_path}/M N N -B {build} -DA=b c; d -DN=4 -DWHERE={build}/x")
    assert said[1] == f"--build {build} --parallel 1 --target llm_demo"
    wrapped = subprocess.check_output([build / "zig/cxx", "-c", "a b.cpp"], text=True)
    assert wrapped == f"-I {tmp_path}/z'.py c++ -c a b.cpp\n"


def test_a_folder_is_named_by_what_the_build_depends_on() -> None:
    file = engine_file("desktop", HOME)
    name = fingerprint("desktop", file, Path("/a"), [None])
    assert name.startswith("desktop-")
    other = EngineFile(
        summary="other words", toolchain="host", targets=file.targets, files=file.files, options=file.options
    )
    assert fingerprint("desktop", other, Path("/a"), [None]) == name
    assert fingerprint("desktop", file, Path("/b"), [None]) != name
    assert fingerprint("desktop", file, Path("/a"), [Path("/ndk")]) != name


def test_a_folder_of_an_app_may_not_be_named_without_its_tools() -> None:
    app = AppBuild(folder="a", task="b", apk="c", libraries="d")
    file = EngineFile(summary="x", toolchain="host", targets=("install",), app=app)
    assert [key for key, _ in file.problems("x")] == ["app"]
