"""What is wrong with the files of an engine, whatever the phone: one finding for each defect. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devicehub.engines.elf import HEXAGON, ElfKind, Libc
from devicehub.engines.features import HEXAGON_CPU_SIDE, HTP_LIBRARY, QNN_LIBRARIES, loaded_with
from devicehub.findings import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from devicehub.engines.elf import ElfFacts
    from devicehub.engines.features import EngineFeatures

PROGRAM: Final = "llm_demo"
"""The one program that an engine must have."""
KNOWN_ABIS: Final = ("arm64-v8a", "armeabi-v7a", "x86_64", "x86", "riscv64")
BUILD: Final = (
    "build MNN with the Android NDK (`devicehub engines build --mnn DIR --profile android-cpu`, or "
    "project/android/build_64.sh -DMNN_BUILD_LLM=ON)"
)
# fmt: off
SYSTEM_LIBRARIES: Final = frozenset((
    "libEGL.so", "libGLESv1_CM.so", "libGLESv2.so", "libGLESv3.so", "libOpenCL.so", "libOpenMAXAL.so",
    "libOpenSLES.so", "libaaudio.so", "libadsprpc.so", "libamidi.so", "libandroid.so",
    "libbinder_ndk.so", "libc.so", "libcamera2ndk.so", "libcdsprpc.so", "libcutils.so", "libdl.so",
    "libhidlbase.so", "libicu.so", "libjnigraphics.so", "liblog.so", "libm.so", "libmediandk.so",
    "libnativehelper.so", "libnativewindow.so", "libneuralnetworks.so", "libstdc++.so", "libsync.so",
    "libutils.so", "libvulkan.so", "libz.so",
))
# fmt: on
"""What a phone offers to a program of the shell user: the NDK's list, the vendor's OpenCL and DSP."""
_LOADERS: Final = ("/system/bin/linker", "/apex/")
_BUILT_APART: Final = ("libMNN_CL.so", "libMNN_Vulkan.so", "libMNN_GL.so")
_OF_THE_NDK: Final = ("libc++_shared.so", "libomp.so")
BIG_PAGES: Final = (
    "build with NDK r28 or newer, or with -DANDROID_SUPPORT_FLEXIBLE_PAGE_SIZES=ON and "
    "-DCMAKE_EXE_LINKER_FLAGS=-Wl,-z,max-page-size=16384"
)


def machine_defects(folder: Path, elfs: Mapping[str, ElfFacts]) -> Iterator[Finding]:
    """Files that no phone loads, or that are of another processor than the program."""
    abi = elfs[PROGRAM].abi
    for name, facts in sorted(elfs.items(), key=lambda item: (item[0] != PROGRAM, item[0])):
        loader = facts.interpreter
        if loader is not None and not loader.startswith(_LOADERS):
            why = f"is built for a desktop or board (its loader is {loader}), not for Android"
            yield _error("desktop_build", folder / name, why, BUILD)
        elif facts.libc is Libc.GLIBC:
            yield _error("desktop_build", folder / name, "is built for desktop Linux, not for Android", BUILD)
        elif facts.abi not in (*KNOWN_ABIS, HEXAGON):
            yield _error(
                "unknown_machine", folder / name, f"is built for {facts.abi}, which no phone has", BUILD
            )
        elif facts.abi not in (abi, HEXAGON):
            why = f"is built for {facts.abi}, {PROGRAM} for {abi}"
            yield _error("mixed_abis", folder / name, why, "keep one folder per ABI")


def missing_libraries(folder: Path, elfs: Mapping[str, ElfFacts]) -> Iterator[Finding]:
    """Libraries that a file asks for and that neither the folder nor a phone has."""
    for name, facts in sorted(elfs.items()):
        if facts.abi == HEXAGON or facts.libc is Libc.GLIBC:
            continue  # the DSP's own loader has libraries of its own
        lacking = [needed for needed in facts.needed if needed not in elfs and needed not in SYSTEM_LIBRARIES]
        if not lacking:
            continue
        of_ndk = [needed for needed in lacking if needed in _OF_THE_NDK]
        fix = "copy it into the folder" + (" (the NDK has it)" if of_ndk else "")
        slug = "cxx_shared_missing" if lacking == ["libc++_shared.so"] else "missing_library"
        if slug == "cxx_shared_missing":
            fix += ", or build with -DANDROID_STL=c++_static"
        why = f"needs {', '.join(lacking)}, which is neither here nor on phones"
        yield _error(slug, folder / name, why, fix)


def accelerator_defects(
    folder: Path, elfs: Mapping[str, ElfFacts], features: EngineFeatures
) -> Iterator[Finding]:
    """What is wrong among the libraries that are opened at run time."""
    yield from _left_unlinked(folder, elfs)
    yield from _qnn_builds(folder, features)
    yield from _misnamed(folder, elfs)
    yield from _qnn_parts(folder, features)
    yield from _hexagon_parts(folder, elfs, features)


def _left_unlinked(folder: Path, elfs: Mapping[str, ElfFacts]) -> Iterator[Finding]:
    """Backends that were built apart, and that the program was not linked with: nothing opens them."""
    loaded = loaded_with(elfs, PROGRAM)
    for name in _BUILT_APART:
        if name in elfs and name not in loaded:
            why = f"is not linked to {PROGRAM}, and nothing else opens it: its backend is not there"
            fix = "build with -DMNN_SEP_BUILD=OFF, or link with -Wl,--no-as-needed"
            yield _told(Severity.WARNING, "backend_not_linked", folder / name, why, fix)


def _hexagon_parts(folder: Path, elfs: Mapping[str, ElfFacts], features: EngineFeatures) -> Iterator[Finding]:
    lacking = [] if HEXAGON_CPU_SIDE in elfs else [HEXAGON_CPU_SIDE]
    lacking += [] if features.hexagon_skels else ["libMNN_htpops_skelV<arch>.so"]
    if not lacking or not ("hexagon" in features.backends or len(lacking) == 1):
        return
    severity, slug = Severity.WARNING, "hexagon_incomplete"
    if len(lacking) > 1:
        severity, slug = Severity.NOTE, "hexagon_libraries_absent"
    why = f"lacks {' and '.join(lacking)}, without which backend hexagon does not open"
    fix = "build source/backend/hexagon/htp-ops-lib (`build.sh v75` for an HTP v75) and copy its outputs"
    yield _told(severity, slug, folder, why, fix)


def _qnn_builds(folder: Path, features: EngineFeatures) -> Iterator[Finding]:
    """Stub, skel and library refuse each other where they come from different releases."""
    builds = dict(features.qnn_builds)
    if len(set(builds.values())) <= 1:
        return
    first = builds.get("libQnnHtp.so", next(iter(builds.values())))
    for name, build in sorted(builds.items()):
        if build != first:
            other = next(known for known, its in sorted(builds.items()) if its == first)
            why = f"is of QNN SDK build {build}, {other} of {first}: they refuse each other (error 14001)"
            fix = "take all libQnn*.so from one QNN SDK"
            yield _error("qnn_sdk_mixed", folder / name, why, fix)


def _misnamed(folder: Path, elfs: Mapping[str, ElfFacts]) -> Iterator[Finding]:
    for name, facts in sorted(elfs.items()):
        match = HTP_LIBRARY.fullmatch(name)
        if match is None or match[2] not in ("Skel", "Stub"):
            continue
        if (facts.abi == HEXAGON) is not (match[2] == "Skel"):
            side = "DSP" if match[2] == "Skel" else "CPU"
            why = f"is built for {facts.abi}, and a {match[2].lower()} is the {side}'s"
            fix = f"copy {name} from the QNN SDK again ({_place_in_sdk(match[1].lower(), match[2])})"
            yield _error("htp_wrong_side", folder / name, why, fix)
        elif facts.htp is not None and facts.htp != match[1].lower():
            why = f"is compiled for HTP {facts.htp}, its name says {match[1].lower()}"
            fix = f"copy {name} from the QNN SDK again ({_place_in_sdk(match[1].lower(), match[2])})"
            yield _told(Severity.WARNING, "htp_misnamed", folder / name, why, fix)


def _qnn_parts(folder: Path, features: EngineFeatures) -> Iterator[Finding]:
    brought = bool(features.qnn_files or features.htp_stubs or features.htp_skels)
    if not brought:
        if "qnn" in features.backends:
            why = "is built with QNN and brings none of its libraries: it runs on the CPU"
            fix = "for the NPU put libQnnHtp.so, libQnnSystem.so and the phone's stub and skel beside it"
            yield _told(Severity.NOTE, "qnn_libraries_absent", folder, why, fix)
        return
    lacking = [f"{name} (lib/aarch64-android)" for name in QNN_LIBRARIES if name not in features.qnn_files]
    for arch in sorted({*features.htp_stubs, *features.htp_skels}):
        lacking += [] if arch in features.htp_stubs else [_sdk_file(arch, "Stub")]
        lacking += [] if arch in features.htp_skels else [_sdk_file(arch, "Skel")]
    if not features.htp_stubs and not features.htp_skels:
        lacking.append("the stub and the skel of the phone's HTP")
    if lacking:
        why = f"brings QNN's libraries, but not {', '.join(lacking)}: the NPU does not open"
        yield _told(Severity.WARNING, "qnn_incomplete", folder, why, "copy what lacks from the same QNN SDK")


def notes(folder: Path, elfs: Mapping[str, ElfFacts], features: EngineFeatures) -> Iterator[Finding]:
    """What is worth knowing of an engine that works."""
    note = Severity.NOTE
    if features.libc is Libc.STATIC:
        why = "is linked statically: it runs on any phone of its ABI, on the CPU alone"
        yield _told(note, "static_build", folder / PROGRAM, why)
    if features.small_pages:
        names = ", ".join(features.small_pages)
        why = (
            f"{names}: aligned to {features.page_align} bytes, which phones with pages of 16 KiB do not load"
        )
        yield _told(note, "small_pages", folder, why, BIG_PAGES)
    if features.logcat:
        why = "is a logcat build: its figures and errors go to logcat, where devicehub reads them"
        yield _told(note, "logcat_build", folder / PROGRAM, why, "-DMNN_USE_LOGCAT=OFF puts them on stdout")
    if features.omni is False:
        why = "is built without MNN_BUILD_LLM_OMNI: it takes pictures and sounds in a prompt for text"
        yield _told(note, "no_omni", folder, why, "build with -DMNN_BUILD_LLM_OMNI=ON for those")
    if not any(name == "llm_bench" and facts.kind is ElfKind.PROGRAM for name, facts in elfs.items()):
        yield _told(note, "no_bench", folder, "has no llm_bench, which `run --workload bench` starts")


def _place_in_sdk(arch: str, part: str) -> str:
    return f"lib/hexagon-{arch}/unsigned" if part == "Skel" else "lib/aarch64-android"


def _sdk_file(arch: str, part: str) -> str:
    return f"libQnnHtp{arch.upper()}{part}.so ({_place_in_sdk(arch, part)})"


def _error(slug: str, place: Path, why: str, fix: str | None = None) -> Finding:
    return _told(Severity.ERROR, slug, place, why, fix)


def _told(severity: Severity, slug: str, place: Path, why: str, fix: str | None = None) -> Finding:
    return Finding(severity=severity, slug=slug, place=str(place), why=why, fix=fix)
