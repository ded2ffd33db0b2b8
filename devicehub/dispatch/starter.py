"""Brings one attempt of a run onto its phone: deploy, start."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from devicehub.deploy.targets import engine_target, model_target
from devicehub.dispatch.launches import commands, log_tags_of, run_files
from devicehub.runner.contract import Gate, Limits, RunSpec
from devicehub.runner.launch import Runner
from devicehub.units import MB

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from devicehub.adb.client import Transport
    from devicehub.clock import Clock
    from devicehub.deploy.targets import Target
    from devicehub.dispatch.launches import Half
    from devicehub.dispatch.request import RunListener, RunRequest
    from devicehub.runner.contract import RunHandle
    from devicehub.runs.model import RunHeader


class Starter:
    """One run's way onto its phone, for any number of attempts.

    Attributes:
        timings: milliseconds per phase, by the fields of `runs.model.Timings`; sums over the attempts.

    Args:
        left_out: files of the engine that the phone has no use for.
    """

    def __init__(
        self,
        request: RunRequest,
        *,
        agent: Path,
        clock: Clock,
        listener: RunListener,
        left_out: Collection[str] = (),
    ) -> None:
        self._request = request
        self._left_out = left_out
        self._agent = agent
        self._clock = clock
        self._listener = listener
        self.timings: dict[str, Any] = {}
        self._pushed_bytes = 0
        self._push_s = 0.0

    async def deploy(self, transport: Transport) -> None:
        """Bring engine and model onto the phone, as far as they are not there."""
        if self._request.ground.in_place:
            return
        if self._request.engine is not None:
            await self._push(engine_target(self._request.engine, self._left_out), "engine", transport)
        await self._push(model_target(self._request.model), "model", transport)

    async def start(self, transport: Transport, halves: Sequence[Half]) -> RunHandle:
        """Start the list of one run, or of both of a comparison; the handle is the first one's.

        From here on the phone may have it, whatever goes wrong.
        """
        begun_s = self._clock.monotonic_s()
        runner = Runner(transport, agent_dir=self._agent, clock=self._clock)
        agent_dir = await runner.install()
        first, *others = halves
        request = first.request
        handle = await runner.start(
            RunSpec(
                run_id=first.phone_run_id,
                launches=commands(halves, agent_dir),
                files=run_files(first),
                others={half.phone_run_id: run_files(half) for half in others},
                log_tags=log_tags_of(request),
                limits=request.limits or Limits(),
                sample_hz=request.sample_hz,
                gate=_gate(first.header),
                steady=first.header.steady,
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


def _gate(header: RunHeader) -> Gate | None:
    asked = header.protocol.gate if header.protocol else None
    if asked is None or not any(step.gated for step in header.steps):
        return None
    return Gate(temp_mc=round(asked.temp_c * 1000), zone=asked.zone, cap_s=asked.cap_s)
