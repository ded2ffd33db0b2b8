"""The methods about models: the catalogue, what comes from hubs, what may go, folders that are watched."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from devicehub.api import contract
from devicehub.api.adding import Adding
from devicehub.api.model import HolderView, LitterView
from devicehub.api.model_checking import ModelChecking
from devicehub.api.views import device_id, model_view
from devicehub.deploy.holding import read_holdings
from devicehub.device.lifecycle import DeviceState
from devicehub.errors import AdbError
from devicehub.export.workplace import find_rests
from devicehub.files import host_path
from devicehub.models.catalog import check_name
from devicehub.models.hubs import parse_source
from devicehub.models.litter import find_litter, remove_litter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devicehub.api.jobs import Job
    from devicehub.api.model import JobView, ModelView
    from devicehub.api.server import Caller, Handler
    from devicehub.api.services import Services
    from devicehub.device.model import Device
    from devicehub.models.litter import Litter


_USERS: Final = ("models.", "exports.", "prunes.")
"""Kinds of jobs begin so that use folders below the home."""


class ModelMethods:
    """Handlers of `models.*`."""

    def __init__(self, services: Services) -> None:
        self._hub = services
        self._models = services.catalogue.models
        self._adding = Adding(self._models)
        self._checking = ModelChecking(services, self._adding)
        self._held: dict[str, tuple[float, dict[str, str]]] = {}

    def handlers(self) -> Mapping[str, Handler]:
        """By method name."""
        return {
            contract.MODELS.name: self.models,
            contract.MODEL_ADD.name: self.add,
            contract.MODEL_PULL.name: self.pull,
            contract.MODEL_CHECK.name: self.check,
            contract.MODEL_REMOVE.name: self.remove,
            contract.MODEL_LITTER.name: self.litter,
            contract.MODEL_GC.name: self.collect,
            contract.MODEL_HOLDERS.name: self.holders,
            contract.MODEL_FOLDERS.name: self.folders,
            contract.MODEL_WATCH.name: self.watch,
            contract.MODEL_UNWATCH.name: self.unwatch,
        }

    async def models(self, _params: contract.Params, _caller: Caller) -> list[ModelView]:
        """The catalogue's models, and whether their files are as they were."""

        def look() -> list[ModelView]:
            return [model_view(self._models, model) for model in self._models.list()]

        return await asyncio.to_thread(look)

    async def add(self, params: contract.AddModel, _caller: Caller) -> JobView:
        """Take a folder into the catalogue and let the model answer its fixture; the result is its view."""
        folder = host_path(params.folder)

        async def add(job: Job) -> dict[str, Any]:
            return {"model": await self._adding.add(job, folder, params.name, fixture=params.fixture)}

        return self._hub.jobs.start("models.add", add, label=params.name or folder.name)

    async def pull(self, params: contract.PullModel, _caller: Caller) -> JobView:
        """Bring a model or a checkpoint from a hub; a model goes into the catalogue.

        The result has `source`, `folder`, `kind`, `revision`, `size`, `fetched` and `model`, which is None
        for a checkpoint.

        Raises:
            InputError: that is no source, or the name is taken by another model.
        """
        source = parse_source(params.source)
        pulls = self._hub.pulls
        place = pulls.folders.place(source)
        name = check_name(params.name if params.name is not None else source.name)
        self._models.check_free(name, place)

        async def pull(job: Job) -> dict[str, Any]:
            pulled = await pulls.pull(source, job)
            record = pulled.folder.record
            model = None
            if record.kind == "model":
                model = await self._adding.add(job, place, name, fixture=params.fixture)
            return {
                "source": record.source,
                "folder": str(place),
                "kind": record.kind,
                "revision": record.revision,
                "size": sum(file.size for file in record.files),
                "fetched": pulled.fetched,
                "model": model,
            }

        return self._hub.jobs.start("models.pull", pull, label=str(source))

    async def check(self, params: contract.CheckModel, _caller: Caller) -> JobView:
        """Judge a model: a job whose result is a `ModelCheckView`.

        Raises:
            AskError: neither a model nor a folder is named.
            InputError: there is no such model.
            SelectionError: no phone is meant, or none is ready.
        """
        label, work = await self._checking.begin(params)
        return self._hub.jobs.start("models.check", work, label=label)

    async def remove(self, params: contract.Named, _caller: Caller) -> ModelView:
        """Forget a model, also one whose files have changed."""

        def remove() -> ModelView:
            view = model_view(self._models, self._models.find(params.name))
            self._models.remove(view.name)
            return view

        return await asyncio.to_thread(remove)

    async def litter(self, _params: contract.Params, _caller: Caller) -> list[LitterView]:
        """What nothing needs any more; nothing is removed.

        Raises:
            InputError: an entry of the catalogue is damaged: whose folder it names cannot be told.
        """
        found = await asyncio.to_thread(self._find_litter, is_quiet=self._is_quiet())
        return [_litter_view(one) for one in found]

    async def collect(self, params: contract.Collect, _caller: Caller) -> list[LitterView]:
        """Remove what was named, as far as nothing needs it even now; what was removed.

        Raises:
            InputError: something cannot be removed.
        """

        def collect() -> list[Litter]:
            going = [one for one in self._find_litter(is_quiet=is_quiet) if one.id in params.ids]
            remove_litter(self._hub.pulls.folders, going)
            return going

        is_quiet = self._is_quiet()
        return [_litter_view(one) for one in await asyncio.to_thread(collect)]

    async def holders(self, _params: contract.Params, _caller: Caller) -> list[HolderView]:
        """Which phones hold which models.

        Phones that are ready are asked; of one that runs something or is away, what it said last is told.
        """
        known = self._hub.phones.devices()
        serials = Counter(device.serial for device in known)
        devices = {device_id(device, shared=serials[device.serial] > 1): device for device in known}
        ready = [
            name
            for name, device in devices.items()
            if device.state is DeviceState.READY and not device.is_host  # there models are used in place
        ]
        async with asyncio.TaskGroup() as tasks:
            for name in ready:
                tasks.create_task(self._ask_holdings(name, devices[name]))
        here = {model.name: model.manifest.id for model in await asyncio.to_thread(self._models.list)}
        return [
            HolderView(
                model=model, device=name, same=here[model] == content if model in here else None, seen=seen_s
            )
            for name, (seen_s, held) in sorted(self._held.items())
            for model, content in sorted(held.items())
        ]

    async def _ask_holdings(self, name: str, device: Device) -> None:
        with contextlib.suppress(AdbError):  # it stays as it was
            held = await read_holdings(self._hub.phones.transport(device))
            self._held[name] = (self._hub.clock.wall_s(), held)

    async def folders(self, _params: contract.Params, _caller: Caller) -> list[str]:
        """The folders that are watched."""
        return [str(folder) for folder in self._hub.folders.watched()]

    async def watch(self, params: contract.WatchFolder, caller: Caller) -> list[str]:
        """Watch one more; what lies in it already is found too.

        Raises:
            InputError: it is no folder.
        """
        self._hub.folders.add(host_path(params.folder))
        return await self.folders(contract.Params(), caller)

    async def unwatch(self, params: contract.WatchFolder, caller: Caller) -> list[str]:
        """Watch one no longer; its models stay in the catalogue.

        Raises:
            InputError: it is not watched.
        """
        self._hub.folders.remove(host_path(params.folder))
        return await self.folders(contract.Params(), caller)

    def _is_quiet(self) -> bool:
        """No job takes a model in, or reads a checkpoint: those stand in the catalogue not yet, or never."""
        return not any(job.kind.startswith(_USERS) for job in self._hub.jobs.under_way())

    def _find_litter(self, *, is_quiet: bool) -> list[Litter]:
        home = self._hub.catalogue.home
        return find_litter(
            home,
            self._hub.pulls.folders,
            [model.root for model in self._models.list()],
            now_s=self._hub.clock.wall_s(),
            is_under_way=self._hub.pulls.is_under_way,
            rests=find_rests(home.exported),
            is_quiet=is_quiet,
        )


def _litter_view(litter: Litter) -> LitterView:
    return LitterView(
        id=litter.id, kind=litter.kind, path=str(litter.path), size=litter.size, source=litter.source
    )
