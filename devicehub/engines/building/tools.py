"""Looks for what builds need on this host: CMake, compilers, zig, Android's NDK and SDK, Java, QNN."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import platform
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from devicehub import procs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

TOOLCHAIN_FILE: Final = "build/cmake/android.toolchain.cmake"
"""In an NDK."""
_ANSWER_S: Final = 20.0
_VERSION: Final = re.compile(r"\d+(?:\.\d+)*")
# Pkg.Revision = 27.2.12479018
_REVISION: Final = re.compile(r"^Pkg\.Revision\s*=\s*([\d.]+)", re.MULTILINE)
_NDK_VARIABLES: Final = ("ANDROID_NDK", "ANDROID_NDK_HOME", "ANDROID_NDK_ROOT", "NDK_ROOT")
_SDK_VARIABLES: Final = ("ANDROID_HOME", "ANDROID_SDK_ROOT")
_SDK_PLACES: Final = ("Android/Sdk", "Library/Android/sdk", "Android/sdk")
"""Where Android Studio puts it, below the user's home, on Linux and macOS."""

Version = tuple[int, ...]


@dataclass(frozen=True)
class Tool:
    """Something that is there; `version` is empty where it does not tell."""

    path: Path
    version: Version = ()


@dataclass(frozen=True)
class Tools:
    """What was found; None is what was not.

    Attributes:
        system: as `platform.system()` has it.
        named: what the user named himself, by the option's name; it must be good then.
        maker: make or ninja.
        compiler: of C++, for this host.
        zig: the package ziglang of this interpreter.
    """

    system: str
    named: Mapping[str, Path]
    cmake: Tool | None = None
    maker: Tool | None = None
    compiler: Tool | None = None
    zig: Tool | None = None
    ndk: Tool | None = None
    android_sdk: Tool | None = None
    java: Tool | None = None
    qnn_sdk: Tool | None = None


async def find_tools(
    environ: Mapping[str, str], *, ndk: Path | None = None, qnn_sdk: Path | None = None
) -> Tools:
    """Look around on this host.

    Args:
        environ: variables that say where things lie, PATH among them.
        ndk: where the user says that it lies.
        qnn_sdk: the same.
    """
    # Last: what pip has put beside the interpreter, as in `pip install cmake`.
    path = os.pathsep.join([environ.get("PATH", ""), str(Path(sys.executable).parent)])
    android_sdk = _find_android_sdk(environ)
    home = environ.get("JAVA_HOME")
    java = [str(Path(home, "bin", "java"))] if home else []
    cmake, found_java = await asyncio.gather(
        _program(["cmake"], path, environ), _program([*java, "java"], path, environ)
    )
    return Tools(
        system=platform.system(),
        named={name: folder for name, folder in (("ndk", ndk), ("qnn_sdk", qnn_sdk)) if folder is not None},
        cmake=cmake,
        maker=_plain(["make", "ninja"], path),
        compiler=_plain([*filter(None, [environ.get("CXX")]), "c++", "g++", "clang++"], path),
        zig=_find_zig(),
        ndk=_find_ndk([ndk] if ndk is not None else _ndk_places(environ, android_sdk)),
        android_sdk=Tool(android_sdk) if android_sdk is not None else None,
        java=found_java,
        qnn_sdk=_find_qnn_sdk(qnn_sdk, environ),
    )


def parse_version(text: str) -> Version:
    """The first version in a text, `cmake version 3.25.1`; empty where there is none."""
    found = _VERSION.search(text)
    return tuple(int(part) for part in found[0].split(".")[:4]) if found and len(found[0]) < 60 else ()


def _plain(names: Iterable[str], path: str | None) -> Tool | None:
    for name in names:
        if found := shutil.which(name, path=path):
            return Tool(Path(found))
    return None


async def _program(names: Iterable[str], path: str | None, environ: Mapping[str, str]) -> Tool | None:
    tool = _plain(names, path)
    if tool is None:
        return None
    # Java has -version alone, and prints it on stderr; macOS has a java that only tells where to get one.
    option = "-version" if tool.path.name == "java" else "--version"
    try:
        said = await procs.run([tool.path, option], timeout_s=_ANSWER_S, env=environ)
    except (OSError, TimeoutError):
        return None
    if said.status != 0:
        return None
    return Tool(tool.path, parse_version((said.stdout + said.stderr).decode(errors="replace")))


def _find_zig() -> Tool | None:
    spec = importlib.util.find_spec("ziglang")
    if spec is None or spec.origin is None:
        return None
    from importlib.metadata import PackageNotFoundError, version

    with contextlib.suppress(PackageNotFoundError):
        return Tool(Path(spec.origin).parent, parse_version(version("ziglang")))
    return Tool(Path(spec.origin).parent)


def _find_android_sdk(environ: Mapping[str, str]) -> Path | None:
    given = [Path(environ[name]) for name in _SDK_VARIABLES if environ.get(name)]
    home = [Path(environ["HOME"], place) for place in _SDK_PLACES] if environ.get("HOME") else []
    return next((folder for folder in (*given, *home) if folder.is_dir()), None)


def _ndk_places(environ: Mapping[str, str], android_sdk: Path | None) -> list[Path]:
    given = [Path(environ[name]) for name in _NDK_VARIABLES if environ.get(name)]
    if given or android_sdk is None:
        return given
    # Side by side: $ANDROID_HOME/ndk/27.2.12479018
    beside = sorted((android_sdk / "ndk").glob("*"), key=lambda folder: parse_version(folder.name))
    return beside[::-1]


def _find_ndk(places: Iterable[Path]) -> Tool | None:
    for folder in places:
        if (folder / TOOLCHAIN_FILE).is_file():
            with contextlib.suppress(OSError, UnicodeDecodeError):
                told = _REVISION.search((folder / "source.properties").read_text("utf-8"))
                return Tool(folder.absolute(), parse_version(told[1]) if told else ())
            return Tool(folder.absolute())
    return None


def _find_qnn_sdk(named: Path | None, environ: Mapping[str, str]) -> Tool | None:
    folder = named or (Path(environ["QNN_SDK_ROOT"]) if environ.get("QNN_SDK_ROOT") else None)
    if folder is None or not (folder / "include" / "QNN").is_dir():
        return None
    # Its folder is called by its version: qairt/2.38.0.250901
    return Tool(folder.absolute(), parse_version(folder.absolute().name))
