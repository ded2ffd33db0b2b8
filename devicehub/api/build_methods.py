"""The methods that build engines from MNN's sources."""

from __future__ import annotations

import asyncio
import os
import shutil
from typing import TYPE_CHECKING, Any

import msgspec

from devicehub.api import contract
from devicehub.api.job_model import BuildPlanView, step_view
from devicehub.api.views import engine_view
from devicehub.deploy.apk import check_apk
from devicehub.engines.building.making import build, bundle_folder, collect
from devicehub.engines.building.prepare import BuildPlan, Wish, prepare_build
from devicehub.errors import InputError
from devicehub.files import host_path
from devicehub.findings import errors

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from devicehub.api.jobs import Job
    from devicehub.api.model import JobView
    from devicehub.api.server import Caller, Handler
    from devicehub.api.services import Services
    from devicehub.engines.building.making import At


class BuildMethods:
    """Handlers of `builds.*`; one engine is built at a time, for each takes all cores."""

    def __init__(self, services: Services) -> None:
        self._hub = services
        self._home = services.catalogue.home
        self._turn = asyncio.Lock()

    def handlers(self) -> Mapping[str, Handler]:
        """By method name."""
        return {contract.BUILD_PLAN.name: self.plan, contract.BUILD_START.name: self.start}

    async def plan(self, params: contract.BuildEngine, _caller: Caller) -> BuildPlanView:
        """What a build would do, and what this host lacks for it.

        Raises:
            HubError: as `prepare_build`.
        """
        plan = await prepare_build(_wish(params), self._home)
        return BuildPlanView(
            profile=plan.profile,
            source=plan.source,
            folder=str(plan.folder),
            findings=plan.findings,
            commands=[line for step in plan.steps for line in step.lines()],
        )

    async def start(self, params: contract.BuildEngine, _caller: Caller) -> JobView:
        """Build an engine and take it into the catalogue; the result has `engine`, or `apk`, and `log`.

        Raises:
            HubError: as `prepare_build`.
            InputError: this host lacks something.
        """
        wish = _wish(params)
        plan = await prepare_build(wish, self._home)
        lacking = errors(plan.findings)
        if lacking:
            others = "".join(f"; {finding}" for finding in lacking[1:])
            first = lacking[0]
            raise InputError(first.place, f"{first.why}", remedy=f"{first.fix}{others}")
        log = self._home.logs / f"build-{plan.label}.log"

        async def make(job: Job) -> dict[str, Any]:
            for finding in plan.findings:
                job.say(f"warning: {finding}")
            if self._turn.locked():
                job.say("another engine is being built; this one begins when that is done")
            async with self._turn:
                return await self._make(plan, wish, params.name, log, job)

        return self._hub.jobs.start(contract.BUILD_START.name, make, label=plan.profile)

    async def _make(
        self, plan: BuildPlan, wish: Wish, name: str | None, log: Path, job: Job
    ) -> dict[str, Any]:
        job.say(f"{plan.source} in {plan.folder}")
        began_s = self._hub.clock.monotonic_s()

        def show(at: At) -> None:
            elapsed_s = self._hub.clock.monotonic_s() - began_s
            step = step_view(
                plan.profile,
                at.title,
                number=at.number,
                of=at.of,
                step_share=at.step_share,
                elapsed_s=elapsed_s,
            )
            job.reach(step)

        await build(plan.steps, plan.folder, log, environ=wish.environ, on_progress=show)
        made: dict[str, Any] = {"log": str(log), "folder": str(plan.folder)}
        if plan.apk is not None:
            made["apk"] = str(await asyncio.to_thread(self._register_app, plan.apk))
            return made
        with bundle_folder() as bundle:
            await asyncio.to_thread(collect, plan.file, plan.folder, wish.mnn, plan.qnn_sdk, bundle)
            origin = f"{plan.source}, built by profile {plan.profile} from {wish.mnn.absolute()}"
            chosen = name or plan.profile
            engine = await asyncio.to_thread(self._hub.catalogue.engines.add, bundle, chosen, origin=origin)
        made["engine"] = msgspec.to_builtins(engine_view(engine))
        return made

    def _register_app(self, apk: Path) -> Path:
        check_apk(apk)
        kept = self._home.app
        kept.parent.mkdir(parents=True, exist_ok=True)
        part = kept.with_suffix(".part")
        shutil.copyfile(apk, part)
        part.replace(kept)
        return kept


def _wish(params: contract.BuildEngine) -> Wish:
    return Wish(
        mnn=host_path(params.mnn),
        profile=params.profile,
        ndk=host_path(params.ndk) if params.ndk else None,
        qnn_sdk=host_path(params.qnn_sdk) if params.qnn_sdk else None,
        jobs=params.jobs or os.cpu_count() or 1,
        environ={**os.environ, **params.environment},
    )
