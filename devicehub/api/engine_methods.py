"""The method that judges an engine, alone and on phones."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec

from devicehub.api import contract
from devicehub.api.job_model import EngineCheckView, EngineOnPhoneView
from devicehub.device.probe import read_state
from devicehub.device.select import refuse_host, select
from devicehub.dispatch.engine_fit import engine_phone
from devicehub.dispatch.engine_probe import judge_probe, probe_engine
from devicehub.engines.bundle import inspected
from devicehub.engines.catalog import Engine, inspect_engine
from devicehub.engines.parts import left_out
from devicehub.engines.suits import suits
from devicehub.errors import AskError, InputError
from devicehub.files import host_path
from devicehub.findings import errors, in_order

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from devicehub.api.jobs import Job
    from devicehub.api.model import JobView
    from devicehub.api.server import Caller, Handler
    from devicehub.api.services import Services
    from devicehub.device.model import Device
    from devicehub.dispatch.engine_probe import EngineProbe
    from devicehub.engines.bundle import Inspection


class EngineMethods:
    """Handlers of `engines.check`."""

    def __init__(self, services: Services) -> None:
        self._hub = services
        self._engines = services.catalogue.engines

    def handlers(self) -> Mapping[str, Handler]:
        """By method name."""
        return {contract.ENGINE_CHECK.name: self.check}

    async def check(self, params: contract.CheckEngine, _caller: Caller) -> JobView:
        """Judge an engine: a job whose result is an `EngineCheckView`.

        Raises:
            AskError: neither or both of name and path, or a probe of what is not in the catalogue.
            InputError: there is no such engine.
            SelectionError: no phone is meant, or none is ready.
        """
        if (params.name is None) == (params.path is None):
            raise AskError("give either an engine of the catalogue or a path")
        if params.probe and (params.name is None or not params.selectors):
            raise AskError("a probe needs an engine of the catalogue and a phone; add it and name the phone")
        engine = self._engines.get(params.name) if params.name is not None else None
        path = host_path(params.path or "")
        devices: list[Device] = []
        if params.selectors:
            await self._hub.phones.settled()
            devices = select(self._hub.phones.devices(), params.selectors)
            devices = [refuse_host(device) for device in devices] if params.probe else devices

        async def work(job: Job) -> dict[str, Any]:
            inspection = await asyncio.to_thread(_inspect, engine or path)
            phones = [await self._on_phone(device, inspection, engine, params, job) for device in devices]
            forbidding = errors(inspection.findings) or [
                found for phone in phones for found in errors(phone.findings)
            ]
            view = EngineCheckView(
                place=engine.id if engine is not None else str(path),
                ok=not forbidding,
                features=msgspec.to_builtins(inspection.features),
                programs=list(inspection.bundle.programs) if inspection.bundle else [],
                findings=list(inspection.findings),
                phones=phones,
            )
            result: dict[str, Any] = msgspec.to_builtins(view)
            return result

        return self._hub.jobs.start("engines.check", work, label=params.name or path.name)

    async def _on_phone(
        self,
        device: Device,
        inspection: Inspection,
        engine: Engine | None,
        params: contract.CheckEngine,
        job: Job,
    ) -> EngineOnPhoneView:
        transport = self._hub.phones.transport(device)
        phone = engine_phone(device, None if device.is_host else await read_state(transport))
        found = in_order(suits(inspection.features, phone)) if inspection.bundle is not None else []
        is_pushed = inspection.bundle is not None and not device.is_host
        files = sorted(inspection.bundle.sources) if inspection.bundle and is_pushed else []
        without = left_out(files, phone)
        probes: list[EngineProbe] = []
        if params.probe and engine is not None and not errors(found):
            if device.run is not None:
                raise InputError(device.serial, "has a run under way", remedy="probe it when that has ended")
            job.begin(engine.id, engine.manifest.size)
            probes = [
                await probe_engine(engine, transport, backend=one, without=without, progress=job.advance)
                for one in params.backends or ["cpu"]
            ]
        return EngineOnPhoneView(
            serial=device.serial,
            findings=[*found, *(told for probe in probes if (told := judge_probe(probe, device.serial)))],
            pushed=[name for name in files if name not in without],
            left_out=without,
            probes=[msgspec.to_builtins(probe) for probe in probes],
        )


def _inspect(subject: Engine | Path) -> Inspection:
    if isinstance(subject, Engine):
        return inspect_engine(subject)
    with inspected(subject) as inspection:
        return inspection
