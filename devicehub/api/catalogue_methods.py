"""The methods about engines and profiles, and those that bring things onto phones."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec

from devicehub.api import contract
from devicehub.api.views import engine_view, profile_view
from devicehub.deploy.apk import WHERE, check_apk, find_app, install_app
from devicehub.deploy.targets import engine_target, file_target, model_target
from devicehub.device.probe import read_state
from devicehub.device.quirks import told_switches
from devicehub.device.select import refuse_host, select
from devicehub.dispatch.engine_fit import engine_phone, parts_left_out, refuse
from devicehub.engines.suits import suits
from devicehub.errors import AskError, InputError
from devicehub.files import host_path
from devicehub.findings import Severity
from devicehub.profiles.load import find_profiles, summary_of
from devicehub.profiles.schema import KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devicehub.adb.client import Transport
    from devicehub.api.jobs import Job
    from devicehub.api.model import EngineView, JobView, ProfileView
    from devicehub.api.server import Caller, Handler
    from devicehub.api.services import Services
    from devicehub.deploy.targets import Target
    from devicehub.device.model import Device


class CatalogueMethods:
    """Handlers of `engines.*`, `profiles.*`, `push.*`, `app.*` and `jobs.*`."""

    def __init__(self, services: Services) -> None:
        self._hub = services
        self._models, self._engines = services.catalogue.models, services.catalogue.engines

    def handlers(self) -> Mapping[str, Handler]:
        """By method name."""
        return {
            contract.ENGINES.name: self.engines,
            contract.ENGINE_ADD.name: self.add_engine,
            contract.ENGINE_REMOVE.name: self.remove_engine,
            contract.PROFILES.name: self.profiles,
            contract.PUSH.name: self.push,
            contract.APP_INSTALL.name: self.install_app,
            contract.JOB.name: self.job,
            contract.JOB_CANCEL.name: self.cancel_job,
        }

    async def engines(self, _params: contract.Params, _caller: Caller) -> list[EngineView]:
        """The catalogue's engines."""
        return [engine_view(engine) for engine in self._engines.list()]

    async def add_engine(self, params: contract.AddFolder, _caller: Caller) -> EngineView:
        """Copy a folder into the catalogue, checked."""
        folder = host_path(params.folder)
        return engine_view(await asyncio.to_thread(self._engines.add, folder, params.name))

    async def remove_engine(self, params: contract.Named, _caller: Caller) -> EngineView:
        """Delete an engine from the catalogue."""
        return engine_view(await asyncio.to_thread(self._engines.remove, params.name))

    async def profiles(self, _params: contract.Params, _caller: Caller) -> list[ProfileView]:
        """All profiles."""
        home = self._hub.catalogue.home
        located = [profile for kind in sorted(KINDS) for profile in find_profiles(kind, home).values()]
        return [profile_view(one, summary_of(one)) for one in located]

    async def push(self, params: contract.Push, _caller: Caller) -> list[JobView]:
        """Bring something onto phones: a job for each, whose result is what `push --json` prints.

        Raises:
            AskError: a file without a destination, or the reverse.
            InputError: there is no such model or engine.
            SelectionError: no phone is meant, or none is ready.
        """
        if (params.destination is not None) != (params.kind == "file"):
            raise AskError("a file needs a destination on the phone, and nothing else takes one")
        devices = await self._ready(params.selectors)
        if params.kind == "model":
            self._models.get(params.name)
        elif params.kind == "engine":
            self._engines.get(params.name)
        return [self._push_to(device, params) for device in devices]

    def _push_to(self, device: Device, params: contract.Push) -> JobView:
        transport = self._hub.phones.transport(device)

        async def push(job: Job) -> dict[str, Any]:
            target, warning = await self._target(params, device, transport)
            plan = await target.plan(transport)
            row = {"serial": device.serial, "target": target.directory, **plan.summary()}
            if params.kind == "engine":
                row["left_out"] = parts_left_out(self._engines.get(params.name), device)
            result: dict[str, Any] = {"row": row, "warning": warning, "label": target.label}
            if params.dry_run:
                return result | {"plan": msgspec.to_builtins(plan)}
            job.begin(target.label, plan.bytes_to_send)
            outcome = await target.carry_out(plan, transport, progress=job.advance)
            row["outcome"] = msgspec.to_builtins(outcome)
            return result

        return self._hub.jobs.start("push", push, label=params.name, serial=device.serial)

    async def _target(
        self, params: contract.Push, device: Device, transport: Transport
    ) -> tuple[Target, str | None]:
        if params.kind == "model":
            return model_target(self._models.get(params.name)), None
        if params.kind == "engine":
            engine = self._engines.get(params.name)
            found = suits(engine.features, engine_phone(device, await read_state(transport)))
            refuse(found)
            told = [str(finding) for finding in found if finding.severity is Severity.WARNING]
            return engine_target(engine, parts_left_out(engine, device)), "; ".join(told) or None
        assert params.destination is not None
        return await file_target(host_path(params.name), params.destination, transport), None

    async def install_app(self, params: contract.AppInstall, _caller: Caller) -> list[JobView]:
        """Install MnnLlmChat, or tell of it: a job for each phone.

        Raises:
            InputError: the file is no APK.
            SelectionError: no phone is meant, or none is ready.
        """
        built = self._hub.catalogue.home.app
        named = host_path(params.apk) if params.apk is not None else built if built.is_file() else None
        apk = check_apk(named) if named is not None else None
        size = apk.stat().st_size if apk is not None else 0
        devices = await self._ready(params.selectors)

        def start(device: Device) -> JobView:
            transport = self._hub.phones.transport(device)

            async def install(job: Job) -> dict[str, Any]:
                if apk is None:
                    app = await find_app(transport)
                    if app is None:
                        problem = "MnnLlmChat is not installed, and no APK was given"
                        raise InputError(transport.label, problem, remedy=WHERE)
                else:
                    job.begin(apk.name, size)
                    switches = told_switches(device.facts, "install")
                    app = await install_app(transport, apk, switches=switches, progress=job.advance)
                return {
                    "serial": device.serial,
                    "package": app.package,
                    "version": app.version,
                    "debuggable": app.debuggable,
                    "installed": apk is not None,
                }

            return self._hub.jobs.start("app.install", install, serial=device.serial)

        return [start(device) for device in devices]

    async def job(self, params: contract.JobNamed, _caller: Caller) -> JobView:
        """One job."""
        return self._hub.jobs.find(params.job)

    async def cancel_job(self, params: contract.JobNamed, _caller: Caller) -> JobView:
        """End a job."""
        return await self._hub.jobs.cancel(params.job)

    async def _ready(self, selectors: list[str]) -> list[Device]:
        await self._hub.phones.settled()
        return [refuse_host(device) for device in select(self._hub.phones.devices(), selectors)]
