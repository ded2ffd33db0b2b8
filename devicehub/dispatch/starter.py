"""Brings one attempt of a run onto its phone: deploy, start."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from devicehub.deploy.targets import engine_target, model_target
from devicehub.device.probe import read_state
from devicehub.dispatch.launches import commands, log_tags_of, run_files
from devicehub.errors import RunRefused
from devicehub.models.memory import memory_needed_kib
from devicehub.runner.contract import Limits, RunSpec
from devicehub.runner.launch import Runner
from devicehub.runs.preflight import preflight
from devicehub.units import MB

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from devicehub.adb.client import Transport
    from devicehub.clock import Clock
    from devicehub.deploy.targets import Target
    from devicehub.dispatch.request import RunListener, RunRequest
    from devicehub.runner.contract import RunHandle
    from devicehub.runs.model import Caution, RunHeader


class Starter:
    """One run's way onto its phone, for any number of attempts.

    Attributes:
        timings: milliseconds per phase, by the fields of `runs.model.Timings`; sums over the attempts.
    """

    def __init__(self, request: RunRequest, *, agent: Path, clock: Clock, listener: RunListener) -> None:
        self._request = request
        self._agent = agent
        self._clock = clock
        self._listener = listener
        self.timings: dict[str, Any] = {}
        self._pushed_bytes = 0
        self._push_s = 0.0

    async def check(self, transport: Transport, serial: str, config: Mapping[str, Any]) -> list[Caution]:
        """What may spoil the run on this phone as it is now.

        Args:
            transport: the phone.
            serial: how it is called in messages.
            config: what the engine will be given.

        Raises:
            RunRefused: something does, and the request is strict.
            AdbError: the phone cannot be asked.
        """
        begun_s = self._clock.monotonic_s()
        request = self._request
        cautions = preflight(
            await read_state(transport),
            needed_kib=memory_needed_kib(request.model, config),
            detach=request.detach,
        )
        self._add_ms("check_ms", begun_s)
        if cautions and request.strict:
            sentences = "; ".join(caution.sentence for caution in cautions)
            raise RunRefused(serial, sentences, remedy="; ".join(caution.remedy for caution in cautions))
        for caution in cautions:
            self._listener.on_note(f"warning: {caution.sentence}; {caution.remedy}")
        return cautions

    async def deploy(self, transport: Transport) -> None:
        """Bring engine and model onto the phone, as far as they are not there."""
        if self._request.engine is not None:
            await self._push(engine_target(self._request.engine), "engine", transport)
        await self._push(model_target(self._request.model), "model", transport)

    async def start(self, transport: Transport, header: RunHeader, phone_run_id: str) -> RunHandle:
        """Start it on the phone; from here on the phone may have it, whatever goes wrong."""
        begun_s = self._clock.monotonic_s()
        runner = Runner(transport, agent_dir=self._agent, clock=self._clock)
        agent_dir = await runner.install()
        request = self._request
        handle = await runner.start(
            RunSpec(
                run_id=phone_run_id,
                launches=commands(request, header, phone_run_id, agent_dir),
                files=run_files(request, header, phone_run_id),
                log_tags=log_tags_of(request),
                limits=request.limits or Limits(),
                sample_hz=request.sample_hz,
            )
        )
        self._add_ms("start_ms", begun_s)
        return handle

    async def _push(self, target: Target, label: str, transport: Transport) -> None:
        begun_s = self._clock.monotonic_s()
        plan = await target.plan(transport)
        progress = self._listener.on_transfer(label, plan.bytes_to_send) if plan.bytes_to_send else None
        outcome = await target.carry_out(plan, transport, progress=progress)
        self._pushed_bytes += outcome.bytes_sent
        self._push_s += outcome.send_s
        self.timings["pushed_bytes"] = self._pushed_bytes
        if self._push_s and self._pushed_bytes:
            self.timings["push_mb_s"] = self._pushed_bytes / self._push_s / MB
        self._add_ms(f"push_{label}_ms", begun_s)

    def _add_ms(self, phase: str, begun_s: float) -> None:
        self.timings[phase] = self.timings.get(phase, 0.0) + (self._clock.monotonic_s() - begun_s) * 1000
