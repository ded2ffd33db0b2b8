"""Takes folders into the catalogue as jobs: hash, then let the model answer its fixture."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from devicehub.api.views import model_view
from devicehub.findings import Severity
from devicehub.lint.folder import lint_folder
from devicehub.models.fixture import NoFixture

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from devicehub.api.jobs import Job
    from devicehub.models.catalog import Model, ModelCatalog

T = TypeVar("T")

_SLOW_FROM: Final = 100_000_000
"""Bytes; a smaller model answers at once."""


class Adding:
    """What jobs do with models of the catalogue."""

    def __init__(self, models: ModelCatalog) -> None:
        self._models = models

    async def add(self, job: Job, folder: Path, name: str | None, *, fixture: bool) -> dict[str, Any]:
        """Take a folder into the catalogue; its view as builtins.

        Raises:
            InputError: as `ModelCatalog.add`.
        """
        model = await hash_files(job, partial(self._models.add, folder, name))
        for finding in await asyncio.to_thread(lint_folder, model.root):
            if finding.severity is not Severity.NOTE:
                job.say(f"{finding.severity}: {finding}")
        if fixture and self._models.fixture(model) is None:
            await self.make_fixture(model, job)
        view: dict[str, Any] = msgspec.to_builtins(model_view(self._models, model))
        return view

    async def make_fixture(self, model: Model, job: Job) -> bool:
        """Let a model answer on this host; tells what came of it, and whether it has answered."""
        before = self._models.fixture(model)
        job.begin("fixture", 0)
        job.say(f"{model.name}: asking it on this host what a phone must answer")

        def heard(answers: int) -> None:
            if model.manifest.size > _SLOW_FROM:
                job.say(f"{model.name}: {answers} answered")

        made = await self._models.make_fixture(model, heard=heard)
        if isinstance(made, NoFixture):
            kept = "the one from before stays" if before else "what phones answer will not be checked"
            job.say(f"{model.name}: no fixture: {made.reason}; {kept}")
            return False
        if before is not None:
            same = "as before" if made.digest == before.digest else "and not as before"
            job.say(f"{model.name}: it answers {same} ({made.engine}; before: {before.engine})")
        return True


class _GivenUpError(Exception):
    """Ends the hashing whose job was cancelled: a thread cannot be."""


async def hash_files(job: Job, work: Callable[..., T]) -> T:
    """Have a thread hash files; the job is told how far it is.

    Args:
        job: waits for it.
        work: takes `begin`, to be called with the bytes that are to be hashed, and `progress` for each block.
    """
    loop = asyncio.get_running_loop()
    is_wanted = True

    def begin(total: int) -> None:
        loop.call_soon_threadsafe(job.begin, "hash", total)

    def advance(size: int) -> None:
        if not is_wanted:
            raise _GivenUpError
        loop.call_soon_threadsafe(job.advance, size)

    try:
        return await asyncio.to_thread(work, begin=begin, progress=advance)
    finally:
        is_wanted = False
