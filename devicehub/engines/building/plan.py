"""What is done to build an engine, as commands that a person could paste. Pure.

::

    wrap       write the scripts that call zig's compiler (toolchain zig)
    configure  cmake -S MNN -B BUILD -D...
    compile    cmake --build BUILD --target ...
    app        gradlew, for an app
"""

from __future__ import annotations

import hashlib
import json
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from devicehub.profiles.engine_file import EngineFile

WRAPPERS: Final = "zig"
"""The folder, in a build, of the scripts that call zig."""
_TOOLS: Final = {"cc": "cc", "cxx": "c++", "ar": "ar", "ranlib": "ranlib"}
_CMAKE_TOOLS: Final = {
    "CMAKE_C_COMPILER": "cc",
    "CMAKE_CXX_COMPILER": "cxx",
    "CMAKE_ASM_COMPILER": "cc",
    "CMAKE_AR": "ar",
    "CMAKE_RANLIB": "ranlib",
}


@dataclass(frozen=True)
class Places:
    """Where things lie on this host.

    Attributes:
        mnn: the sources.
        build: CMake's folder; of an app the one that its project looks into.
        python: the interpreter that has ziglang.
        zig_cc: the file `zig_cc.py`.
        ninja: where there is no make.
    """

    mnn: Path
    build: Path
    cmake: str
    python: str = ""
    zig_cc: Path = Path()
    ndk: Path | None = None
    qnn_sdk: Path | None = None
    android_sdk: Path | None = None
    ninja: Path | None = None


@dataclass(frozen=True)
class Script:
    """A small executable file that a build needs."""

    path: Path
    text: str


@dataclass(frozen=True)
class Step:
    """One command, after the files that it needs are written.

    Attributes:
        title: what a person reads while it goes on.
        env: variables over those inherited.
    """

    name: str
    title: str
    argv: tuple[str, ...]
    cwd: Path | None = None
    env: tuple[tuple[str, str], ...] = ()
    scripts: tuple[Script, ...] = ()

    def lines(self) -> list[str]:
        """The same for a shell."""
        written = []
        for script in self.scripts:
            folder, path = shlex.quote(str(script.path.parent)), shlex.quote(str(script.path))
            text = " ".join(shlex.quote(line) for line in script.text.splitlines())
            written.append(f"mkdir -p {folder} && printf '%s\\n' {text} > {path} && chmod +x {path}")
        words = [f"{name}={shlex.quote(value)}" for name, value in self.env]
        words += [shlex.quote(word) for word in self.argv]
        command = " ".join(words)
        return [*written, f"(cd {shlex.quote(str(self.cwd))} && {command})" if self.cwd else command]


def plan_steps(file: EngineFile, places: Places, *, jobs: int) -> list[Step]:
    """The commands that build an engine.

    Args:
        file: how.
        places: where things lie; those that `file` needs are there.
        jobs: how many compilers at once.
    """
    env = tuple((name, _filled(value, places)) for name, value in file.env.items())
    options = {name: _value(value, places) for name, value in file.options.items()}
    scripts: tuple[Script, ...] = ()
    if file.toolchain == "zig":
        scripts = tuple(_wrapper(name, tool, places) for name, tool in _TOOLS.items())
        options |= {name: str(places.build / WRAPPERS / tool) for name, tool in _CMAKE_TOOLS.items()}
    generator = []
    if places.ninja is not None:
        generator = ["-G", "Ninja"]
        options["CMAKE_MAKE_PROGRAM"] = str(places.ninja)
    defined = [f"-D{name}={value}" for name, value in options.items()]
    configure = [places.cmake, "-S", str(places.mnn), "-B", str(places.build), *generator, *defined]
    compile_ = [places.cmake, "--build", str(places.build), "--parallel", str(jobs), "--target"]
    steps = [
        Step("configure", "configuring", tuple(configure), env=env, scripts=scripts),
        Step("compile", "compiling", (*compile_, *file.targets), env=env),
    ]
    if file.app is not None:
        sdk = (("ANDROID_HOME", str(places.android_sdk)),) if places.android_sdk else ()
        gradle = ("./gradlew", "--no-daemon", "--console=plain", file.app.task)
        steps.append(Step("app", "building the app", gradle, places.mnn / file.app.folder, (*env, *sdk)))
    return steps


def fingerprint(profile: str, file: EngineFile, mnn: Path, others: Sequence[Path | None]) -> str:
    """What names a build's folder: the profile, and 8 digits that differ with the options and the places."""
    told = [file.toolchain, file.options, file.env, str(mnn), *map(str, others)]
    digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
    return f"{profile}-{digest[:8]}"


def _wrapper(name: str, tool: str, places: Places) -> Script:
    command = " ".join(shlex.quote(word) for word in (places.python, "-I", str(places.zig_cc), tool))
    return Script(places.build / WRAPPERS / name, f'#!/bin/sh\nexec {command} "$@"\n')


def _value(value: bool | int | str, places: Places) -> str:
    if isinstance(value, bool):
        return "ON" if value else "OFF"
    return _filled(value, places) if isinstance(value, str) else str(value)


def _filled(text: str, places: Places) -> str:
    known: Mapping[str, Path | None] = {
        "mnn": places.mnn,
        "build": places.build,
        "ndk": places.ndk,
        "qnn_sdk": places.qnn_sdk,
    }
    for name, path in known.items():
        text = text.replace(f"{{{name}}}", str(path))
    return text
