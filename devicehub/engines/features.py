"""What an engine can do, as its files tell: one struct for all who ask. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from devicehub.engines.elf import HEXAGON, ElfKind, Libc

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from devicehub.engines.elf import ElfFacts
    from devicehub.engines.marks import Marks

# "libQnnHtpV75Stub.so" for the CPU's side, "libQnnHtpV75Skel.so" for the DSP's.
HTP_LIBRARY: Final = re.compile(r"libQnnHtp(V\d{2,3})(Stub|Skel|CalculatorStub)?\.so")
HEXAGON_SKEL: Final = re.compile(r"libMNN_htpops_skel(V[0-9A-F]{2,3})?\.so")
HEXAGON_CPU_SIDE: Final = "libMNN_htpops.so"
QNN_LIBRARIES: Final = ("libQnnHtp.so", "libQnnSystem.so")
_MNN: Final = ("libMNN", "libllm", "libmnncore")
_PROGRAM: Final = "llm_demo"
_LIBRARY: Final = "libMNN.so"

T = TypeVar("T")


class EngineFeatures(msgspec.Struct, frozen=True, kw_only=True):
    """What an engine's files tell of it; None and empty are what they do not tell.

    Attributes:
        backends: `cpu`, `opencl`, `vulkan`, `qnn`, `hexagon`: what it was built with and can open;
            empty for scripts.
        omni: it reads pictures and sounds.
        logcat: its own lines go to logcat instead of stdout.
        page_align: bytes; the smallest of all files.
        small_pages: the files that phones with pages of 16 KiB do not load.
        min_sdk: Android's API level that it was linked for.
        ndk: the NDK's release.
        fp16: it holds such instructions of Arm's, as do `dot` and `i8mm`.
        qnn_builds: the builds of Qualcomm's libraries, by file.
        qnn_files: which of Qualcomm's libraries for the CPU's side it brings, stubs apart.
        htp_stubs: the architectures that it brings a stub for, as in `v75`.
        htp_skels: the same of skels.
        hexagon_skels: the architectures that it brings MNN's own library for the DSP for.
    """

    abi: str = ""
    libc: Libc | None = None
    backends: tuple[str, ...] = ()
    omni: bool | None = None
    logcat: bool | None = None
    version: str | None = None
    page_align: int | None = None
    small_pages: tuple[str, ...] = ()
    min_sdk: int | None = None
    ndk: str | None = None
    fp16: bool | None = None
    dot: bool | None = None
    i8mm: bool | None = None
    qnn_builds: tuple[tuple[str, str], ...] = ()
    qnn_files: tuple[str, ...] = ()
    htp_stubs: tuple[str, ...] = ()
    htp_skels: tuple[str, ...] = ()
    hexagon_skels: tuple[str, ...] = ()


BIG_PAGE: Final = 16 * 1024


def features_of(elfs: Mapping[str, ElfFacts], marks: Mapping[str, Marks], abi: str) -> EngineFeatures:
    """Put together what the files of an engine tell.

    Args:
        elfs: by name; what is an object file is passed over.
        marks: of the same files.
        abi: of the whole engine.
    """
    own = [name for name in elfs if is_mnn(name)]
    cpu = [name for name in elfs if elfs[name].abi != HEXAGON]
    versions = marks[next(name for name in (_LIBRARY, _PROGRAM, *own) if name in marks)].versions
    media = {marks[name].omni for name in own} - {None}
    skels = {name: _hexagon_arch(name, elfs[name]) for name in elfs if HEXAGON_SKEL.fullmatch(name)}
    program = elfs.get(_PROGRAM)

    def holds(kind: str) -> bool | None:
        is_arm = any(elfs[name].abi == "arm64-v8a" for name in own)
        return any(kind in marks[name].instructions for name in own) if is_arm else None

    return EngineFeatures(
        abi=abi,
        libc=program.libc if program else _first(elfs[name].libc for name in own),
        backends=_backends(elfs, marks, own),
        omni=None if not media else media == {True},
        logcat=_writes_to_logcat(elfs),
        version=next(iter(versions)) if len(versions) == 1 else None,
        page_align=min((align for name in cpu if (align := elfs[name].page_align)), default=None),
        small_pages=tuple(
            sorted(
                name for name in cpu if elfs[name].bits == 64 and 0 < (elfs[name].page_align or 0) < BIG_PAGE
            )
        ),
        min_sdk=max((level for name in cpu if (level := elfs[name].min_sdk)), default=None),
        ndk=_first(elfs[name].ndk for name in (_PROGRAM, *own) if name in elfs),
        fp16=holds("fp16"),
        dot=holds("dot"),
        i8mm=holds("i8mm"),
        qnn_builds=tuple((name, build) for name in sorted(marks) if (build := marks[name].qnn_build)),
        qnn_files=tuple(name for name in QNN_LIBRARIES if name in elfs),
        htp_stubs=_architectures(elfs, "Stub"),
        htp_skels=_architectures(elfs, "Skel"),
        hexagon_skels=tuple(sorted({arch for arch in skels.values() if arch})),
    )


def is_mnn(name: str) -> bool:
    """Whether a file is of MNN's own making and not a library that it opens."""
    if name.startswith(HEXAGON_CPU_SIDE.removesuffix(".so")):
        return False
    return name.startswith(_MNN) or not name.startswith("lib")


def loaded_with(elfs: Mapping[str, ElfFacts], program: str) -> set[str]:
    """A program and the files of its engine that the loader brings along with it."""
    found, waiting = {program}, [program]
    while waiting:
        fresh = [name for name in elfs[waiting.pop()].needed if name in elfs and name not in found]
        found.update(fresh)
        waiting += fresh
    return found


def _backends(
    elfs: Mapping[str, ElfFacts], marks: Mapping[str, Marks], own: Iterable[str]
) -> tuple[str, ...]:
    program = elfs.get(_PROGRAM)
    if program is not None and program.libc is Libc.STATIC:
        return ("cpu",)  # what is linked statically opens no library, whatever was compiled into it
    started = loaded_with(elfs, _PROGRAM) if program is not None else set(own)
    loaded = {backend for name in own if name in started for backend in marks[name].loads}
    return ("cpu", *(name for name in ("opencl", "vulkan", "qnn", "hexagon") if name in loaded))


def _writes_to_logcat(elfs: Mapping[str, ElfFacts]) -> bool | None:
    if _PROGRAM not in elfs:
        return None
    if elfs[_PROGRAM].imports_log:
        return True
    # Where only a library writes there, the block may stand on stdout while errors go to logcat.
    mixed = any(facts.imports_log for name, facts in elfs.items() if name.startswith(_MNN))
    return None if mixed else False


def _architectures(elfs: Mapping[str, ElfFacts], part: str) -> tuple[str, ...]:
    found = (HTP_LIBRARY.fullmatch(name) for name in elfs if elfs[name].kind is not ElfKind.OTHER)
    return tuple(sorted(match[1].lower() for match in found if match and match[2] == part))


def _hexagon_arch(name: str, facts: ElfFacts) -> str | None:
    """What MNN's library for the DSP was compiled for: its header says so, its name may."""
    match = HEXAGON_SKEL.fullmatch(name)
    return facts.htp or (match[1].lower() if match and match[1] else None)


def _first(found: Iterable[T | None]) -> T | None:
    return next((one for one in found if one is not None), None)
