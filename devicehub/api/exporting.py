"""Makes the models of one export, one after the other, and hands on each as soon as it is ready."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from devicehub.api import contract
from devicehub.api.model import StageView
from devicehub.errors import HubError, InputError
from devicehub.export.feed import Order, make_model
from devicehub.export.figures import Figures, pareto
from devicehub.export.machine import this_machine
from devicehub.export.measuring import measure_figures
from devicehub.export.npu.making import make_npu_model
from devicehub.export.npu.plan import prepare_npu
from devicehub.export.plan import plan_export
from devicehub.export.source import read_source
from devicehub.export.stages import TITLES
from devicehub.export.unpack import unpack_gguf
from devicehub.export.workplace import workplace
from devicehub.profiles.load import load_socs
from devicehub.runs.ask import RunAsk

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from devicehub.api.adding import Adding
    from devicehub.api.catalogue_methods import CatalogueMethods
    from devicehub.api.export_wishes import Item, Wish
    from devicehub.api.jobs import Job
    from devicehub.api.run_methods import RunMethods
    from devicehub.api.server import Caller
    from devicehub.api.services import Services
    from devicehub.export.acceptance import Acceptance
    from devicehub.export.npu.plan import NpuPlan
    from devicehub.export.npu.progress import NpuProgress
    from devicehub.export.plan import Plan
    from devicehub.export.progress import Progress
    from devicehub.export.source import Source
    from devicehub.settings import Home


@dataclass(frozen=True)
class Tools:
    """What an export hands its models on with."""

    hub: Services
    adding: Adding
    catalogue: CatalogueMethods
    runs: RunMethods


@dataclass(frozen=True)
class Variant:
    """One model that was made.

    Attributes:
        took_s: the seconds of each stage.
        peak_bytes: of memory that the exporter had at once.
    """

    item: Item
    folder: Path
    acceptance: Acceptance
    figures: Figures
    took_s: Mapping[str, float]
    peak_bytes: int

    def row(self, *, is_best: bool) -> dict[str, Any]:
        """As clients are told of it; `pareto`: no other variant is better in everything."""
        return {
            "recipe": self.item.recipe_id,
            "name": self.item.name,
            "folder": str(self.folder),
            **msgspec.to_builtins(self.figures),
            "unchecked": self.acceptance.skipped or None,
            "took_s": {stage: round(took_s, 3) for stage, took_s in self.took_s.items()},
            "peak_bytes": self.peak_bytes,
            "pareto": is_best,
        }


class Exporting:
    """One job of exports.

    Args:
        tools: of the hub.
        job: is told how far it is.
        params: what the client asked for.
        wish: the same, read.
        caller: who asked; runs that follow are his.
        logs: gets each log as it is begun.
    """

    def __init__(
        self,
        tools: Tools,
        job: Job,
        params: contract.Export,
        wish: Wish,
        caller: Caller,
        logs: list[Path],
    ) -> None:
        self._tools = tools
        self._job = job
        self._params = params
        self._wish = wish
        self._caller = caller
        self._logs = logs
        self._source = wish.source
        self._skipped = [{"recipe": name, "reason": reason} for name, reason in wish.others.items()]

    async def run(self) -> dict[str, Any]:
        """Make all; with one recipe its error is the job's, with several each is told and the others go on.

        Raises:
            HubError: no model was made.
        """
        gguf = self._wish.source.gguf
        if gguf is None:
            return await self._make_all()
        # Beside what is exported: whatever ends this, the next export removes what is left.
        with workplace(self._tools.hub.catalogue.home.exported / f"{self._job.view.id}-source") as work:
            self._job.begin(f"unpack {gguf.name}", 0)
            folder = await unpack_gguf(self._wish.source, work / self._wish.source.folder.name)
            self._source = await asyncio.to_thread(read_source, folder)
            return await self._make_all()

    async def _make_all(self) -> dict[str, Any]:
        variants: list[Variant] = []
        for item in self._wish.items:
            try:
                variants.append(await self._make(item))
            except HubError as error:
                if len(self._wish.items) == 1:
                    raise
                self._job.say(f"{item.recipe_id}: {error}")
                self._skipped.append({"recipe": item.recipe_id, "reason": str(error)})
        if not variants:
            problem = "no recipe made a model of it"
            raise InputError(self._wish.source.folder, problem, remedy="see what was said of each")
        best = pareto([variant.figures for variant in variants])
        rows = [one.row(is_best=is_best) for one, is_best in zip(variants, best, strict=True)]
        return {"variants": rows, "skipped": self._skipped, "logs": [str(log) for log in self._logs]}

    async def _make(self, item: Item) -> Variant:
        self._job.begin(f"look at {self._wish.source.folder.name}", 0)
        plan = await asyncio.to_thread(plan_item, self._source, item, fit_block=self._wish.fit_block)
        self._say(item, plan.notes, plan.warnings)
        log = self._tools.hub.catalogue.home.logs / f"export-{self._job.view.id}-{item.recipe_id}.log"
        self._logs.append(log)
        if is_for_npu(item):
            return await self._make_for_npu(item, plan, log)
        made = await make_model(
            Order(plan, item.out, log),
            on_stage=lambda progress: self._job.reach(stage_view(item.recipe_id, progress)),
            clock=self._tools.hub.clock,
        )
        await self._take_in(item, made.folder, made.acceptance)
        took_s = {str(stage): took_s for stage, took_s in made.took_s.items()}
        figures = await self._measure(made.folder, made.acceptance)
        return Variant(item, made.folder, made.acceptance, figures, took_s, made.result.peak_bytes)

    async def _make_for_npu(self, item: Item, plan: Plan, log: Path) -> Variant:
        """Make one that this host cannot run: nothing is measured here."""
        home = self._tools.hub.catalogue.home
        npu = await asyncio.to_thread(plan_npu, self._wish, item, plan, home)
        self._say(item, npu.notes, npu.warnings)
        made = await make_npu_model(
            npu,
            log,
            on_progress=lambda progress: self._job.reach(npu_stage_view(item.recipe_id, progress)),
            clock=self._tools.hub.clock,
        )
        await self._take_in(item, made.folder, made.acceptance)
        fidelity = made.acceptance.fidelity
        figures = Figures(
            size=self._tools.hub.catalogue.models.get(item.name).manifest.size,
            cosine=fidelity.mean if fidelity is not None else None,
            problem="this host cannot run what the NPU runs",
        )
        return Variant(item, made.folder, made.acceptance, figures, made.took_s, made.result.peak_bytes)

    def _say(self, item: Item, notes: Sequence[str], warnings: Sequence[str]) -> None:
        for said in [*notes, *(f"warning: {warning}" for warning in warnings)]:
            self._job.say(f"{item.recipe_id}: {said}")

    async def _take_in(self, item: Item, folder: Path, acceptance: Acceptance) -> None:
        """Put a model into the catalogue, and onto the phones that were named."""
        skipped = [acceptance.skipped] if acceptance.skipped else []
        self._say(item, skipped, acceptance.warnings)
        await self._tools.adding.add(self._job, folder, item.name, fixture=self._params.fixture)
        await self._hand_on(item)

    async def _measure(self, folder: Path, acceptance: Acceptance) -> Figures:
        self._job.begin("measure it on this host", 0)
        cosine = acceptance.fidelity.mean if acceptance.fidelity is not None else None
        text = None
        if self._wish.text is not None:
            text = await asyncio.to_thread(self._wish.text.read_text, encoding="utf-8")
        return await measure_figures(folder, cosine=cosine, text=text)

    async def _hand_on(self, item: Item) -> None:
        """Bring a model onto the phones that were named, and have it run there; a failure is said only."""
        params = self._params
        if params.push_to:
            await self._push(item)
        if params.then_run is None:
            return
        ask = RunAsk(
            model=item.name, selectors=tuple(params.push_to), profile=params.then_run, workload="bench"
        )
        try:
            started = await self._tools.runs.start(ask, self._caller)
        except HubError as error:
            self._job.say(f"{item.name} does not run: {error}")
        else:
            self._job.say(f"{item.name} runs: {', '.join(run.id for run in started)}")

    async def _push(self, item: Item) -> None:
        push = contract.Push(kind="model", name=item.name, selectors=self._params.push_to)
        try:
            jobs = await self._tools.catalogue.push(push, self._caller)
        except HubError as error:
            self._job.say(f"{item.name} was not pushed: {error}")
            return
        self._job.begin(f"push {item.name}", 0)
        for begun in jobs:
            ended = await self._tools.hub.jobs.wait(begun.id)
            how = "has it" if ended.state == "done" else f"does not have it: {ended.error}"
            self._job.say(f"{ended.serial} {how}")


def plan_item(source: Source, item: Item, *, fit_block: bool) -> Plan:
    """Plan one model of a wish; blocking.

    Raises:
        InputError: it cannot be made; with the reason and the way out.
    """
    return plan_export(
        source,
        item.recipe_id,
        item.recipe,
        item.overrides,
        machine=this_machine(item.out),
        fit_block=fit_block,
    )


def is_for_npu(item: Item) -> bool:
    """Whether a recipe goes on with Qualcomm's and MNN's own tools."""
    return "qnn_sdk" in item.recipe.needs


def plan_npu(wish: Wish, item: Item, plan: Plan, home: Home) -> NpuPlan:
    """Plan the steps after the export; blocking.

    Raises:
        InputError: something is missing for them; with the way out.
    """
    goal = wish.npu
    return prepare_npu(
        plan, qnn_sdk=goal.qnn_sdk, mnn=goal.mnn, soc=goal.soc, out=item.out, socs=load_socs(home)
    )


def npu_stage_view(recipe_id: str, progress: NpuProgress) -> StageView:
    """Where the making of a model for the NPU is, as clients are told."""
    return StageView(
        recipe=recipe_id,
        stage=progress.stage,
        title=progress.title,
        number=progress.number,
        of=progress.of,
        stage_share=None,
        share=progress.share,
        elapsed_s=progress.elapsed_s,
        left_s=None,
    )


def stage_view(recipe_id: str, progress: Progress) -> StageView:
    """Where an export is, as clients are told."""
    return StageView(
        recipe=recipe_id,
        stage=progress.stage,
        title=TITLES[progress.stage],
        number=progress.number,
        of=progress.of,
        stage_share=progress.stage_share,
        share=progress.share,
        elapsed_s=progress.elapsed_s,
        left_s=progress.left_s,
    )
