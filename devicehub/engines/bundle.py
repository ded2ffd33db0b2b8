"""Looks into a folder, zip or checkout with an MNN build: what makes an engine, and would a phone load it."""

from __future__ import annotations

import tomllib
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import msgspec

from devicehub.engines import defects
from devicehub.engines.defects import BUILD, PROGRAM
from devicehub.engines.elf import MAGIC, ElfFacts, ElfKind, read_elf, read_head
from devicehub.engines.features import EngineFeatures, features_of
from devicehub.engines.host import host_abi, is_for_host
from devicehub.engines.marks import read_marks
from devicehub.engines.places import Place, opened
from devicehub.errors import InputError
from devicehub.findings import Finding, Severity, errors, in_order
from devicehub.manifest import unreadable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from devicehub.engines.marks import Marks

VIRTUAL: Final = "virtual"
"""The ABI of engines that are scripts for virtual phones."""
SETTINGS: Final = "engine.toml"
_MOST_SETTINGS: Final = 64 * 1024

_PROGRAMS: Final = (PROGRAM, "llm_bench", "ppl_eval")
"""What is taken of a CMake build folder, which holds dozens of test programs."""


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
    features: EngineFeatures


@dataclass(frozen=True)
class Inspection:
    """What was found out about what may be an engine.

    Attributes:
        bundle: None where an error forbids it.
        features: as far as they could be told.
        findings: the worst first.
    """

    bundle: Bundle | None
    features: EngineFeatures = field(default_factory=EngineFeatures)
    findings: tuple[Finding, ...] = ()


@dataclass
class _Files:
    """The files of a place, sorted by what they are."""

    sources: dict[str, Path] = field(default_factory=dict)
    elfs: dict[str, ElfFacts] = field(default_factory=dict)
    marks: dict[str, Marks] = field(default_factory=dict)
    scripts: list[str] = field(default_factory=list)


@contextmanager
def inspected(path: Path) -> Iterator[Inspection]:
    """Judge a folder, a zip or an MNN checkout; what was unpacked for it is gone afterwards.

    Taken are the programs, scripts and libraries that stand in one folder; of a CMake build folder the LLM
    programs, and the libraries wherever they lie.

    Raises:
        InputError: it cannot be looked at, or its engine.toml is wrong.
    """
    with opened(path) as place:
        yield _inspect(place)


def require_bundle(path: Path, inspection: Inspection) -> Bundle:
    """The bundle of a judged place.

    Raises:
        InputError: no phone could run it; says which file, why, and the remedy.
    """
    if inspection.bundle is not None:
        return inspection.bundle
    worst = next(iter(errors(inspection.findings)), None)
    if worst is None:
        raise InputError(path, "holds no engine", remedy=BUILD)
    raise InputError(worst.place, worst.why, remedy=worst.fix)


def read_features(files: Mapping[str, Path], abi: str) -> EngineFeatures:
    """What files tell that are known to be an engine.

    Raises:
        InputError: one cannot be read, or is damaged.
    """
    elfs = {name: read_elf(path) for name, path in files.items() if read_head(path, len(MAGIC)) == MAGIC}
    if not elfs:
        return EngineFeatures(abi=abi)
    return features_of(elfs, {name: read_marks(files[name], facts) for name, facts in elfs.items()}, abi)


def _inspect(place: Place) -> Inspection:
    if place.finding is not None:
        return Inspection(None, findings=(place.finding,))
    settings = _read_settings(place.folder)
    files, findings = _sort(place)
    findings += _lacks_program(place, files)
    if errors(findings):
        return Inspection(None, findings=tuple(in_order(findings)))
    if PROGRAM in files.scripts:
        return _script_bundle(place, settings, files, findings)
    program = files.elfs[PROGRAM]
    host = host_abi() if is_for_host(program) else None
    abi = host or program.abi
    features = _with_settings(features_of(files.elfs, files.marks, abi), settings)
    findings += _judge(place.label, files, features, is_host=host is not None)
    if place.others:
        why = f"is the build that is looked at; there are others: {', '.join(map(str, place.others))}"
        note = Severity.NOTE
        findings.append(Finding(severity=note, slug="other_builds", place=str(place.label), why=why))
    if settings.abi not in (None, abi):
        why = f"says abi {settings.abi}, the files are {abi}"
        findings.append(_error("abi_contradicts", place.label / SETTINGS, why, "correct or remove it"))
    findings = in_order(findings)
    if errors(findings):
        return Inspection(None, features, tuple(findings))
    programs = [name for name, facts in files.elfs.items() if facts.kind is ElfKind.PROGRAM]
    bundle = Bundle(files.sources, tuple(sorted([*files.scripts, *programs])), features)
    return Inspection(bundle, features, tuple(findings))


def _judge(label: Path, files: _Files, features: EngineFeatures, *, is_host: bool) -> list[Finding]:
    if is_host:
        return list(_host_defects(label, files.elfs))
    return [
        *defects.machine_defects(label, files.elfs),
        *defects.missing_libraries(label, files.elfs),
        *defects.accelerator_defects(label, files.elfs, features),
        *_without_permission(label, files),
        *defects.notes(label, files.elfs, features),
    ]


def _host_defects(label: Path, elfs: Mapping[str, ElfFacts]) -> Iterator[Finding]:
    """Files that do not belong to an engine for this computer."""
    machine = elfs[PROGRAM].abi
    for name, facts in sorted(elfs.items()):
        if facts.abi != machine or (facts.kind is ElfKind.PROGRAM and not is_for_host(facts)):
            why = f"is of another kind than {PROGRAM}, which is built for this computer"
            yield _error("mixed_abis", label / name, why, "keep one folder per ABI")


def _with_settings(features: EngineFeatures, settings: EngineSettings) -> EngineFeatures:
    said = {
        name: value
        for name, value in (
            ("version", settings.version or None),
            ("logcat", settings.logcat),
            ("omni", settings.omni),
        )
        if value is not None
    }
    return msgspec.structs.replace(features, **said)


def _read_settings(folder: Path) -> EngineSettings:
    file = folder / SETTINGS
    try:
        if file.stat().st_size > _MOST_SETTINGS:
            raise InputError(file, "is too long to be one", remedy="it takes abi, version, logcat and omni")
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


def _sort(place: Place) -> tuple[_Files, list[Finding]]:
    """What each file is; one that is damaged is told and passed over."""
    files, findings = _Files(), list[Finding]()
    for file in _candidates(place.folder):
        head, shown = read_head(file, len(MAGIC)), place.label / file.relative_to(place.folder)
        if head == MAGIC:
            try:
                facts = read_elf(file)
            except InputError as error:
                findings.append(_error("damaged_elf", shown, error.problem, error.remedy))
                continue
            if facts.kind is ElfKind.OTHER or file.name in files.sources:
                continue
            files.elfs[file.name] = facts
            files.marks[file.name] = read_marks(file, facts)
        elif head.startswith(b"#!"):
            files.scripts.append(file.name)
        elif file.name == PROGRAM:
            findings.append(_no_program_in(file, shown, head))
            continue
        else:
            continue
        files.sources[file.name] = file
    return files, findings


def _candidates(folder: Path) -> Iterable[Path]:
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise unreadable(folder, error) from error
    files = [entry for entry in entries if entry.is_file() and not entry.name.startswith(".")]
    if not (folder / "CMakeCache.txt").is_file():
        return files
    chosen = [file for file in files if file.name in _PROGRAMS or file.suffix == ".so"]
    return chosen + sorted(
        file
        for file in folder.rglob("lib*.so")
        if file.parent != folder and "CMakeFiles" not in file.parts and file.is_file()
    )


def _no_program_in(file: Path, shown: Path, head: bytes) -> Finding:
    if not head:
        return _error("not_a_program", shown, "is empty", "copy it again")
    if read_head(file, 32).startswith(b"version https://git-lfs"):
        why = "is neither an ELF program nor a script"
        return _error("lfs_pointer", shown, why, "it is a git-lfs pointer: run `git lfs pull`")
    return _error("not_a_program", shown, "is neither an ELF program nor a script", BUILD)


def _lacks_program(place: Place, files: _Files) -> list[Finding]:
    folder = place.folder
    if PROGRAM in files.sources or (folder / PROGRAM).is_file():
        return []
    if (folder / PROGRAM).is_dir():
        why = "is a folder, not the program"
        return [_error("not_a_program", place.label / PROGRAM, why, f"give {place.label / PROGRAM} itself")]
    deeper = next((found for found in sorted(folder.glob(f"*/{PROGRAM}")) if found.is_file()), None)
    if deeper is not None:
        where = place.label / deeper.parent.relative_to(folder)
        return [_error("program_deeper", place.label, f"{PROGRAM} lies deeper", f"add {where} instead")]
    if any(name.startswith(("libMNN", "libmnncore")) for name in files.sources):
        why = f"holds MNN's libraries, but no {PROGRAM}: so do the archives that MNN releases"
        fix = (
            f"{BUILD}, or without the NDK (`devicehub engines build --mnn DIR --profile android-static`), "
            "or take the app (`devicehub app install APK`)"
        )
        return [_error("no_programs", place.label, why, fix)]
    if not any(folder.iterdir()):
        return [
            _error(
                "empty_folder", place.label, "the folder is empty", f"give the folder that holds {PROGRAM}"
            )
        ]
    return [_error("no_program", place.label, f"holds no {PROGRAM}", BUILD)]


def _script_bundle(
    place: Place, settings: EngineSettings, files: _Files, findings: list[Finding]
) -> Inspection:
    if files.elfs:
        why = f"{PROGRAM} is a script and {min(files.elfs)} is not"
        findings.append(_error("mixed_kinds", place.label, why, "add one kind of engine per folder"))
    elif settings.abi != VIRTUAL:
        why = "is a script, which no phone takes for an engine"
        fix = f'{BUILD}, or say abi = "{VIRTUAL}" in {SETTINGS} if it is meant for virtual phones'
        findings.append(_error("script_engine", place.label / PROGRAM, why, fix))
    if errors(findings):
        return Inspection(None, findings=tuple(in_order(findings)))
    features = _with_settings(EngineFeatures(abi=VIRTUAL), settings)
    bundle = Bundle(files.sources, tuple(sorted(files.scripts)), features)
    return Inspection(bundle, features, tuple(in_order(findings)))


def _without_permission(label: Path, files: _Files) -> Iterator[Finding]:
    """Programs that would not start where a person copies them by hand."""
    for name, facts in sorted(files.elfs.items()):
        if facts.kind is ElfKind.PROGRAM and not files.sources[name].stat().st_mode & 0o100:
            why = "may not be executed: its executable bit is missing"
            fix = "devicehub sets it on the phone; by hand it takes chmod 755"
            yield Finding(
                severity=Severity.NOTE, slug="not_executable", place=str(label / name), why=why, fix=fix
            )


def _error(slug: str, place: Path, why: str, fix: str | None) -> Finding:
    return Finding(severity=Severity.ERROR, slug=slug, place=str(place), why=why, fix=fix)
