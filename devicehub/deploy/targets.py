"""Where things belong on a phone, and the one call that brings them there."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from devicehub.adb.sync import open_sync
from devicehub.deploy.carry import carry_out
from devicehub.deploy.inventory import read_inventory
from devicehub.deploy.plan import plan_push
from devicehub.errors import InputError
from devicehub.manifest import FileEntry, Manifest, build_entry, check_relative, unreadable
from devicehub.settings import PHONE_DATA, PHONE_MODELS, PHONE_ROOT, phone_root

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

    from devicehub.adb.client import Transport
    from devicehub.deploy.carry import PushOutcome
    from devicehub.deploy.plan import PushPlan
    from devicehub.engines.catalog import Engine
    from devicehub.models.catalog import Model


@dataclass(frozen=True)
class Target:
    """A bundle of this host and the folder of the phone that it belongs to."""

    label: str
    manifest: Manifest
    root: Path
    directory: str
    is_ours: bool = True
    """The folder holds this bundle alone, with its manifest beside; not so for a single file."""
    sources: Mapping[str, Path] = field(default_factory=dict)
    """Files that lie elsewhere on this host than their paths say."""

    @property
    def world_readable(self) -> bool:
        """Other apps may read it."""
        return PurePosixPath(self.directory).is_relative_to(PHONE_MODELS)

    async def plan(self, transport: Transport) -> PushPlan:
        """What has to be done on this phone."""
        inventory = await read_inventory(transport, self.directory, self.manifest, whole=self.is_ours)
        return plan_push(self.manifest, inventory)

    async def carry_out(
        self, plan: PushPlan, transport: Transport, *, progress: Callable[[int], None] | None = None
    ) -> PushOutcome:
        """Do it; raises as `carry.carry_out` does."""
        return await carry_out(
            plan,
            transport,
            root=self.root,
            target_dir=self.directory,
            progress=progress,
            world_readable=self.world_readable,
            publish=self.is_ours,
            sources=self.sources,
        )


@dataclass(frozen=True)
class Ground:
    """Where a device keeps what a run needs.

    Attributes:
        data: the folder in which its shell may write.
        in_place: engines and models are used where they lie on this host: the device is this host.
    """

    data: str = PHONE_DATA
    in_place: bool = False

    @property
    def root(self) -> str:
        """All of ours but the models."""
        return phone_root(self.data)

    def engine_dir(self, engine: Engine) -> str:
        """The folder of an engine there."""
        return str(engine.root) if self.in_place else engine_target(engine).directory

    def model_dir(self, model: Model) -> str:
        """The folder of a model there."""
        return str(model.root) if self.in_place else model_target(model).directory


def engine_target(engine: Engine, without: Collection[str] = ()) -> Target:
    """Where an engine belongs; the files named in `without` are not pushed."""
    files = tuple(entry for entry in engine.manifest.files if entry.path not in without)
    return Target(engine.id, Manifest(files), engine.root, f"{PHONE_ROOT}/engines/{engine.id}")


def model_target(model: Model) -> Target:
    """Where a model belongs."""
    return Target(model.name, model.manifest, model.root, f"{PHONE_MODELS}/{model.name}")


async def file_target(source: Path, destination: str, transport: Transport) -> Target:
    """Where a file belongs: the destination itself, or in it under the file's name if it is a folder there.

    Raises:
        InputError: the source is no file, or the destination is not an absolute path.
    """
    path = PurePosixPath(destination)
    if not path.is_absolute() or ".." in path.parts:
        raise InputError(
            destination,
            "is no absolute path on the phone",
            remedy="begin it with /, such as /data/local/tmp/",
        )
    async with open_sync(transport) as sync:
        found = await sync.stat(str(path))
    if destination.endswith("/") or (found is not None and found.is_folder):
        path /= source.name
    entry = _entry(source, path.name)
    return Target(
        label=path.name,
        manifest=Manifest((entry,)),
        root=source.parent,
        directory=str(path.parent),
        is_ours=False,
        sources={entry.path: source},
    )


def _entry(source: Path, name: str) -> FileEntry:
    try:
        is_folder = source.is_dir()
    except OSError as error:
        raise unreadable(source, error) from error
    if is_folder:
        remedy = "push its files one by one, or add it as a model or engine"
        raise InputError(source, "is a folder", remedy=remedy)
    entry = replace(build_entry(source.parent, source.name), path=name)
    check_relative(source.parent, name)
    return entry
