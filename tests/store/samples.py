"""Runs to store, for tests."""

from __future__ import annotations

from typing import Any

from devicehub.device.soc import SocFacts
from devicehub.runs.lifecycle import RunState
from devicehub.runs.model import (
    Attempt,
    Conditions,
    DeviceRef,
    EngineRef,
    Launch,
    ModelRef,
    RunRecord,
    Timings,
    summarize,
)
from devicehub.store.model import RunRow
from devicehub.workloads.record import Record


def run_row(run_id: str = "r1", **changed: Any) -> RunRow:
    fields: dict[str, Any] = {
        "id": run_id,
        "state": "queued",
        "attempt": 1,
        "phone_run_id": run_id,
        "serial": "S1",
        "serialno": "SN1",
        "boot_id": "b1",
        "product": "Sample One",
        "model": "m",
        "engine": "e",
        "profile": "default",
        "workload": "demo",
        "virtual": True,
        "created": 100.0,
        "started": 100.0,
        "updated": 100.0,
        "request": b"{}",
    }
    return RunRow(**fields | changed)


def record(
    state: str = "succeeded", run_id: str = "r1", *, cause: str | None = None, **changed: Any
) -> RunRecord:
    verdict = {"succeeded": "succeeded", "failed": "failed"}.get(state)
    launches = [] if verdict is None else [launch(verdict, cause)]
    fields: dict[str, Any] = {
        "id": run_id,
        "workload": "demo",
        "virtual": True,
        "device": DeviceRef(
            serial="S1",
            serialno="SN1",
            boot_id="b1",
            product="Sample One",
            manufacturer="Sample",
            android="14",
            sdk=34,
            soc=SocFacts(vendor="qualcomm", model="SM8650", name=None, gpu=None, htp=None),
        ),
        "engine": EngineRef(id="e-1", name="e", abi="arm64-v8a", version="3.6.1", logcat=False),
        "model": ModelRef(id="m-1", name="m"),
        "profile": "default",
        "config": {"max_new_tokens": 8},
        "config_sha256": "0" * 64,
        "prompts": 1,
        "started": 100.0,
        "state": RunState(state),
        "verdict": verdict,
        "cause": cause,
        "trusted": state == "succeeded",
        "trust_reasons": [] if state == "succeeded" else [f"the run is {state}"],
        "attempts": [Attempt(number=1, phone_run_id=run_id)],
        "conditions": Conditions(),
        "fidelity": None,
        "launches": launches,
        "summary": summarize(launches),
        "timings": Timings(),
        "ended": 130.0,
    }
    return RunRecord(**fields | changed)


def launch(verdict: str = "succeeded", cause: str | None = None, number: int = 1) -> Launch:
    good = verdict == "succeeded"
    rows = [
        Record(
            tool="llm_demo",
            source="stdout",
            backend="cpu",
            threads=4,
            prompt_tokens=11,
            decode_tokens=8,
            prefill_tok_s=120.5,
            decode_tok_s=9.25,
            load_ms=410.0,
        )
    ]
    return Launch(
        number=number,
        verdict=verdict,
        cause=cause,
        text="The sky is blue.\n",
        records=rows if good else [],
        exit_status=0,
        evidence=[] if good else ["a line that proves it"],
        remedy=None if good else "Do something about it.",
        duration_s=3.5,
    )
