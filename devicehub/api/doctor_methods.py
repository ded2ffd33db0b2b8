"""The methods that look at host and phones for what stands in the way of a run."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import msgspec

from devicehub.adb.client import AdbClient
from devicehub.api import contract
from devicehub.doctor.choice import Wish
from devicehub.doctor.examine import Ward, examine, meant
from devicehub.doctor.probe import probe
from devicehub.errors import AdbError, PhoneAway
from devicehub.runs.model import RunRecord

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from devicehub.api.jobs import Job
    from devicehub.api.model import JobView
    from devicehub.api.server import Caller, Handler
    from devicehub.api.services import Services
    from devicehub.device.model import Device
    from devicehub.dispatch.request import RunRequest
    from devicehub.doctor.model import Report, Row
    from devicehub.runs.ask import RunAsk
    from devicehub.store.model import RunRow

_LOOK_S: Final = 0.2
_PROBE_S: Final = 900.0
"""A push over USB 2 may take some minutes, and the run waits for its phone."""


class DoctorMethods:
    """Handlers of `doctor.*`."""

    def __init__(self, services: Services) -> None:
        self._hub = services

    def handlers(self) -> Mapping[str, Handler]:
        """By method name."""
        return {contract.DOCTOR.name: self.look, contract.DOCTOR_PROBE.name: self.probe}

    async def look(self, params: contract.Diagnose, caller: Caller) -> Report:
        """Look; the host's rows go to callers on the same host alone.

        Raises:
            AskError: the profile is of another workload.
            InputError: something that is named is not there.
            SelectionError: no phone of that name is known.
        """
        devices = await self._devices(params)
        return (await examine(devices, _wish(params), self._ward(), with_host=caller.local)).report

    async def probe(self, params: contract.Diagnose, caller: Caller) -> JobView:
        """Look, and try: a job whose result is a `Report`; raises as `look`."""
        devices = await self._devices(params)
        wish = _wish(params)

        async def work(job: Job) -> dict[str, Any]:
            found = await examine(devices, wish, self._ward(), with_host=caller.local)
            requests = [(device, request) for device in devices if (request := found.may_run(device))]
            model = found.report.model
            report = found.report
            if model is not None and requests:
                report = found.probed(await self._probe_all(requests, wish.ask(model), job, caller))
            result: dict[str, Any] = msgspec.to_builtins(report)
            return result

        return self._hub.jobs.start("doctor.probe", work, label=params.model or "doctor")

    async def _probe_all(
        self, requests: Sequence[tuple[Device, RunRequest]], ask: RunAsk, job: Job, caller: Caller
    ) -> list[tuple[Device, list[Row]]]:
        async def run(device: Device) -> RunRecord:
            job.say(f"{device.serial}: a short run tells whether it works")
            return await self._run(ask, device, caller)

        async with asyncio.TaskGroup() as tasks:
            probing = [
                tasks.create_task(probe(device, request, self._hub.phones.transport, run))
                for device, request in requests
            ]
        return [(device, task.result()) for (device, _), task in zip(requests, probing, strict=True)]

    async def _run(self, ask: RunAsk, device: Device, caller: Caller) -> RunRecord:
        """Queue the short run and wait for its end; it is ended where the job is."""
        asked = msgspec.structs.replace(ask, selectors=(device.serial,))
        [run_id] = self._hub.queue.submit(asked, client=caller.client, on=[device])
        try:
            async with asyncio.timeout(_PROBE_S):
                row = await self._ended(run_id)
        except TimeoutError:
            await self._stop(run_id)
            raise PhoneAway(serial=device.serial, run_id=run_id, waited_s=_PROBE_S) from None
        except asyncio.CancelledError:
            await self._stop(run_id)
            raise
        return msgspec.json.decode(row.record or b"{}", type=RunRecord)

    async def _ended(self, run_id: str) -> RunRow:
        while True:
            if self._hub.queue.find(run_id) is None and (row := self._hub.store.run(run_id)).record:
                return row
            await self._hub.clock.sleep(_LOOK_S)

    async def _stop(self, run_id: str) -> None:
        await self._hub.queue.stop(run_id)
        if self._hub.queue.find(run_id) is None:
            await self._hub.stop_run(run_id)

    async def _devices(self, params: contract.Diagnose) -> list[Device]:
        try:
            await self._hub.phones.settled()
        except AdbError:
            if params.selectors:
                raise
        return meant(self._hub.phones.devices(), params.selectors)

    def _ward(self) -> Ward:
        phones = self._hub.phones
        return Ward(
            catalogue=self._hub.catalogue,
            client=AdbClient(self._hub.adb),
            transport=phones.transport,
            clock=self._hub.clock,
        )


def _wish(params: contract.Diagnose) -> Wish:
    return Wish(engine=params.engine, model=params.model, profile=params.profile)
