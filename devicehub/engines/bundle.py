"""Looks into a folder with an MNN build: which of its files make an engine, and would a phone load them."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from devicehub.engines.elf import (
    HEXAGON,
    MAGIC,
    ElfFacts,
    ElfKind,
    find_version,
    holds_text,
    read_elf,
    read_head,
)
from devicehub.engines.host import host_abi, is_for_host
from devicehub.errors import InputError
from devicehub.manifest import require_folder, unreadable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

PROGRAM: Final = "llm_demo"
"""The one program that an engine must have."""
VIRTUAL: Final = "virtual"
"""The ABI of engines that are scripts for virtual phones."""
SETTINGS: Final = "engine.toml"

_KNOWN_ABIS: Final = ("arm64-v8a", "armeabi-v7a", "x86_64", "x86", "riscv64")
_PROGRAMS: Final = (PROGRAM, "llm_bench", "ppl_eval")
"""What is taken of a CMake build folder, which holds dozens of test programs."""
_WITHOUT_MEDIA: Final = b"requires LLM_SUPPORT_VISION"
"""What a build without MNN_BUILD_LLM_OMNI would say to a video; older ones hold nothing of the kind."""
_LOADERS: Final = ("/system/bin/linker", "/apex/")
# fmt: off
_SYSTEM_LIBRARIES: Final = frozenset((
    "libEGL.so", "libGLESv1_CM.so", "libGLESv2.so", "libGLESv3.so", "libOpenCL.so", "libOpenMAXAL.so",
    "libOpenSLES.so", "libaaudio.so", "libadsprpc.so", "libamidi.so", "libandroid.so",
    "libbinder_ndk.so", "libc.so", "libcamera2ndk.so", "libcdsprpc.so", "libcutils.so", "libdl.so",
    "libhidlbase.so", "libicu.so", "libjnigraphics.so", "liblog.so", "libm.so", "libmediandk.so",
    "libnativehelper.so", "libnativewindow.so", "libneuralnetworks.so", "libstdc++.so", "libsync.so",
    "libutils.so", "libvulkan.so", "libz.so",
))
# fmt: on
"""What a phone offers to a program of the shell user: the NDK's list, the vendor's OpenCL and DSP."""
_BUILD: Final = "build MNN with the Android NDK (project/android/build_64.sh -DMNN_BUILD_LLM=ON)"


class EngineSettings(msgspec.Struct, forbid_unknown_fields=True):
    """The optional `engine.toml`: what the files themselves do not tell."""

    abi: str | None = None
    version: str | None = None
    logcat: bool | None = None
    """The engine's own lines go to logcat instead of stdout."""
    omni: bool | None = None
    """It reads pictures and sounds."""


@dataclass(frozen=True)
class Bundle:
    """The files of an engine, judged."""

    sources: Mapping[str, Path]
    """Name on the phone: file on this host."""
    programs: tuple[str, ...]
    abi: str
    version: str | None
    logcat: bool | None
    omni: bool | None
    """It reads pictures and sounds; None where the files do not tell."""
    page_align: int | None
    """Bytes; the smallest of all files, None for scripts."""


def inspect_bundle(folder: Path) -> Bundle:
    """Judge a folder that holds an engine.

    Taken are the programs, scripts and libraries that stand in the folder itself; of a CMake build folder
    the LLM programs, and the libraries wherever they lie.

    Raises:
        InputError: no phone could run it; says which file, why, and the remedy.
    """
    settings = _read_settings(folder)
    elfs: dict[str, ElfFacts] = {}
    scripts: list[str] = []
    sources: dict[str, Path] = {}
    for file in _candidates(folder):
        head = read_head(file, len(MAGIC))
        if head == MAGIC:
            facts = read_elf(file)
            if facts.kind is ElfKind.OTHER or file.name in sources:
                continue
            elfs[file.name] = facts
        elif head.startswith(b"#!"):
            scripts.append(file.name)
        elif file.name == PROGRAM:
            raise InputError(file, "is neither an ELF program nor a script", remedy=_lfs_or_build(file))
        else:
            continue
        sources[file.name] = file
    _require_program(folder, sources)
    if PROGRAM in scripts:
        return _script_bundle(folder, settings, sources, scripts, elfs)
    host = host_abi() if is_for_host(elfs[PROGRAM]) else None
    abi = _single_abi(folder, elfs) if host is None else _host_abi(folder, elfs, host)
    if settings.abi not in (None, abi):
        raise InputError(
            folder / SETTINGS, f"says abi {settings.abi}, the files are {abi}", remedy="correct or remove it"
        )
    if host is None:
        _require_libraries(folder, elfs)
    logcat = _writes_to_logcat(elfs) if settings.logcat is None else settings.logcat
    return Bundle(
        sources=sources,
        programs=tuple(sorted([*scripts, *(name for name in elfs if elfs[name].kind is ElfKind.PROGRAM)])),
        abi=abi,
        version=settings.version or _version(sources),
        logcat=logcat,
        omni=_reads_media(sources) if settings.omni is None else settings.omni,
        page_align=min((facts.page_align for facts in elfs.values() if facts.page_align), default=None),
    )


def _read_settings(folder: Path) -> EngineSettings:
    archive = folder.suffix.lower() in (".zip", ".gz", ".tgz", ".xz", ".7z")
    unpack = "unpack it and add the folder with llm_demo in it"
    require_folder(folder, remedy=unpack if archive else "give the folder that holds llm_demo")
    file = folder / SETTINGS
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return EngineSettings()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(file, f"cannot be read ({error})") from error
    try:
        return msgspec.convert(tomllib.loads(text), EngineSettings)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise InputError(
            file, str(error), remedy="it takes abi, version, logcat and omni (true or false)"
        ) from error


def _candidates(folder: Path) -> Iterable[Path]:
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise unreadable(folder, error) from error
    files = [entry for entry in entries if entry.is_file() and not entry.name.startswith(".")]
    if not files and not any(entry.is_dir() for entry in entries):
        raise InputError(folder, "the folder is empty", remedy="give the folder that holds llm_demo")
    if not (folder / "CMakeCache.txt").is_file():
        return files
    chosen = [file for file in files if file.name in _PROGRAMS or file.suffix == ".so"]
    return chosen + sorted(
        file
        for file in folder.rglob("lib*.so")
        if file.parent != folder and "CMakeFiles" not in file.parts and file.is_file()
    )


def _require_program(folder: Path, sources: Mapping[str, Path]) -> None:
    if PROGRAM in sources:
        return
    deeper = next((found for found in sorted(folder.glob(f"*/{PROGRAM}")) if found.is_file()), None)
    if deeper is not None:
        raise InputError(folder, f"{PROGRAM} lies deeper", remedy=f"add {deeper.parent} instead")
    if any(name.startswith("libMNN") for name in sources):
        # MNN's own release archives hold libraries only.
        problem = f"holds MNN's libraries, but no {PROGRAM}"
    else:
        problem = f"holds no {PROGRAM}"
    raise InputError(folder, problem, remedy=_BUILD)


def _script_bundle(
    folder: Path,
    settings: EngineSettings,
    sources: Mapping[str, Path],
    scripts: Iterable[str],
    elfs: Mapping[str, ElfFacts],
) -> Bundle:
    if elfs:
        raise InputError(
            folder,
            f"{PROGRAM} is a script and {min(elfs)} is not",
            remedy="add one kind of engine per folder",
        )
    if settings.abi != VIRTUAL:
        raise InputError(
            folder / PROGRAM,
            "is a script, which no phone takes for an engine",
            remedy=f'{_BUILD}, or say abi = "{VIRTUAL}" in {SETTINGS} if it is meant for virtual phones',
        )
    return Bundle(
        sources=sources,
        programs=tuple(sorted(scripts)),
        abi=VIRTUAL,
        version=settings.version,
        logcat=settings.logcat,
        omni=settings.omni,
        page_align=None,
    )


def _single_abi(folder: Path, elfs: Mapping[str, ElfFacts]) -> str:
    for name, facts in sorted(elfs.items()):
        loader = facts.interpreter
        if loader is not None and not loader.startswith(_LOADERS):
            problem = f"is built for a desktop or board (its loader is {loader}), not for Android"
            raise InputError(folder / name, problem, remedy=_BUILD)
        if facts.abi not in (*_KNOWN_ABIS, HEXAGON):
            raise InputError(folder / name, f"is built for {facts.abi}, which no phone has", remedy=_BUILD)
    abi = elfs[PROGRAM].abi
    for name, facts in sorted(elfs.items()):
        if facts.abi not in (abi, HEXAGON):
            problem = f"is built for {facts.abi}, {PROGRAM} for {abi}"
            raise InputError(folder / name, problem, remedy="keep one folder per ABI")
    return abi


def _host_abi(folder: Path, elfs: Mapping[str, ElfFacts], host: str) -> str:
    """The ABI of an engine for this computer, whose files must all be of it."""
    machine = elfs[PROGRAM].abi
    for name, facts in sorted(elfs.items()):
        if facts.abi != machine or (facts.kind is ElfKind.PROGRAM and not is_for_host(facts)):
            problem = f"is of another kind than {PROGRAM}, which is built for this computer"
            raise InputError(folder / name, problem, remedy="keep one folder per ABI")
    return host


def _require_libraries(folder: Path, elfs: Mapping[str, ElfFacts]) -> None:
    for name, facts in sorted(elfs.items()):
        if facts.abi == HEXAGON:
            continue  # the DSP's own loader has libraries of its own
        missing = [
            needed for needed in facts.needed if needed not in elfs and needed not in _SYSTEM_LIBRARIES
        ]
        if not missing:
            continue
        if "libc.so.6" in missing:
            raise InputError(folder / name, "is built for desktop Linux, not for Android", remedy=_BUILD)
        remedy = "copy it into the folder"
        if "libc++_shared.so" in missing or "libomp.so" in missing:
            remedy += " (the NDK has it)"
        raise InputError(
            folder / name, f"needs {', '.join(missing)}, which is neither here nor on phones", remedy=remedy
        )


def _writes_to_logcat(elfs: Mapping[str, ElfFacts]) -> bool | None:
    if elfs[PROGRAM].imports_log:
        return True
    # Where only a library writes there, the block may stand on stdout while errors go to logcat.
    mixed = any(facts.imports_log for name, facts in elfs.items() if name.startswith(("libMNN", "libllm")))
    return None if mixed else False


def _reads_media(sources: Mapping[str, Path]) -> bool | None:
    """False where a file says that it was built without; a build with it says nothing of the kind."""
    holders = [
        path for name, path in sources.items() if name == PROGRAM or name.startswith(("libMNN", "libllm"))
    ]
    return False if any(holds_text(path, _WITHOUT_MEDIA) for path in holders) else None


def _version(sources: Mapping[str, Path]) -> str | None:
    holder = sources.get("libMNN.so") or sources[PROGRAM]
    return find_version(holder)


def _lfs_or_build(file: Path) -> str:
    pointer = read_head(file, 32).startswith(b"version https://git-lfs")
    return "it is a git-lfs pointer: run `git lfs pull`" if pointer else _BUILD
