"""Carries one run through its states on one phone: check, deploy, start, follow, collect, judge."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

from devicehub.deploy.targets import engine_target, model_target
from devicehub.dispatch.conditions import AdbFacts, ConditionsReader
from devicehub.dispatch.request import SilentListener
from devicehub.engines.bundle import PROGRAM, VIRTUAL
from devicehub.errors import InputError, RunLost
from devicehub.runner.contract import Command, LaunchEnded, RunSpec, engine_env
from devicehub.runner.launch import Runner
from devicehub.runs.lifecycle import RunEvent, RunState, next_state
from devicehub.runs.model import (
    Attempt,
    DeviceRef,
    EngineRef,
    Launch,
    ModelRef,
    RunRecord,
    Timings,
    summarize,
)
from devicehub.settings import PHONE_ROOT
from devicehub.units import MB
from devicehub.workloads import llm_demo
from devicehub.workloads.config import final_config, work_hash
from devicehub.workloads.verdict import LaunchReader

if TYPE_CHECKING:
    from pathlib import Path

    from devicehub.adb.client import Transport
    from devicehub.clock import Clock
    from devicehub.deploy.targets import Target
    from devicehub.device.model import Device
    from devicehub.dispatch.request import RunListener, RunRequest
    from devicehub.engines.catalog import Engine
    from devicehub.runner.contract import Exit, RunHandle

OLDEST_SDK: Final = 26
SUCCEEDED: Final = "succeeded"
_NO_LIMIT: Final = -1
"""max_new_tokens where the config names none."""


def fits(engine: Engine, device: Device) -> bool:
    """Whether the phone can load the engine at all; virtual engines run on virtual phones only."""
    if engine.abi == VIRTUAL:
        return device.virtual
    return device.facts is not None and engine.abi in device.facts.abis


class Worker:
    """One run on one phone. Not reusable: a retry is a new worker."""

    def __init__(
        self,
        request: RunRequest,
        device: Device,
        transport: Transport,
        *,
        agent: Path,
        clock: Clock,
        listener: RunListener | None = None,
        adb: AdbFacts | None = None,
    ) -> None:
        self._request = request
        self._device = device
        self._transport = transport
        self._clock = clock
        self._listener = listener or SilentListener()
        self._adb = adb or AdbFacts()
        self._engine = engine_target(request.engine)
        self._model = model_target(request.model)
        self._runner = Runner(transport, agent_dir=agent, clock=clock)
        self._state = RunState.QUEUED
        self._timings: dict[str, float] = {}
        self._pushed_bytes = 0
        self._push_s = 0.0
        self._conditions = ConditionsReader(device.battery)
        self._config: dict[str, Any] = {}

    async def carry(self) -> RunRecord:
        """Carry the run to its end.

        Raises:
            HubError: it could not be started; nothing of it is left running.
        """
        started = self._clock.wall_s()
        self._move(RunEvent.CHECK)
        begun = self._clock.monotonic_s()
        self._check()
        self._timings["check_ms"] = self._ms_since(begun)
        self._move(RunEvent.DEPLOY)
        await self._push(self._engine, "engine")
        await self._push(self._model, "model")
        self._move(RunEvent.START)
        launch = await self._launch()
        self._move(RunEvent.SUCCEED if launch.verdict == SUCCEEDED else RunEvent.FAIL)
        return self._record(launch, started)

    def _move(self, event: RunEvent) -> None:
        self._state = next_state(self._state, event)
        self._listener.on_state(self._state)

    def _ms_since(self, begun_s: float) -> float:
        return (self._clock.monotonic_s() - begun_s) * 1000

    @property
    def _config_file(self) -> bytes:
        return json.dumps(self._config, ensure_ascii=False, indent=2).encode()

    def _check(self) -> None:
        """Refuse what cannot work before a byte is pushed."""
        engine, facts = self._request.engine, self._device.facts
        assert facts is not None
        if facts.sdk is not None and facts.sdk < OLDEST_SDK:
            raise InputError(
                self._device.serial,
                f"runs Android {facts.android}",
                remedy="the agent needs Android 8 or newer",
            )
        if not fits(engine, self._device):
            raise InputError(
                f"engine {engine.name}",
                f"is for {engine.abi}, {self._device.serial} takes {', '.join(facts.abis) or 'no known ABI'}",
                remedy="add an engine for this phone (`devicehub engines add DIR`)",
            )
        self._config = final_config(
            self._request.model.config,
            self._request.profile.config,
            self._request.overrides,
            base_dir=self._model.directory,
            no_think=self._request.no_think,
            files=[entry.path for entry in self._request.model.manifest.files],
        )

    async def _push(self, target: Target, label: str) -> None:
        begun = self._clock.monotonic_s()
        plan = await target.plan(self._transport)
        progress = self._listener.on_transfer(label, plan.bytes_to_send) if plan.bytes_to_send else None
        outcome = await target.carry_out(plan, self._transport, progress=progress)
        self._pushed_bytes += outcome.bytes_sent
        self._push_s += outcome.send_s
        self._timings[f"push_{label}_ms"] = self._ms_since(begun)

    async def _launch(self) -> Launch:
        begun = self._clock.monotonic_s()
        await self._runner.install()
        request = self._request
        work = work_hash(request.engine.id, request.model.id, self._config)
        cwd = f"{PHONE_ROOT}/work/{work}"
        run_dir = f"{PHONE_ROOT}/runs/{request.run_id}"
        handle = await self._runner.start(
            RunSpec(
                run_id=request.run_id,
                launches=[
                    Command(
                        argv=llm_demo.argv(
                            f"{self._engine.directory}/{PROGRAM}",
                            f"{cwd}/config.json",
                            f"{run_dir}/prompt.txt",
                        ),
                        cwd=cwd,
                        env=engine_env(self._engine.directory),
                    )
                ],
                files={"config.json": self._config_file, "prompt.txt": request.prompts},
            )
        )
        self._move(RunEvent.STARTED)
        self._timings["start_ms"] = self._ms_since(begun)
        try:
            return await self._follow(handle)
        except BaseException:
            # Whatever ends the watching early (Ctrl-C, a lost phone) must not leave the engine running.
            await self._runner.abandon(handle)
            raise

    async def _follow(self, handle: RunHandle) -> Launch:
        begun = self._clock.monotonic_s()
        reader = LaunchReader(
            "demo",
            max_new_tokens=self._config.get("max_new_tokens", _NO_LIMIT),
            logs_to_logcat=self._request.engine.logcat,
        )
        shown = 0
        ended: Exit | None = None
        cause: str | None = None
        try:
            async for piece in self._runner.follow(handle):
                if isinstance(piece, LaunchEnded):
                    continue
                feed = {
                    "stdout": reader.feed_stdout,
                    "stderr": reader.feed_stderr,
                    "log": reader.feed_log,
                    "samples": self._conditions.feed,
                }[piece.stream]
                feed(piece.data)
                text = reader.text_so_far
                self._listener.on_text(text[shown:])
                shown = len(text)
            self._timings["run_ms"] = self._ms_since(begun)
            collecting = self._clock.monotonic_s()
            self._move(RunEvent.EXITED)
            ended = await self._runner.result(handle)
            self._timings["collect_ms"] = self._ms_since(collecting)
            cause = ended.cause
        except RunLost as lost:
            self._timings["run_ms"] = self._ms_since(begun)
            cause = lost.cause
            await self._runner.abandon(handle)  # what the supervisor left behind
        last = ended.launches[-1] if ended and ended.launches else None
        status = last.status if last else None
        reading = reader.finish(status, agent_cause=cause, pid=last.workload_pid if last else None)
        return Launch(
            verdict=reading.verdict,
            cause=reading.cause,
            text=reading.text,
            records=reading.records,
            exit_status=status,
            evidence=reading.evidence,
            remedy=reading.remedy,
        )

    def _record(self, launch: Launch, started: float) -> RunRecord:
        device, request = self._device, self._request
        assert device.facts is not None
        assert device.identity is not None
        facts, engine = device.facts, request.engine
        succeeded = launch.verdict == SUCCEEDED
        return RunRecord(
            id=request.run_id,
            state=self._state,
            verdict=launch.verdict,
            cause=launch.cause,
            trusted=succeeded,
            trust_reasons=[] if succeeded else [f"the run is {launch.verdict}"],
            virtual=device.virtual,
            workload="demo",
            device=DeviceRef(
                serial=device.serial,
                serialno=device.identity.serialno,
                boot_id=device.identity.boot_id,
                product=facts.product,
                manufacturer=facts.manufacturer,
                android=facts.android,
                sdk=facts.sdk,
                soc=facts.soc,
            ),
            engine=EngineRef(
                id=engine.id, name=engine.name, abi=engine.abi, version=engine.version, logcat=engine.logcat
            ),
            model=ModelRef(id=request.model.id, name=request.model.name),
            profile=request.profile.id,
            config=self._config,
            config_sha256=hashlib.sha256(self._config_file).hexdigest(),
            prompts=request.prompts.count(b"\n"),
            attempts=[Attempt(number=1, phone_run_id=request.run_id)],
            conditions=self._conditions.finish(self._adb),
            fidelity=None,
            launches=[launch],
            summary=summarize([launch]),
            timings=Timings(
                **self._timings,
                pushed_bytes=self._pushed_bytes,
                push_mb_s=self._pushed_bytes / self._push_s / MB
                if self._push_s and self._pushed_bytes
                else None,
            ),
            started=started,
            ended=self._clock.wall_s(),
        )
