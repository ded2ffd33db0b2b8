"""Where an engine lies: a folder, a CMake build folder of an MNN checkout, or a zip."""

from __future__ import annotations

import re
import shlex
import stat
import tempfile
import zipfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from devicehub.engines.defects import BUILD, PROGRAM
from devicehub.engines.elf import MAGIC
from devicehub.errors import InputError
from devicehub.findings import Finding, Severity
from devicehub.manifest import require_folder, unreadable, unwritable
from devicehub.units import GIB, MIB, format_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_VERSION: Final = re.compile(r"#define MNN_VERSION_(?:MAJOR|MINOR|PATCH)\s+(\d+)")
_SETTINGS: Final = "engine.toml"
_ARCHIVES: Final = (".gz", ".tgz", ".xz", ".7z", ".bz2", ".tar", ".rar")
_MOST_ENTRIES: Final = 50_000
_MOST_BYTES: Final = 4 * GIB
"""Of all files taken out of a zip together; an engine with all of QNN's libraries has a quarter of it."""
_BLOCK: Final = 1 * MIB
_BUILD_FOLDERS: Final = ("project/android/build_64", "project/android/build_*", "build", "build_*", "build-*")
"""In a checkout, the likelier first."""


@dataclass(frozen=True)
class Place:
    """Where an engine lies.

    Attributes:
        folder: with its files.
        label: what the folder is called to whoever gave it; for a zip, the path inside it.
        finding: why there is none.
        others: further builds of the same checkout, which are not taken.
    """

    folder: Path
    label: Path
    finding: Finding | None = None
    others: tuple[Path, ...] = ()


@contextmanager
def opened(path: Path) -> Iterator[Place]:
    """The place that a path leads to; what was unpacked for it is gone afterwards.

    Raises:
        InputError: it is no folder and no zip, cannot be read, or is no archive to unpack.
    """
    try:
        is_zip = path.is_file() and zipfile.is_zipfile(path)
    except (OSError, ValueError):
        is_zip = False
    if is_zip:
        with tempfile.TemporaryDirectory(prefix="devicehub-engine-") as scratch:
            yield _unpack(path, Path(scratch))
        return
    archive = path.suffix.lower() in (*_ARCHIVES, ".zip")
    unpack = "unpack it and add the folder with llm_demo in it"
    if path.suffix.lower() == ".zip":
        unpack = "the zip is damaged: download it again"
    require_folder(path, remedy=unpack if archive else "give the folder that holds llm_demo")
    yield _in_checkout(path) if is_checkout(path) else Place(path, path)


def version_of(checkout: Path) -> str | None:
    """MNN's version as its sources tell it; None where they do not."""
    try:
        with (checkout / "include/MNN/MNNDefine.h").open("rb") as stream:
            text = stream.read(MIB).decode("utf-8", "replace")
    except OSError:
        return None
    numbers: list[str] = _VERSION.findall(text)
    return ".".join(numbers) if len(numbers) == 3 else None


def is_checkout(folder: Path) -> bool:
    """Whether a folder is a working copy of MNN's sources."""
    return (folder / "CMakeLists.txt").is_file() and (folder / "include/MNN/MNNDefine.h").is_file()


def _in_checkout(folder: Path) -> Place:
    built = [
        found
        for pattern in _BUILD_FOLDERS
        for found in sorted(folder.glob(pattern))
        if (found / PROGRAM).is_file()
    ]
    if built:
        others = tuple(other for other in dict.fromkeys(built) if other != built[0])
        return Place(built[0], built[0], others=others)
    given = shlex.quote(str(folder))
    fix = f"make it (`devicehub engines build --mnn {given} --profile android-static`)"
    half = next(
        (found for pattern in _BUILD_FOLDERS for found in sorted(folder.glob(pattern + "/libMNN.so"))), None
    )
    if half is not None:
        why = f"{half.parent} holds libMNN.so and no {PROGRAM}: it was built without MNN_BUILD_LLM"
        return Place(folder, folder, _error("no_programs", folder, why, f"{BUILD}, or {fix}"))
    return Place(folder, folder, _error("not_built", folder, "is a checkout of MNN without a build", fix))


def _unpack(path: Path, scratch: Path) -> Place:
    """Take an engine's files out of a zip, and nothing else.

    Names are never used as paths: a file goes by its last part into one folder.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            if len(entries) > _MOST_ENTRIES:
                why = f"holds {len(entries)} files, which no engine does"
                return Place(path, path, _error("zip_too_big", path, why, "unpack it and give the folder"))
            inside = _folder_of_engine([entry for entry in entries if _is_plain(entry)])
            chosen = [entry for entry in entries if _is_plain(entry) and _parent(entry) == inside]
            label = path / inside
            if sum(entry.file_size for entry in chosen) > _MOST_BYTES or not _extract(
                archive, chosen, scratch
            ):
                why = f"holds more than {format_bytes(_MOST_BYTES)}"
                return Place(path, path, _error("zip_too_big", path, why, "unpack it and give the folder"))
    except OSError as error:
        raise unreadable(path, error) from error
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        # RuntimeError: it is encrypted; NotImplementedError: a compression that Python does not know.
        raise InputError(
            path, f"cannot be unpacked ({error})", remedy="unpack it and give the folder"
        ) from error
    return Place(scratch, label)


def _is_plain(entry: zipfile.ZipInfo) -> bool:
    """A file by a path that stays inside; a link (made by Unix zips) is none."""
    kind = stat.S_IFMT(entry.external_attr >> 16)
    parts = PurePosixPath(entry.filename).parts
    inside = not entry.filename.startswith(("/", "\\")) and ".." not in parts and "\0" not in entry.filename
    return inside and not entry.is_dir() and kind in (0, stat.S_IFREG)


def _parent(entry: zipfile.ZipInfo) -> str:
    parent = str(PurePosixPath(entry.filename).parent)
    return "" if parent == "." else parent


def _folder_of_engine(entries: Sequence[zipfile.ZipInfo]) -> str:
    """The folder inside that holds the program, else MNN's library for the usual phone, else the top."""
    for name in (PROGRAM, "libMNN.so", "libmnncore.so"):
        found = [_parent(entry) for entry in entries if PurePosixPath(entry.filename).name == name]
        if found:
            return min(found, key=lambda parent: ("arm64" not in parent, parent.count("/"), parent))
    return ""


def _extract(archive: zipfile.ZipFile, entries: Sequence[zipfile.ZipInfo], scratch: Path) -> bool:
    """Write the files out; False where they hold more than they say or than any engine does."""
    left = _MOST_BYTES
    for entry in entries:
        name = PurePosixPath(entry.filename).name
        with archive.open(entry) as source:
            block = source.read(_BLOCK)
            if not (block.startswith((MAGIC, b"#!")) or name in (_SETTINGS, PROGRAM)):
                continue
            target = scratch / name
            try:
                with target.open("wb") as stream:
                    while block:
                        left -= len(block)
                        if left < 0:
                            return False
                        stream.write(block)
                        block = source.read(_BLOCK)
                target.chmod(0o755 if entry.external_attr >> 16 & 0o100 else 0o644)
            except OSError as error:
                raise unwritable(target, error) from error
    return True


def _error(slug: str, place: Path, why: str, fix: str) -> Finding:
    return Finding(severity=Severity.ERROR, slug=slug, place=str(place), why=why, fix=fix)
