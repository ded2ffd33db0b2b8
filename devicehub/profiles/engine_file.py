"""What the files under profiles/engines/ may hold: how to build an engine from MNN's sources."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

Toolchain = Literal["host", "zig", "ndk"]
"""The compiler of this computer, zig's for static arm64 programs, or Android's NDK."""
Sdk = Literal["qnn", "android"]
"""Qualcomm's QNN SDK, or Android's own with Java, for an app."""

Sentence = Annotated[str, msgspec.Meta(min_length=1)]
Target = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z][A-Za-z0-9_.-]*$")]
OptionName = Annotated[str, msgspec.Meta(pattern=r"^[A-Z][A-Za-z0-9_]*$")]
Pattern = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_.*?/\[\]-]+$")]

PLACES: Final = ("mnn", "build", "ndk", "qnn_sdk")
"""What `{...}` in a value may name: where the sources, the build, the NDK and the QNN SDK lie."""
_PLACE: Final = re.compile(r"\{([^{}]*)\}")


class AppBuild(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An Android app that is built upon the libraries.

    Attributes:
        folder: of its project, within MNN's sources.
        task: Gradle's.
        apk: what it makes, within its folder.
        libraries: the build folder, within MNN's sources, in which the project looks for MNN.
    """

    folder: Pattern
    task: Target
    apk: Pattern
    libraries: Pattern


class EngineFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How to build an engine: `engines/android-static.toml`.

    Attributes:
        toolchain: what compiles it, and so where it runs.
        sdks: what it needs beside its toolchain.
        targets: CMake's.
        files: what of the build the bundle holds, as patterns below the build folder.
        sdk_files: what of the QNN SDK it holds beside, as patterns below that; each must find some.
        source_files: what it holds of MNN's sources, where another build has left it there.
        options: CMake's; true and false are ON and OFF, a text may name places.
        env: variables of all commands.
        app: the app that is built upon it; then the bundle is its APK.
        why: option or variable: why it is so.
    """

    summary: Sentence
    toolchain: Toolchain
    sdks: tuple[Sdk, ...] = ()
    targets: Annotated[tuple[Target, ...], msgspec.Meta(min_length=1)]
    files: tuple[Pattern, ...] = ()
    sdk_files: tuple[Pattern, ...] = ()
    source_files: tuple[Pattern, ...] = ()
    options: dict[OptionName, bool | int | str] = {}
    env: dict[OptionName, str] = {}
    app: AppBuild | None = None
    why: dict[OptionName, Sentence] = {}

    def problems(self, file_id: str) -> Iterator[tuple[str, str]]:
        """What the types cannot say: (key, problem)."""
        del file_id
        for table, values in (("options", self.options), ("env", self.env)):
            for name, value in values.items():
                yield from ((f"{table}.{name}", problem) for problem in self._places(value))
        for name in self.why:
            if name not in self.options and name not in self.env:
                yield f"why.{name}", "neither [options] nor [env] has it"
        if self.sdk_files and "qnn" not in self.sdks:
            yield "sdk_files", 'needs "qnn" in sdks'
        if self.app is None and not self.files:
            yield "files", "is missing: the bundle would be empty"
        if self.app is not None and (self.toolchain != "ndk" or "android" not in self.sdks):
            yield "app", 'needs toolchain = "ndk" and "android" in sdks'
        for key in ("files", "sdk_files", "source_files"):
            outside = (name for name in getattr(self, key) if ".." in name or name.startswith("/"))
            yield from ((key, f"{name} leads out of the folder") for name in outside)

    def _places(self, value: bool | int | str) -> Iterator[str]:
        for name in _PLACE.findall(value) if isinstance(value, str) else ():
            if name not in PLACES:
                yield f"{{{name}}} is no place; there are {', '.join(PLACES)}"
            elif name == "ndk" and self.toolchain != "ndk":
                yield '{ndk} needs toolchain = "ndk"'
            elif name == "qnn_sdk" and "qnn" not in self.sdks:
                yield '{qnn_sdk} needs "qnn" in sdks'
