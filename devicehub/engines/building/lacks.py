"""What a host lacks to build an engine, each with the line that brings it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devicehub.findings import Finding, Severity
from devicehub.units import GIB, format_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from devicehub.engines.building.tools import Tool, Tools, Version
    from devicehub.profiles.engine_file import EngineFile

_LEAST_CMAKE: Final = (3, 15)
"""The first that takes several targets at once."""
_LEAST_NDK: Final = (25,)
_LEAST_JAVA: Final = (17,)
"""Gradle's Android plugin 8 wants it."""
_ROOM: Final[Mapping[str, int]] = {"host": 2 * GIB, "zig": 2 * GIB, "ndk": 3 * GIB}
"""A build folder takes about half of this; with the app, Gradle's own files come to as much again."""
_NDK_LINE: Final = (
    'sdkmanager "ndk;27.2.12479018", or unpack it from developer.android.com/ndk, and give --ndk DIR'
)
_INSTALL: Final[Mapping[str, Mapping[str, str]]] = {
    "cmake": {"Linux": "sudo apt install cmake", "Darwin": "brew install cmake", "": "pip install cmake"},
    "maker": {
        "Linux": "sudo apt install make",
        "Darwin": "xcode-select --install",
        "": "pip install ninja",
    },
    "compiler": {"Linux": "sudo apt install g++", "Darwin": "xcode-select --install", "": "install one"},
    "zig": {"": "pip install ziglang"},
    "ndk": {"": _NDK_LINE},
    "android_sdk": {"": "install Android Studio, or its command line tools, and set ANDROID_HOME"},
    "java": {
        "Linux": "sudo apt install openjdk-17-jdk",
        "Darwin": "brew install openjdk@17",
        "": "install 17",
    },
    "qnn_sdk": {"": "get it from Qualcomm (AI Engine Direct, QAIRT) and give --qnn-sdk DIR"},
}
_TITLES: Final[Mapping[str, str]] = {
    "cmake": "CMake",
    "maker": "make",
    "compiler": "a C++ compiler",
    "zig": "zig (package ziglang)",
    "ndk": "Android's NDK",
    "android_sdk": "Android's SDK",
    "java": "Java",
    "qnn_sdk": "Qualcomm's QNN SDK",
}
_LEAST: Final[Mapping[str, Version]] = {"cmake": _LEAST_CMAKE, "ndk": _LEAST_NDK, "java": _LEAST_JAVA}
_OPTIONS: Final[Mapping[str, str]] = {"ndk": "--ndk", "qnn_sdk": "--qnn-sdk"}


def needed(file: EngineFile) -> list[str]:
    """The tools that a build takes, by their names in `Tools`."""
    tools = ["cmake", "maker", {"host": "compiler", "zig": "zig", "ndk": "ndk"}[file.toolchain]]
    if "qnn" in file.sdks:
        tools.append("qnn_sdk")
    if "android" in file.sdks:
        tools += ["android_sdk", "java"]
    return tools


def lacks(file: EngineFile, tools: Tools, *, free_bytes: int | None = None) -> list[Finding]:
    """What is missing for a build, or too old, the line that installs it with each.

    Args:
        file: how to build.
        tools: what is there.
        free_bytes: on the disk that the build goes to; None where that is not known.
    """
    found = [finding for name in needed(file) for finding in _judge(name, tools)]
    room = _ROOM[file.toolchain] * (2 if file.app is not None else 1)
    if free_bytes is not None and free_bytes < room:
        why = f"has {format_bytes(free_bytes)} free, and a build takes up to {format_bytes(room)}"
        found.append(_finding(Severity.WARNING, "little_room", "the disk of the build", why, "make room"))
    return found


def incomplete_sdk(qnn_sdk: Path, absent: Sequence[str]) -> list[Finding]:
    """That an SDK of QNN lacks files, by their patterns, which belong into the engine."""
    if not absent:
        return []
    why = f"holds no {', no '.join(absent)}"
    fix = "give --qnn-sdk the folder of a whole SDK (qairt/2.x.y.z); its headers alone make no engine"
    return [_finding(Severity.ERROR, "qnn_sdk_incomplete", str(qnn_sdk), why, fix)]


def _judge(name: str, tools: Tools) -> Iterator[Finding]:
    tool: Tool | None = getattr(tools, name)
    title = _TITLES[name]
    lines = _INSTALL[name]
    install = lines.get(tools.system, lines[""])
    if tool is None:
        named = tools.named.get(name)
        why = "is not here"
        if named is not None:
            why = f"is not in {named}, which {_OPTIONS[name]} names"
        yield _finding(Severity.ERROR, f"no_{name}", title, why, install)
        return
    least = _LEAST.get(name, ())
    if tool.version and tool.version < least:
        have, want = _shown(tool.version), _shown(least)
        severity = Severity.WARNING if name == "ndk" else Severity.ERROR
        yield _finding(severity, f"old_{name}", title, f"is {have}, and it takes {want} or newer", install)


def _shown(version: Version) -> str:
    return ".".join(map(str, version))


def _finding(severity: Severity, slug: str, place: str, why: str, fix: str) -> Finding:
    return Finding(severity=severity, slug=slug, place=place, why=why, fix=fix)
