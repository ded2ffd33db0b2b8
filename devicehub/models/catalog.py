"""The user's models: each one stays where it lies; the catalogue knows its files and their hashes."""

from __future__ import annotations

import os
import shlex
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from devicehub.errors import InputError
from devicehub.manifest import (
    DATA_MODE,
    FileEntry,
    Manifest,
    build_entry,
    name_problem,
    unreadable,
    unwritable,
)
from devicehub.models.check import CONFIG, check_model, read_object
from devicehub.models.fixture import Fixture, NoFixture
from devicehub.models.shelf import FixtureShelf

if TYPE_CHECKING:
    from collections.abc import Callable

    from devicehub.settings import Home

_SUFFIX: Final = ".json"
_NAME_BYTES: Final = 200


class ModelFile(msgspec.Struct, frozen=True):
    """A file as it was when it was hashed."""

    entry: FileEntry
    mtime_ns: int
    ctime_ns: int


class ModelEntry(msgspec.Struct, frozen=True):
    """What is stored of a model."""

    name: str
    root: str
    files: tuple[ModelFile, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Model:
    """One model of the catalogue."""

    id: str
    """`<name>-<8 hex digits of the content's hash>`."""
    name: str
    root: Path
    """Its folder on this host."""
    manifest: Manifest
    """The files that must be pushed, and only those."""
    warnings: tuple[str, ...]
    """What it will not be able to do, one sentence each."""

    @property
    def config(self) -> dict[str, Any]:
        """Its config.json; raises InputError where that can no longer be read."""
        return read_object(self.root / CONFIG)

    @property
    def llm_config(self) -> dict[str, Any]:
        """Its llm_config.json, under whatever name config.json gives it."""
        return read_object(self.root / str(self.config.get("llm_config", "llm_config.json")))


class ModelCatalog:
    """Adds, lists and removes models under the user's data folder; their files stay where they are."""

    def __init__(self, home: Home) -> None:
        self._folder = home.models
        self._shelf = FixtureShelf(home)

    def add(
        self,
        path: Path,
        name: str | None = None,
        *,
        progress: Callable[[int], None] | None = None,
        begin: Callable[[int], None] | None = None,
    ) -> Model:
        """Check a model's folder and take it into the catalogue; again: hash what changed since.

        Args:
            path: a folder as llmexport writes it.
            name: its name here and on the phone; the folder's own by default.
            progress: called with the size of each block that was hashed.
            begin: called before, with the bytes that must be hashed.

        Raises:
            InputError: the model could not answer, or its name is taken by another folder.
        """
        path = path.absolute()
        checked = check_model(path)
        chosen = check_name(name if name is not None else path.resolve().name)
        before = self._known(chosen, path)
        known = {} if before is None else {one.entry.path: one for one in before.files}
        files: dict[str, ModelFile] = {}
        changed: dict[str, os.stat_result] = {}
        for file in checked.files:
            facts = _stat(path / file)
            if file in known and _is_unchanged(known[file], facts):
                files[file] = known[file]
            else:
                changed[file] = facts
        if begin is not None:
            begin(sum(facts.st_size for facts in changed.values()))
        for file, facts in changed.items():
            # A phone's models are data whatever the host's mode says; nor may it change their id.
            entry = replace(build_entry(path, file, progress=progress), mode=DATA_MODE)
            # The stat is older than the hash: a change in between shows at the next look.
            files[file] = ModelFile(entry=entry, mtime_ns=facts.st_mtime_ns, ctime_ns=facts.st_ctime_ns)
        stored = ModelEntry(
            name=chosen,
            root=str(path),
            files=tuple(files[file] for file in checked.files),
            warnings=checked.warnings,
        )
        self._write(stored)
        if before is not None:
            self._drop_fixture(before)
        return model_of(stored)

    def check(
        self,
        name_or_id: str,
        *,
        progress: Callable[[int], None] | None = None,
        begin: Callable[[int], None] | None = None,
    ) -> tuple[Model, tuple[str, ...]]:
        """Hash a model's files anew, all of them: the model, and one sentence for each that is not as it was.

        Args:
            name_or_id: as for `get`.
            progress: called with the size of each block that was hashed.
            begin: called before, with the bytes that are hashed.

        Raises:
            InputError: none or several answer to the name, or a file cannot be read.
        """
        entry = self._find(name_or_id)
        model = model_of(entry)
        there = [file for file in entry.files if (model.root / file.entry.path).is_file()]
        if begin is not None:
            begin(sum(_stat(model.root / file.entry.path).st_size for file in there))
        problems = [f"{file.entry.path} is gone" for file in entry.files if file not in there]
        fresh: list[ModelFile] = []
        for file in there:
            facts = _stat(model.root / file.entry.path)
            now = replace(build_entry(model.root, file.entry.path, progress=progress), mode=DATA_MODE)
            fresh.append(ModelFile(entry=now, mtime_ns=facts.st_mtime_ns, ctime_ns=facts.st_ctime_ns))
            if now != file.entry:
                problems.append(f"{file.entry.path} has changed")
        if not problems:
            # Touched files are taken for changed by all who do not hash them.
            self._write(msgspec.structs.replace(entry, files=tuple(fresh)))
        return model, tuple(problems)

    def list(self) -> list[Model]:
        """All models by name, as they were when added; raises InputError where an entry is damaged."""
        return [model_of(entry) for entry in self._entries()]

    def get(self, name_or_id: str) -> Model:
        """The model of this name or id, or the only one whose name begins so, with its files unchanged.

        Raises:
            InputError: none or several answer to it, or a file is gone or has changed since it was added.
        """
        entry = self._find(name_or_id)
        problem = find_change(entry)
        if problem is not None:
            place, what = problem
            raise InputError(place, what, remedy=f"run `devicehub models add {entry.root}` again")
        return model_of(entry)

    def find(self, name_or_id: str) -> Model:
        """As `get`, whether or not its files have changed since."""
        return model_of(self._find(name_or_id))

    def remove(self, name_or_id: str) -> Model:
        """Forget a model; its folder stays, and what was pushed stays on the phones."""
        entry = self._find(name_or_id)
        try:
            self._file(entry.name).unlink(missing_ok=True)
        except OSError as error:
            raise unwritable(self._file(entry.name), error) from error
        self._drop_fixture(entry)
        return model_of(entry)

    def check_free(self, name: str, root: Path) -> None:
        """Raise InputError where the name is taken by the model of another folder."""
        self._known(name, root.absolute())

    def state(self, model: Model) -> str:
        """`ok`, or what keeps `get` from returning it: `changed`."""
        entry = next((entry for entry in self._entries() if entry.name == model.name), None)
        return "ok" if entry is not None and find_change(entry) is None else "changed"

    def fixture(self, model: Model) -> Fixture | None:
        """What the model must answer; None where it has no fixture."""
        found = self._shelf.find(model.manifest.id)
        return found if isinstance(found, Fixture) else None

    def fixture_reason(self, model: Model) -> str | None:
        """Why the model has no fixture, without a full stop; None where it has one."""
        found = self._shelf.find(model.manifest.id)
        if found is None:
            return f"none was made; `devicehub models check {shlex.quote(model.name)} --fixture` makes it"
        return found.reason if isinstance(found, NoFixture) else None

    async def make_fixture(
        self, model: Model, *, heard: Callable[[int], None] = lambda _answers: None
    ) -> Fixture | NoFixture:
        """Let the model answer on this host, and keep that with its content.

        Where it cannot answer, a fixture that was made before stays; else the reason is kept.

        Args:
            model: of this catalogue.
            heard: told how many answers there are, after each; there are three, or some more.

        Raises:
            InputError: its files have changed since it was added, or nothing can be written.
        """
        from devicehub.models.make_fixture import make_fixture

        with self._shelf.scratch() as scratch:
            made = await make_fixture(model, scratch, heard=heard)
        # Whatever changed meanwhile has answered in place of what the id names.
        self.get(model.name)
        if isinstance(made, Fixture) or self.fixture(model) is None:
            self._shelf.put(model.manifest.id, made)
        return made

    def _find(self, name_or_id: str) -> ModelEntry:
        entries = self._entries()
        for matches in (
            [entry for entry in entries if name_or_id in (entry.name, model_of(entry).id)],
            [entry for entry in entries if name_or_id and entry.name.startswith(name_or_id)],
        ):
            if len(matches) == 1:
                return matches[0]
            if matches:
                names = ", ".join(entry.name for entry in matches)
                raise InputError(
                    f"model {name_or_id}", "several names begin so", remedy=f"use one of {names}"
                )
        known = ", ".join(entry.name for entry in entries) or "none"
        raise InputError(
            f"model {name_or_id}",
            "is not in the catalogue",
            remedy=f"known: {known} (devicehub models add DIR)",
        )

    def _entries(self) -> tuple[ModelEntry, ...]:
        if not self._folder.is_dir():
            return ()
        files = sorted(self._folder.glob(f"*{_SUFFIX}"))
        return tuple(self._read(file) for file in files if not file.name.startswith("."))

    def _known(self, name: str, root: Path) -> ModelEntry | None:
        """The entry of that name, which must be of this folder; None where there is none."""
        file = self._file(name)
        if not file.exists():
            return None
        try:
            entry = self._read(file)
        except InputError:
            return None  # a damaged entry is replaced
        if Path(entry.root) != root:
            remedy = "give this one another with --name, or remove the other"
            raise InputError(root, f"the name {name} is taken by the model in {entry.root}", remedy=remedy)
        return entry

    def _drop_fixture(self, entry: ModelEntry) -> None:
        """Forget what was made of a content that no model of the catalogue has any more."""
        content = model_of(entry).manifest.id
        try:
            others = [model_of(other).manifest.id for other in self._entries()]
        except InputError:
            return  # a damaged entry: whose content it names cannot be told
        if content not in others:
            self._shelf.drop(content)

    def _read(self, file: Path) -> ModelEntry:
        try:
            return msgspec.json.decode(file.read_bytes(), type=ModelEntry)
        except OSError as error:
            raise unreadable(file, error) from error
        except msgspec.DecodeError as error:
            raise InputError(file, str(error), remedy="delete this file and add the model again") from error

    def _write(self, entry: ModelEntry) -> None:
        file = self._file(entry.name)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            descriptor, temporary = tempfile.mkstemp(prefix=".adding-", dir=self._folder)
            try:
                with os.fdopen(descriptor, "wb") as stream:
                    stream.write(msgspec.json.format(msgspec.json.encode(entry), indent=2))
                Path(temporary).replace(file)
            finally:
                Path(temporary).unlink(missing_ok=True)
        except OSError as error:
            raise unwritable(file, error) from error

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}{_SUFFIX}"


def check_name(name: str) -> str:
    """A model's name, if a folder of the phone can bear it: spaces, quotes and UTF-8 may be in it.

    Raises:
        InputError: says why it cannot.
    """
    problem = name_problem(name)
    if problem is None and len(name.encode()) > _NAME_BYTES:
        problem = f"is longer than {_NAME_BYTES} bytes"
    if problem is None and not name:
        problem = "is empty"
    if problem is None and name[0] in ".-":
        problem = "begins with a dot or a dash"
    if problem is None and "/" in name:
        problem = "holds a slash"
    if problem is None and name.strip() != name:
        problem = "begins or ends with a space"
    if problem is not None:
        raise InputError(f"model name {name!r}", problem, remedy="choose another with --name")
    return name


def find_change(entry: ModelEntry) -> tuple[Path, str] | None:
    """The first file that is not what was hashed, and what is wrong with it; None if all are as they were."""
    root = Path(entry.root)
    for file in entry.files:
        place = root / file.entry.path
        try:
            facts = place.stat()
        except OSError:
            return place, "is gone since the model was added"
        if not _is_unchanged(file, facts):
            return place, "has changed since the model was added"
    return None


def _stat(file: Path) -> os.stat_result:
    try:
        return file.stat()
    except OSError as error:
        raise unreadable(file, error) from error


def _is_unchanged(file: ModelFile, facts: os.stat_result) -> bool:
    # ctime cannot be set back, unlike mtime.
    now = (facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns)
    return now == (file.entry.size, file.mtime_ns, file.ctime_ns)


def model_of(entry: ModelEntry) -> Model:
    """The model that an entry is of."""
    manifest = Manifest(tuple(file.entry for file in entry.files))
    return Model(
        id=f"{entry.name}-{manifest.id[:8]}",
        name=entry.name,
        root=Path(entry.root),
        manifest=manifest,
        warnings=entry.warnings,
    )
