"""Judges a model: its files against their hashes, its settings against what MNN would make of them."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from devicehub.api.adding import hash_files
from devicehub.api.job_model import ModelCheckView
from devicehub.api.views import model_view
from devicehub.device.select import select
from devicehub.errors import AskError, InputError
from devicehub.files import host_path
from devicehub.findings import errors, in_order
from devicehub.lint.folder import lint_folder
from devicehub.lint.mend import mend_folder

if TYPE_CHECKING:
    from pathlib import Path

    from devicehub.api.adding import Adding
    from devicehub.api.contract import CheckModel
    from devicehub.api.jobs import Job
    from devicehub.api.services import Services
    from devicehub.device.model import Device
    from devicehub.findings import Finding
    from devicehub.models.catalog import Model, ModelCatalog


class ModelChecking:
    """What `models.check` does."""

    def __init__(self, services: Services, adding: Adding) -> None:
        self._hub = services
        self._models = services.catalogue.models
        self._adding = adding

    async def begin(self, params: CheckModel) -> tuple[str, CheckJob]:
        """Find out what is meant: a label, and the work.

        Raises:
            AskError: neither a model nor a folder is named.
            InputError: there is no such model.
            SelectionError: no phone is meant, or none is ready.
        """
        model = self._find(params)
        if model is None and params.folder is None:
            raise AskError("give a model of the catalogue or a folder")
        root = model.root if model is not None else host_path(params.folder or "").absolute()
        versions: set[str] = set()
        if params.selectors:
            await self._hub.phones.settled()
            devices = select(self._hub.phones.devices(), params.selectors)
            versions = self._versions(devices, params.engine)
        elif params.engine is not None:
            version = self._hub.catalogue.engines.get(params.engine).version
            versions = {version} if version else set()
        label = model.name if model is not None else root.name
        return label, CheckJob(self._models, self._adding, params, model, root, sorted(versions))

    def _find(self, params: CheckModel) -> Model | None:
        if params.folder is not None:
            root = host_path(params.folder).absolute()
            listed = self._models.list()
            named = next((model for model in listed if params.name in (model.name, model.id)), None)
            return named or next((model for model in listed if model.root == root), None)
        return self._models.find(params.name) if params.name else None

    def _versions(self, devices: list[Device], engine: str | None) -> set[str]:
        found = (self._hub.catalogue.engine_for(device, engine).version for device in devices)
        return {version for version in found if version is not None}


class CheckJob:
    """One check, as a job's work.

    Args:
        model: of the catalogue; None where the folder is in none.
        root: the model's folder.
        versions: of the engines that shall run it.
    """

    def __init__(
        self,
        models: ModelCatalog,
        adding: Adding,
        params: CheckModel,
        model: Model | None,
        root: Path,
        versions: list[str],
    ) -> None:
        self._models = models
        self._adding = adding
        self._params = params
        self._model = model
        self._root = root
        self._versions = versions

    async def __call__(self, job: Job) -> dict[str, Any]:
        """Hash, mend, judge, and let it answer, as far as that is asked; a `ModelCheckView` as builtins."""
        model, problems = self._model, [*(await self._hash(job))]
        mended: list[str] = []
        if self._params.fix:
            mended = await asyncio.to_thread(mend_folder, self._root)
            for change in mended:
                job.say(f"mended {change}")
        findings = await asyncio.to_thread(self._judge)
        made: bool | None = None
        if model is not None and mended:
            model = await self._follow(model, job, is_ours=not problems)
        if model is not None and self._params.fixture and not problems:
            made = await self._adding.make_fixture(model, job)
        view = ModelCheckView(
            place=str(self._root),
            ok=not problems and not errors(findings) and made is not False,
            model=None if model is None else msgspec.to_builtins(model_view(self._models, model)),
            problems=problems,
            findings=findings,
            mended=mended,
            made=made,
        )
        result: dict[str, Any] = msgspec.to_builtins(view)
        return result

    async def _follow(self, model: Model, job: Job, *, is_ours: bool) -> Model:
        """Let the catalogue know the mended files, where nothing else of the model has changed."""
        # What it answered before was answered by other content, which the catalogue then forgets.
        had_fixture = self._models.fixture(model) is not None and not self._params.fixture
        try:
            if is_ours:
                await self._adding.add(job, self._root, model.name, fixture=had_fixture)
                return self._models.find(model.name)
        except InputError as error:
            job.say(str(error))
        job.say(f"{model.name}: run `devicehub models add {self._root}` again when all is right")
        return model

    async def _hash(self, job: Job) -> tuple[str, ...]:
        if self._model is None:
            return ()
        found, problems = await hash_files(job, partial(self._models.check, self._model.name))
        for problem in problems:
            again = f"run `devicehub models add {found.root}` again"
            job.say(f"{found.name}: {problem} since it was added; {again}")
        return tuple(problems)

    def _judge(self) -> list[Finding]:
        try:
            findings = lint_folder(self._root)
            for version in self._versions:
                findings += [one for one in lint_folder(self._root, engine=version) if one not in findings]
        except InputError:
            if self._model is None:
                raise
            return []  # its files are told to be gone
        return in_order(findings)
