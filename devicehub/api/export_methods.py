"""The methods that export checkpoints: what an export would make, the job that makes it, what it said."""

from __future__ import annotations

import asyncio
import codecs
import contextlib
from typing import TYPE_CHECKING, Any, Final

from devicehub.api import contract
from devicehub.api.adding import Adding
from devicehub.api.catalogue_methods import CatalogueMethods
from devicehub.api.export_wishes import read_wish
from devicehub.api.exporting import Exporting, Tools, is_for_npu, plan_item, plan_npu
from devicehub.api.model import ExportPlanView, LogPage
from devicehub.api.run_methods import RunMethods
from devicehub.device.select import find_meant
from devicehub.errors import AskError, InputError
from devicehub.export.machine import check_extra
from devicehub.profiles.load import run_profile

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from devicehub.api.export_wishes import Item, Wish
    from devicehub.api.jobs import Job
    from devicehub.api.model import JobView
    from devicehub.api.server import Caller, Handler
    from devicehub.api.services import Services
    from devicehub.settings import Home

_PAGE_BYTES: Final = 64 * 1024
_KEPT: Final = 50
"""Jobs whose logs can still be asked for; the files stay."""


class ExportMethods:
    """Handlers of `exports.*`; one model is made at a time, for each takes what memory there is."""

    def __init__(self, services: Services) -> None:
        self._hub = services
        self._home = services.catalogue.home
        self._tools = Tools(
            services, Adding(services.catalogue.models), CatalogueMethods(services), RunMethods(services)
        )
        self._turn = asyncio.Lock()
        self._logs: dict[str, list[Path]] = {}

    def handlers(self) -> Mapping[str, Handler]:
        """By method name."""
        return {
            contract.EXPORT_PLAN.name: self.plan,
            contract.EXPORT_START.name: self.start,
            contract.EXPORT_LOG.name: self.log,
        }

    async def plan(self, params: contract.Export, _caller: Caller) -> list[ExportPlanView]:
        """What each recipe would make of a source, or why it would not.

        Raises:
            HubError: as `read_wish`.
        """
        wish = await asyncio.to_thread(read_wish, params, self._home, self._find_soc(params))
        others = [ExportPlanView(recipe=name, name="", refused=why) for name, why in wish.others.items()]
        return [
            *await asyncio.to_thread(lambda: [_plan_view(wish, item, self._home) for item in wish.items]),
            *others,
        ]

    async def start(self, params: contract.Export, caller: Caller) -> JobView:
        """Export a source by one recipe or more; the result tells `variants`, and what was `skipped` and why.

        Raises:
            HubError: as `read_wish`; the extra is not installed; a name is taken; a selector or the run
                profile is none.
        """
        check_extra()
        find_meant(self._hub.phones.devices(), params.push_to)
        if params.then_run is not None:
            run_profile(params.then_run, self._home)
        wish = await asyncio.to_thread(read_wish, params, self._home, self._find_soc(params))
        for item in wish.items:
            self._hub.catalogue.models.check_free(item.name, item.out)
            if item.out.exists():
                raise InputError(item.out, "is there already", remedy="name another folder, or remove it")

        async def export(job: Job) -> dict[str, Any]:
            logs = self._logs.setdefault(job.view.id, [])
            for old in list(self._logs)[:-_KEPT]:
                del self._logs[old]
            if self._turn.locked():
                job.say("another export is under way; this one begins when that has ended")
            async with self._turn:
                return await Exporting(self._tools, job, params, wish, caller, logs).run()

        label = f"{wish.source.folder.name}: {', '.join(item.recipe_id for item in wish.items)}"
        return self._hub.jobs.start(contract.EXPORT_START.name, export, label=label)

    def _find_soc(self, params: contract.Export) -> str | None:
        """The SoC that graphs for an NPU are for: the one that was named, or that of the phones that were.

        Raises:
            AskError: those phones have unlike SoCs, or none is known of them.
        """
        if not params.soc_of:
            return params.soc
        devices = find_meant(self._hub.phones.devices(), params.soc_of)
        socs = {device.facts.soc.model if device.facts else None for device in devices}
        if len(socs) != 1 or None in socs:
            raise AskError("--on names phones of one SoC, which is known; or give --soc NAME")
        return socs.pop()

    async def log(self, params: contract.ExportLog, _caller: Caller) -> LogPage:
        """A part of what the exporter said last in a job, from a byte on.

        With the next recipe another log begins: `file` tells.

        Raises:
            InputError: there is no such job, or it has no log.
        """
        self._hub.jobs.find(params.job)
        logs = self._logs.get(params.job)
        if not logs:
            raise InputError(params.job, "has no log yet", remedy="ask again when it exports")
        return await asyncio.to_thread(_read_page, logs[-1], max(params.first, 0))


def _read_page(file: Path, first: int) -> LogPage:
    data = b""
    with contextlib.suppress(FileNotFoundError), file.open("rb") as stream:
        stream.seek(first)
        data = stream.read(_PAGE_BYTES)
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    text = decoder.decode(data)
    # A character that is cut comes whole with the next page.
    cut = len(decoder.getstate()[0])
    return LogPage(file=str(file), text=text, next=first + len(data) - cut)


def _plan_views(wish: Wish, home: Home) -> list[ExportPlanView]:
    return [_plan_view(wish, item, home) for item in wish.items]


def _plan_view(wish: Wish, item: Item, home: Home) -> ExportPlanView:
    try:
        plan = plan_item(wish.source, item, fit_block=wish.fit_block)
        npu = plan_npu(wish, item, plan, home) if is_for_npu(item) else None
    except InputError as error:
        return ExportPlanView(recipe=item.recipe_id, name=item.name, refused=str(error))
    return ExportPlanView(
        recipe=item.recipe_id,
        name=item.name,
        options=dict(plan.options),
        notes=[*plan.notes, *(npu.notes if npu else ())],
        warnings=[*plan.warnings, *(npu.warnings if npu else ())],
        commands=npu.commands() if npu else [],
        size=plan.estimate.bytes,
        bits_per_weight=plan.estimate.bits_per_weight,
        ram=plan.estimate.ram_bytes,
        disk=plan.estimate.disk_bytes,
    )
