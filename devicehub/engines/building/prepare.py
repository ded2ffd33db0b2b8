"""Looks at this host and turns a wish for an engine into a plan."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from devicehub import procs
from devicehub.engines.building import zig_cc
from devicehub.engines.building.lacks import incomplete_sdk, lacks
from devicehub.engines.building.plan import Places, Step, fingerprint, plan_steps
from devicehub.engines.building.tools import Tools, find_tools
from devicehub.engines.places import is_checkout, version_of
from devicehub.errors import InputError
from devicehub.manifest import require_folder
from devicehub.profiles.load import engine_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devicehub.findings import Finding
    from devicehub.profiles.engine_file import EngineFile
    from devicehub.settings import Home

_GIT_S: Final = 20.0
_COMMIT_DIGITS: Final = 9


@dataclass(frozen=True)
class Wish:
    """What is to be built.

    Attributes:
        jobs: compilers at once.
        environ: variables of the programs, and where tools are looked for.
    """

    mnn: Path
    profile: str
    ndk: Path | None
    qnn_sdk: Path | None
    jobs: int
    environ: Mapping[str, str]


@dataclass(frozen=True)
class BuildPlan:
    """What would be done.

    Attributes:
        findings: what is missing on this host; with an error among them it cannot be done.
        folder: of the build.
        label: names this build among others, also in the name of its log.
        source: MNN's version and commit, as far as the checkout tells.
        apk: what an app becomes.
    """

    profile: str
    file: EngineFile
    findings: list[Finding]
    steps: list[Step]
    folder: Path
    label: str
    source: str
    qnn_sdk: Path | None
    apk: Path | None


async def prepare_build(wish: Wish, home: Home) -> BuildPlan:
    """The plan of a build.

    Raises:
        InputError: there is no such profile, or `mnn` is no checkout of MNN.
        ConfigError: the profile's file is wrong.
    """
    file = engine_file(wish.profile, home)
    mnn = wish.mnn.absolute()
    require_folder(mnn, remedy="git clone https://github.com/alibaba/MNN and give its folder")
    if not is_checkout(mnn):
        remedy = "give the folder that holds CMakeLists.txt and include/MNN"
        raise InputError(mnn, "is no checkout of MNN", remedy=remedy)
    tools = await find_tools(wish.environ, ndk=wish.ndk, qnn_sdk=wish.qnn_sdk)
    ndk, qnn_sdk = _path(tools, "ndk"), _path(tools, "qnn_sdk")
    ninja = tools.maker.path if tools.maker and tools.maker.path.name == "ninja" else None
    label = fingerprint(wish.profile, file, mnn, [ndk, qnn_sdk, *([ninja] if ninja else [])])
    folder = home.builds / label if file.app is None else mnn / file.app.libraries
    places = Places(
        mnn=mnn,
        build=folder,
        cmake=str(tools.cmake.path) if tools.cmake else "cmake",
        python=sys.executable,
        zig_cc=Path(zig_cc.__file__),
        ndk=ndk or Path("NDK"),
        qnn_sdk=qnn_sdk or Path("QNN_SDK"),
        android_sdk=_path(tools, "android_sdk"),
        ninja=ninja,
    )
    found = lacks(file, tools, free_bytes=_free_bytes(folder))
    if qnn_sdk is not None:
        found += incomplete_sdk(qnn_sdk, [name for name in file.sdk_files if not any(qnn_sdk.glob(name))])
    return BuildPlan(
        profile=wish.profile,
        file=file,
        findings=found,
        steps=plan_steps(file, places, jobs=wish.jobs),
        folder=folder,
        label=label,
        source=await _source(mnn, wish.environ),
        qnn_sdk=qnn_sdk,
        apk=mnn / file.app.folder / file.app.apk if file.app is not None else None,
    )


def _path(tools: Tools, name: str) -> Path | None:
    tool = getattr(tools, name)
    return tool.path if tool is not None else None


def _free_bytes(folder: Path) -> int | None:
    for place in (folder, *folder.parents):
        if place.is_dir():
            return shutil.disk_usage(place).free
    return None


async def _source(mnn: Path, environ: Mapping[str, str]) -> str:
    """`MNN 3.6.1, commit 4d40bdbd7`, as far as the checkout tells."""
    version = version_of(mnn)
    told = [f"MNN {version}" if version else "MNN"]
    git = shutil.which("git", path=environ.get("PATH"))
    # Unpacked sources within somebody's repository have no commit of their own.
    if git is not None and (mnn / ".git").exists():
        try:
            said = await procs.run([git, "-C", mnn, "rev-parse", "HEAD"], timeout_s=_GIT_S, env=environ)
        except (OSError, TimeoutError):
            return told[0]
        if said.status == 0:
            told.append(f"commit {said.stdout.decode().strip()[:_COMMIT_DIGITS]}")
    return ", ".join(told)
