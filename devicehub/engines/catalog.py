"""The user's engines: each one a folder of this host, named by its content."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from devicehub.engines.bundle import (
    VIRTUAL,
    Bundle,
    Inspection,
    inspected,
    read_features,
    require_bundle,
)
from devicehub.engines.features import EngineFeatures
from devicehub.errors import InputError
from devicehub.files import publish
from devicehub.manifest import (
    DATA_MODE,
    EXECUTABLE_MODE,
    FileEntry,
    Manifest,
    build_manifest,
    unreadable,
    unwritable,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from devicehub.settings import Home

_ENTRY: Final = "engine.json"
_FILES: Final = "files"
_TEMPORARY: Final = ".adding-"
# The id becomes part of LD_LIBRARY_PATH on the phone, where `:` and `;` would end it.
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class EngineEntry(msgspec.Struct, frozen=True):
    """What is stored beside an engine's files."""

    name: str
    abi: str
    files: tuple[FileEntry, ...]
    programs: tuple[str, ...]
    logcat: bool | None
    version: str | None
    page_align: int | None
    origin: str
    omni: bool | None = None
    features: EngineFeatures | None = None
    """None where an older version of this program added it."""


@dataclass(frozen=True)
class Engine:
    """One engine of the catalogue."""

    id: str
    """`<name>-<8 hex digits of the content's hash>`."""
    name: str
    root: Path
    """The folder with its files on this host."""
    manifest: Manifest
    executables: tuple[str, ...]
    features: EngineFeatures
    origin: str
    """What it was added from."""

    @property
    def abi(self) -> str:
        """Android's name of the ABI, or `virtual`."""
        return self.features.abi

    @property
    def logcat(self) -> bool | None:
        """Its own lines go to logcat instead of stdout; None where the files do not tell."""
        return self.features.logcat

    @property
    def version(self) -> str | None:
        """MNN's, None where the files do not tell."""
        return self.features.version

    @property
    def page_align(self) -> int | None:
        """Bytes; it runs on phones whose pages are at most this big."""
        return self.features.page_align

    @property
    def omni(self) -> bool | None:
        """It reads pictures and sounds; None where the files do not tell."""
        return self.features.omni


class EngineCatalog:
    """Adds, lists and removes engines under the user's data folder."""

    def __init__(self, home: Home) -> None:
        self._folder = home.engines

    def add(
        self,
        path: Path,
        name: str | None = None,
        *,
        origin: str | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> Engine:
        """Copy an engine into the catalogue; one of this content that is there already is returned.

        Args:
            path: a folder, a zip or a checkout, as `bundle.inspected` takes it.
            name: its first name; the path's own by default, and then an equal engine of any name will do.
            origin: what is remembered of where it comes from; the path by default.
            progress: called with the size of each block that was hashed.

        Raises:
            InputError: no phone could run it, or the name cannot be part of a path there.
        """
        path = path.absolute()
        chosen = _check_name(name) if name is not None else _name_from(path)
        with inspected(path) as inspection:
            return self._take(path, chosen, require_bundle(path, inspection), name, origin, progress)

    def _take(
        self,
        path: Path,
        chosen: str,
        bundle: Bundle,
        name: str | None,
        origin: str | None,
        progress: Callable[[int], None] | None,
    ) -> Engine:
        self._clean()
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            folder = Path(tempfile.mkdtemp(prefix=f"{_TEMPORARY}{os.getpid()}-", dir=self._folder))
        except OSError as error:
            raise unwritable(self._folder, error) from error
        try:
            manifest = _copy(bundle, folder / _FILES, progress)
            for engine in self.list():
                if engine.manifest.id == manifest.id and name in (None, engine.name):
                    return engine
            entry = EngineEntry(
                name=chosen,
                abi=bundle.features.abi,
                files=manifest.files,
                programs=bundle.programs,
                logcat=bundle.features.logcat,
                version=bundle.features.version,
                page_align=bundle.features.page_align,
                origin=origin or str(path),
                omni=bundle.features.omni,
                features=bundle.features,
            )
            try:
                (folder / _ENTRY).write_bytes(_written(entry))
                folder.chmod(0o755)
            except OSError as error:
                raise unwritable(folder, error) from error
            final = self._folder / f"{chosen}-{manifest.id[:8]}"
            with contextlib.suppress(OSError):
                folder.rename(final)
            return self._read(final)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def list(self) -> list[Engine]:
        """All engines, sorted by id; raises InputError where an entry is damaged."""
        if not self._folder.is_dir():
            return []
        return [
            self._read(folder)
            for folder in sorted(self._folder.iterdir())
            if folder.is_dir() and not folder.name.startswith(".")
        ]

    def get(self, name_or_id: str) -> Engine:
        """The engine of this id or name, or the only one whose id begins so.

        Raises:
            InputError: none or several answer to it.
        """
        engines = self.list()
        for matches in (
            [engine for engine in engines if engine.id == name_or_id],
            [engine for engine in engines if engine.name == name_or_id],
            [engine for engine in engines if name_or_id and engine.id.startswith(name_or_id)],
        ):
            if len(matches) == 1:
                return matches[0]
            if matches:
                ids = ", ".join(engine.id for engine in matches)
                raise InputError(f"engine {name_or_id}", "several have this name", remedy=f"use one of {ids}")
        known = ", ".join(engine.id for engine in engines) or "none"
        raise InputError(
            f"engine {name_or_id}",
            "is not in the catalogue",
            remedy=f"known: {known} (devicehub engines add PATH)",
        )

    def remove(self, name_or_id: str) -> Engine:
        """Delete an engine from this host; what was pushed stays on the phones."""
        engine = self.get(name_or_id)
        folder = engine.root.parent
        # Renamed first: a removal that is broken off leaves no half engine under its name.
        doomed = folder.with_name(f"{_TEMPORARY}{os.getpid()}-{folder.name}")
        try:
            folder.rename(doomed)
        except OSError as error:
            raise unwritable(folder, error) from error
        shutil.rmtree(doomed, ignore_errors=True)
        return engine

    def _read(self, folder: Path) -> Engine:
        file = folder / _ENTRY
        try:
            entry = msgspec.json.decode(file.read_bytes(), type=EngineEntry)
        except OSError as error:
            raise unreadable(file, error) from error
        except msgspec.DecodeError as error:
            raise InputError(file, str(error), remedy=f"delete {folder} and add the engine again") from error
        return Engine(
            id=folder.name,
            name=entry.name,
            root=folder / _FILES,
            manifest=Manifest(entry.files),
            executables=entry.programs,
            features=entry.features or self._look_again(folder, entry),
            origin=entry.origin,
        )

    def _look_again(self, folder: Path, entry: EngineEntry) -> EngineFeatures:
        """The features of an engine that an older version added; kept where they can be."""
        files = {file.path: folder / _FILES / file.path for file in entry.files}
        features = msgspec.structs.replace(
            read_features(files, entry.abi),
            logcat=entry.logcat,
            version=entry.version,
            omni=entry.omni,
        )
        with contextlib.suppress(OSError):
            told = _written(msgspec.structs.replace(entry, features=features)).decode()
            publish(folder / _ENTRY, told, mode=0o644)
        return features

    def _clean(self) -> None:
        """Remove what additions left behind whose process has ended."""
        for folder in self._folder.glob(f"{_TEMPORARY}*"):
            pid = folder.name.removeprefix(_TEMPORARY).partition("-")[0]
            if pid.isdigit() and not _alive(int(pid)):
                shutil.rmtree(folder, ignore_errors=True)


def inspect_engine(engine: Engine) -> Inspection:
    """Judge the files of an engine anew; what its engine.toml said when it was added still holds.

    Raises:
        InputError: they cannot be looked at.
    """
    sources = {entry.path: engine.root / entry.path for entry in engine.manifest.files}
    bundle = Bundle(sources, engine.executables, engine.features)
    if engine.abi == VIRTUAL:
        return Inspection(bundle, engine.features)
    with inspected(engine.root) as found:
        findings = tuple(
            msgspec.structs.replace(finding, place=finding.place.replace(str(engine.root), engine.id, 1))
            for finding in found.findings
        )
        return Inspection(found.bundle and bundle, engine.features, findings)


def _copy(bundle: Bundle, folder: Path, progress: Callable[[int], None] | None) -> Manifest:
    folder.mkdir()
    for name, source in bundle.sources.items():
        target = folder / name
        try:
            shutil.copyfile(source, target)
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            raise (unwritable(target, error) if full else unreadable(source, error)) from error
        target.chmod(EXECUTABLE_MODE if name in bundle.programs else DATA_MODE)
    return build_manifest(folder, bundle.sources, progress=progress)


def _written(entry: EngineEntry) -> bytes:
    return msgspec.json.format(msgspec.json.encode(entry), indent=2)


def _check_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise InputError(
            f"engine name {name!r}",
            "cannot be used",
            remedy="take up to 64 letters, digits, `.`, `_` and `-`, beginning with a letter or digit",
        )
    return name


def _name_from(path: Path) -> str:
    own = path.resolve().name
    own = own[: -len(".zip")] if own.lower().endswith(".zip") else own
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", own).strip(".-_")[:64]
    return name or "engine"


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
