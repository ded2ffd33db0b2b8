"""Looks at what the NPU's flow needs on this host: Qualcomm's SDK, a checkout of MNN and its build.

Where things lie is what MNN's `npu_convert.py` and `generate_llm_qnn.py` expect, and what the SDK's own
`envsetup.sh` sets up.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devicehub.engines.places import version_of
from devicehub.errors import InputError
from devicehub.export.npu.places import BUILT, CONVERTER, EXPORTER, GENERATOR, HOST
from devicehub.manifest import require_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

_SDK_TOOLS: Final = ("qnn-model-lib-generator", "qnn-context-binary-generator")
_SDK_LIBRARIES: Final = ("libQnnHtp.so", "libQnnHtpNetRunExtensions.so")
_PROGRAMS: Final = ("python3", "tar", "clang++")
"""By name: MNN's script and the SDK's tools start them so."""
_PLAIN: Final = re.compile(r"[\w@%+=:,./-]+", re.ASCII)
_VERSIONS: Final = (
    # #define QNN_SDK_BUILD_ID "v2.37.0.250724175447_124859"
    ("include/QNN/QnnSdkBuildId.h", re.compile(r'QNN_SDK_BUILD_ID\s+"v?([^"]{1,60})"')),
    # version: 2.37.0.250724
    ("sdk.yaml", re.compile(r"^\s*version:\s*[\"']?v?([\w.]{1,60})", re.MULTILINE)),
)
_OPTIONS: Final = ("MNN_QNN", "MNN_QNN_CONVERT_MODE")
_CACHED: Final = re.compile(r"^(\w+):\w+=(\S*)$", re.MULTILINE)
_ON: Final = ("ON", "1", "TRUE", "YES", "Y")
_MOST_BYTES: Final = 1 << 20


@dataclass(frozen=True)
class Sdk:
    """Qualcomm's QNN SDK (AI Engine Direct, QAIRT).

    Attributes:
        version: as it says itself; None where it does not.
        libraries: what an engine needs beside it on a phone with the target's HTP, all of this one SDK.
    """

    root: Path
    version: str | None
    libraries: tuple[Path, ...]


@dataclass(frozen=True)
class Checkout:
    """MNN's sources with a build for this host.

    Attributes:
        version: of MNN, as its header says; None where it does not.
        build: the folder of the build; `..` of it is the root, as MNN's script wants it.
    """

    root: Path
    version: str | None
    build: Path


def find_sdk(root: Path, generation: str) -> Sdk:
    """The SDK in a folder, able to make and to run graphs for a generation of the HTP, as in `75`.

    Raises:
        InputError: something of it is missing.
    """
    root = _folder(root, "give the SDK's folder, as qairt/2.38.0.250901, with --qnn-sdk")
    tools = [root / "bin" / HOST / name for name in _SDK_TOOLS]
    needed = [*tools, *(root / "lib" / HOST / name for name in _SDK_LIBRARIES)]
    _require(root, needed, "give the folder of the QNN SDK for Linux, which holds bin/ and lib/")
    for tool in tools[1:]:
        if not os.access(tool, os.X_OK):
            raise InputError(tool, "may not be executed", remedy=f"chmod +x {tool}")
    phone = root / "lib" / "aarch64-android"
    libraries = (
        phone / "libQnnHtp.so",
        phone / f"libQnnHtpV{generation}Stub.so",
        phone / "libQnnSystem.so",
        root / "lib" / f"hexagon-v{generation}" / "unsigned" / f"libQnnHtpV{generation}Skel.so",
    )
    _require(root, libraries, f"take a release of the SDK that supports HTP v{generation}")
    return Sdk(root, _sdk_version(root), libraries)


def find_checkout(root: Path, build: Path | None = None) -> Checkout:
    """The checkout in a folder and its build, by default its folder `build`.

    Raises:
        InputError: something of it is missing; says how to build it.
    """
    root = _folder(root, "give the folder of a checkout of MNN with --mnn")
    scripts = [root / name for name in (EXPORTER, GENERATOR, CONVERTER)]
    _require(root, scripts, "give a checkout of MNN, with its transformers/ and source/, with --mnn")
    build = (build or root / "build").absolute()
    how = (
        f"build it for this host: cd {root} && bash prepare_qnn_deps.sh && mkdir -p build && cd build "
        "&& cmake .. -DMNN_QNN=ON -DMNN_QNN_CONVERT_MODE=ON -DMNN_BUILD_CONVERTER=ON -DMNN_BUILD_TOOLS=ON "
        "-DMNN_BUILD_LLM=ON && make -j4"
    )
    _require(build, [build / name for name in BUILT], how)
    for name in BUILT:
        if not os.access(build / name, os.X_OK):
            raise InputError(build / name, "may not be executed", remedy=how)
    for option in _off(build):
        raise InputError(build, f"was built without {option}", remedy=how)
    # MNN's script finds npu_convert.py from the build's folder.
    _require(build, [build.resolve().parent / CONVERTER], "let the build lie directly in the checkout")
    return Checkout(root, version_of(root), build)


def check_host(find: Callable[[str], str | None] = shutil.which) -> None:
    """See that this host can run the SDK's tools.

    Raises:
        InputError: it is no Linux on x86_64, or lacks a program that they start.
    """
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise InputError(
            "this host", "the QNN SDK's tools run on Linux x86_64 alone", remedy="export on such a host"
        )
    missing = [name for name in _PROGRAMS if find(name) is None]
    if missing:
        problem = f"has no {', '.join(missing)}, which the QNN SDK's tools start by name"
        raise InputError("this host", problem, remedy="install it, and see that it is in PATH")


def check_plain(paths: Iterable[Path]) -> None:
    """Refuse paths that MNN's scripts would tear apart: they hand them to a shell without quotes.

    Raises:
        InputError: names the first.
    """
    for path in paths:
        if not _PLAIN.fullmatch(str(path)):
            problem = "MNN's scripts hand it to a shell without quotes, which takes it apart"
            raise InputError(path, problem, remedy="take a path of letters, digits and any of _ - . / + @ %")


def _folder(root: Path, remedy: str) -> Path:
    require_folder(root, remedy=remedy)
    return root.absolute()


def _require(place: Path, files: Iterable[Path], remedy: str) -> None:
    missing = [str(file.relative_to(place) if file.is_relative_to(place) else file) for file in files
               if not file.is_file()]  # fmt: skip
    if missing:
        raise InputError(place, f"lacks {', '.join(missing)}", remedy=remedy)


def _off(build: Path) -> list[str]:
    """The options that the graphs need and this build was made without, as far as CMake's cache tells."""
    # MNN_QNN_CONVERT_MODE:BOOL=ON
    values = dict(_CACHED.findall(_text(build / "CMakeCache.txt")))
    return [name for name in _OPTIONS if name in values and values[name].upper() not in _ON]


def _sdk_version(root: Path) -> str | None:
    for name, pattern in _VERSIONS:
        if found := pattern.search(_text(root / name)):
            return found.group(1)
    return None


def _text(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return stream.read(_MOST_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""
